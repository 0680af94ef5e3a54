// Messages to people who are away: they wait for the first socket that registers (contract: direct, section 4).

import assert from "node:assert/strict";
import { describe } from "node:test";
import {
  AUTO_STORES, DIALECTS_AND_STORES, FULL, STORES_ONLY, TRANSPORTS_AND_STORES, assertChat, noted, registered, say, tokenUser, user,
} from "../support/direct.js";
import { query } from "../support/database.js";
import { eventually } from "../support/eventually.js";
import { BUSY, each } from "../support/matrix.js";
import { TOKEN_MODE, token } from "../support/token.js";

const NODES = { ...STORES_ONLY, stores: ["nodes"] };
const MAX_WAITING = 500;
const PATIENCE_MS = 30_000;

describe("waiting messages", BUSY, () => {
  each(FULL, "come after the ack, oldest first, with their own time and sender", async (world) => {
    const [a, b] = [await user(world, 1), await user(world, 2)];
    const acks = [await say(a, 9, "one"), await say(b, 9, "two"), await say(a, 9, "three")];
    const c = await registered(world, 9);
    const heard = await c.several("chat", acks.length);
    for (const [i, messageContent] of ["one", "two", "three"].entries()) {
      assertChat(heard[i], { messageContent, senderId: i === 1 ? "2" : "1", id: acks[i].id, timestamp: acks[i].timestamp });
    }
    assert.deepEqual(c.order, ["ack register", "chat", "chat", "chat"]);
    await c.none();
  });

  each(DIALECTS_AND_STORES, "come once, and not to a socket that was there", async (world) => {
    const a = await user(world, 1);
    const b = await user(world, 2);
    await say(a, 2, "live");
    await b.next("chat");
    await say(a, 9, "later");
    const c = await registered(world, 9);
    await c.next("chat");
    for (const [client, id] of [[b, 2], [c, 9], [await world.connect(), 2], [await world.connect(), 9]]) {
      await client.ask("register", id);
      await client.none();
    }
  });

  each(DIALECTS_AND_STORES, "come to who was named in the handshake and registers as well", async (world) => {
    const a = await user(world, 1);
    await say(a, 9, "later");
    const c = await registered(world, 9, { auth: { userId: 9 } });
    assertChat(await c.next("chat"), { messageContent: "later" });
    await c.none();
  });

  each(AUTO_STORES, "come to who was named in the handshake and heard something before its first word", async (world) => {
    const a = await user(world, 1);
    await say(a, 9, "one");
    await say(a, 9, "two");
    const c = await world.connect({ auth: { userId: 9 } });
    const other = await world.connect({ auth: { userId: 9 } });
    for (const messageContent of ["live", "and on"]) {
      await say(a, 9, messageContent);
      for (const client of [c, other]) assertChat(await client.next("chat"), { messageContent });
    }
    await c.ask("register", 9);
    for (const messageContent of ["one", "two"]) assertChat(await c.next("chat"), { messageContent });
    await c.none();
    await other.none();
    await noted(world, 9);
    const again = await registered(world, 9);
    await again.none();
  });

  each(AUTO_STORES, "are not what somebody has heard who said no word", async (world) => {
    const a = await user(world, 1);
    const c = await world.connect({ auth: { userId: 9 } });
    for (const messageContent of ["one", "two"]) {
      await say(a, 9, messageContent);
      assertChat(await c.next("chat"), { messageContent });
    }
    c.disconnect();
    await noted(world, 9);
    const again = await registered(world, 9);
    await again.none();
  });

  each(DIALECTS_AND_STORES, "come to the owner of the token", async (world) => {
    const a = await tokenUser(world, 1);
    await say(a, 9, "later");
    const other = await tokenUser(world, 8);
    assert.equal((await other.emitWithAck("register", 9)).error.code, "FORBIDDEN");
    const c = await registered(world, 9, { auth: { token: token(9) } });
    assertChat(await c.next("chat"), { senderId: "1", messageContent: "later" });
    await other.none();
  }, TOKEN_MODE);

  each(STORES_ONLY, "are those that the ack called undelivered", async (world) => {
    const a = await user(world, 1);
    const c = await user(world, 9);
    await say(a, 9, "live");
    await c.next("chat");
    c.disconnect();
    const [waiting, early] = [[], []];
    await eventually(async () => {
      const ack = await say(a, 9, "anybody?");
      (ack.delivered ? early : waiting).push(ack.id);
      assert.equal(ack.delivered, false);
    });
    waiting.push((await say(a, 9, "later")).id);
    const again = await registered(world, 9);
    if (world.hasTwoServers) {
      // What seemed to be delivered on its way to the other server, where the socket was just going, waits too.
      await again.none("(disconnect)");
      const heard = again.all("chat").map(({ id }) => id);
      assert.ok(heard.length >= waiting.length);
      assert.deepEqual(heard, [...early, ...waiting].slice(-heard.length));
    } else {
      assert.deepEqual((await again.several("chat", 2)).map(({ id }) => id), waiting);
      await again.none();
    }
  });

  each(STORES_ONLY, "come to who registers again after a first try that failed", async (world) => {
    const a = await user(world, 1);
    await say(a, 9, "later");
    await query(world.server, "ALTER TABLE participant RENAME COLUMN last_read_seq TO hidden");
    const c = await world.connect();
    c.socket.emit("register", 9);
    await c.next("(disconnect)"); // else what is said next would count as heard, and this never
    c.disconnect(); // it would come back by itself
    await query(world.server, "ALTER TABLE participant RENAME COLUMN hidden TO last_read_seq");
    assert.equal((await say(a, 9, "even later")).delivered, false);
    const again = await registered(world, 9);
    const heard = await again.several("chat", 2);
    assert.deepEqual(heard.map(({ messageContent }) => messageContent), ["later", "even later"]);
    await c.none();
  });

  each(NODES, "come to who is believed to be on a server that has died", async (world) => {
    const c = await registered(world, 9);
    const a = await user(world, 1);
    await eventually(async () => assert.equal((await say(a, 9, "live")).delivered, true));
    await world.servers[0].kill();
    c.close();
    await say(a, 9, "later");
    const again = await world.connectTo(world.servers[1].url);
    await again.ask("register", 9);
    while ((await again.next("chat")).messageContent !== "later");
    await again.none();
  });

  each(STORES_ONLY, "of a guest that is gone keep its name", async (world) => {
    const x = await world.connect();
    const b = await user(world, 2);
    await say(x, 2, "who am I");
    const { senderId } = await b.next("chat");
    await say(x, 9, "later");
    x.disconnect();
    const c = await registered(world, 9);
    assertChat(await c.next("chat"), { senderId, messageContent: "later" });
  });

  each(STORES_ONLY, "outlive a restart", async (world) => {
    const a = await user(world, 1);
    const { id, timestamp } = await say(a, 9, { kept: ["as", "it", "was"] });
    a.close();
    await world.server.stop();
    await world.server.start();
    const c = await registered(world, 9);
    assertChat(await c.next("chat"), { id, timestamp, senderId: "1", messageContent: { kept: ["as", "it", "was"] } });
    await c.none();
  });

  each(STORES_ONLY, "are the newest five hundred", async (world) => {
    const a = await user(world, 1);
    const n = MAX_WAITING + 5;
    const sent = await Promise.all(
      Array.from({ length: n }, (_, i) => a.emitWithin(PATIENCE_MS, "chat", { recipientId: 9, messageContent: i })),
    );
    const c = await registered(world, 9);
    const heard = await c.several("chat", MAX_WAITING, PATIENCE_MS);
    const short = ({ id, timestamp }) => [id, timestamp];
    assert.deepEqual(heard.map(short), sent.slice(-MAX_WAITING).map(short));
    assert.deepEqual(heard.map(({ messageContent }) => messageContent), Array.from({ length: MAX_WAITING }, (_, i) => i + 5));
    await c.none();
    const c2 = await registered(world, 9);
    await c2.none(); // the older ones do not come later
  });

  each(STORES_ONLY, "of two sockets that register at once, only one gets each", async (world) => {
    const a = await user(world, 1);
    const n = 20;
    for (let i = 0; i < n; i += 1) await say(a, 9, i);
    const both = [await world.connect(), await world.connect()];
    await Promise.all(both.map((client) => client.ask("register", 9)));
    for (const client of both) await client.none("(disconnect)");
    const heard = both.map((client) => client.all("chat").map(({ messageContent }) => messageContent));
    const expected = Array.from({ length: n }, (_, i) => i);
    if (world.hasTwoServers) {
      // Two servers that are asked at the same moment may both have them: no socket twice, and none is lost.
      for (const one of heard.filter(({ length }) => length > 0)) assert.deepEqual(one, expected);
      assert.ok(heard.some(({ length }) => length > 0));
    } else {
      assert.deepEqual(heard.flat().toSorted((x, y) => x - y), expected);
    }
  });

  each(TRANSPORTS_AND_STORES, "and live ones are heard once and in order by who registers in between", async (world) => {
    const a = await user(world, 1);
    const c = await world.connect();
    const n = 300;
    for (let i = 0; i < n; i += 1) {
      a.emit("chat", { recipientId: 9, messageContent: i });
      if (i === n / 3) c.emit("register", 9);
      // Lets the two connections run side by side.
      if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const heard = await c.several("chat", n, PATIENCE_MS);
    assert.deepEqual(heard.map(({ messageContent }) => messageContent), Array.from({ length: n }, (_, i) => i));
    await c.none();
  });
});
