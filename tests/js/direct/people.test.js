// Who a socket belongs to: registered, named in the handshake, proved by a token, or a guest (contract: direct, sections 1
// and 2).

import assert from "node:assert/strict";
import { describe } from "node:test";
import {
  AUTO_STORES, DIALECTS_AND_STORES, FIXED, FULL, STORES_ONLY, assertChat, group, join, say, sayToGroup, tokenUser, user,
} from "../support/direct.js";
import { eventually } from "../support/eventually.js";
import { BUSY, each } from "../support/matrix.js";
import { assertError } from "../support/messages.js";
import { TOKEN_MODE, token } from "../support/token.js";

const OTHER_SPELLINGS = ["register_user", "addUser", "add-user", "set_user_id", "setup", "login", "join"];
const PAYLOADS = [2, "2", { userId: 2 }, { userId: "2" }, { id: 2 }, { id: "2" }];

describe("register", BUSY, () => {
  each(FULL, "nothing is emitted at connect, and registering is answered by its ack alone", async (world) => {
    const a = await world.connect();
    await a.none();
    assert.deepEqual(await a.emitWithAck("register", 1), { ok: true, userId: "1", socketId: a.id });
    await a.none();
  });

  for (const event of ["register", ...OTHER_SPELLINGS]) {
    each(event === "register" ? DIALECTS_AND_STORES : STORES_ONLY, `${event} takes an id in every form`, async (world) => {
      const a = await user(world, 1);
      const all = [];
      for (const payload of PAYLOADS) {
        const b = await world.connect();
        assert.deepEqual(await b.emitWithAck(event, payload), { ok: true, userId: "2", socketId: b.id });
        all.push(b);
      }
      await say(a, 2, "to all");
      for (const b of all) {
        assertChat(await b.next("chat"), { senderId: "1", messageContent: "to all" });
        await b.none();
      }
    });
  }

  each(AUTO_STORES, "only register fixes the dialect, afterwards every spelling is known", async (world) => {
    for (const event of OTHER_SPELLINGS) {
      const x = await world.connect();
      assertError(await x.emitWithAck(event, 2), "UNKNOWN_EVENT", `Unknown event: ${event}`);
    }
    const a = await user(world, 1);
    for (const event of OTHER_SPELLINGS) await a.ask(event, 1);
    assertError(await a.emitWithAck("join_user_room", 1), "UNKNOWN_EVENT", "Unknown event: join_user_room");
  });

  const firstWords = { chat: { to: 9, text: "x" }, groupChat: { room: 5, text: "x" }, joinGroup: 5, leaveGroup: 6 };
  for (const [event, payload] of Object.entries(firstWords)) {
    each(AUTO_STORES, `${event} fixes the dialect as well`, async (world) => {
      const a = await world.connect({ auth: { userId: 1 } });
      await a.emitWithAck(event, payload);
      assert.deepEqual(await a.ask("login", 1), { ok: true, userId: "1", socketId: a.id });
    });
  }

  each(DIALECTS_AND_STORES, "registering again changes the user, an unusable id changes nothing", async (world) => {
    const a = await user(world, 1);
    const b = await user(world, 2);
    for (const payload of [null, "", {}, [], -1, { userId: null }]) {
      assertError(await a.emitWithAck("register", payload), "INVALID_PAYLOAD");
    }
    await say(a, 2, "still 1");
    assertChat(await b.next("chat"), { senderId: "1" });
    await a.ask("register", 5);
    await say(a, 2, "now 5");
    assertChat(await b.next("chat"), { senderId: "5" });
    await say(b, 5, "to 5");
    assertChat(await a.next("chat"), { senderId: "2", messageContent: "to 5" });
    await a.none();
  });

  each(DIALECTS_AND_STORES, "ids are compared as text: 7 is \"7\" and not \"007\"", async (world) => {
    const a = await user(world, 1);
    const seven = await user(world, "7");
    const bond = await user(world, "007");
    await say(a, 7, "seven");
    await say(a, "007", "bond");
    assertChat(await seven.next("chat"), { messageContent: "seven" });
    assertChat(await bond.next("chat"), { messageContent: "bond" });
    for (const client of [seven, bond]) await client.none();
  });
});

describe("names in the handshake", BUSY, () => {
  const handshakes = {
    "auth.userId": { auth: { userId: "2" } },
    "auth.id": { auth: { id: 2 } },
    "query.userId": { query: { userId: 2 } },
    "query.id": { query: { id: 2 } },
    "a token": { auth: { token: token(2) } },
    "the Authorization header": { extraHeaders: { authorization: `Bearer ${token(2)}` } },
  };
  for (const [what, options] of Object.entries(handshakes)) {
    each(FIXED, `${what} is enough to receive and to send`, async (world) => {
      const b = await world.connect(options);
      const a = await user(world, 1);
      await say(a, 2, "hi");
      assertChat(await b.next("chat"), { senderId: "1" });
      await say(b, 1, "hi yourself");
      assertChat(await a.next("chat"), { senderId: "2" });
      for (const client of [a, b]) await client.none();
    });
  }

  each(DIALECTS_AND_STORES, "the dialect may be named with the id", async (world) => {
    const dialect = "direct";
    for (const options of [{ auth: { dialect, userId: 2 } }, { auth: { userId: 2 }, query: { dialect } }]) {
      const b = await world.connect(options);
      const a = await user(world, 1);
      await say(a, 2, "hi");
      await b.next("chat");
      await b.ask("login", 2);
      b.close();
    }
  });
});

describe("guests", BUSY, () => {
  each(DIALECTS_AND_STORES, "every socket without a name is a guest of its own, as long as it lives", async (world) => {
    const b = await user(world, 2);
    const [x, y] = [await world.connect(), await world.connect()];
    await say(x, 2, "x");
    await say(y, 2, "y");
    await say(x, 2, "x again");
    // In this order only as far as they are of one conversation.
    const heard = new Map((await b.several("chat", 3)).map(({ messageContent, senderId }) => [messageContent, senderId]));
    const [first, second, third] = ["x", "y", "x again"].map((content) => heard.get(content));
    assert.notEqual(first, second);
    assert.equal(first, third);
    assert.equal((await say(b, first, "to x")).delivered, true);
    assertChat(await x.next("chat"), { senderId: "2", messageContent: "to x" });
    await y.none();
    x.disconnect();
    const toNobody = { recipientId: first, messageContent: "x?" };
    await eventually(async () => assertError(await b.emitWithAck("chat", toNobody), "NOT_FOUND"));
    await b.none();
  });

  each(DIALECTS_AND_STORES, "a guest that never was is not found", async (world) => {
    const b = await user(world, 2);
    assertError(await b.emitWithAck("chat", { recipientId: "guest-of-nobody", messageContent: "x" }), "NOT_FOUND");
    await b.none();
  });

  each(DIALECTS_AND_STORES, "guests may answer each other", async (world) => {
    const b = await user(world, 2);
    const [x, y] = [await world.connect(), await world.connect()];
    await say(x, 2, "I am x");
    const { senderId: xId } = await b.next("chat");
    await say(y, xId, "from y");
    const event = await x.next("chat");
    assert.match(event.senderId, /^guest-./);
    await say(x, event.senderId, "from x");
    assertChat(await y.next("chat"), { senderId: xId, messageContent: "from x" });
    for (const client of [x, y]) await client.none();
  });

  each(DIALECTS_AND_STORES, "a guest may write to a group and does not hear it", async (world) => {
    const { a, b } = await group(world);
    const x = await world.connect();
    await sayToGroup(x, 5, "let me in");
    for (const client of [a, b]) assert.match((await client.next("groupChat")).senderId, /^guest-./);
    await x.none();
  });

  each(STORES_ONLY, "a guest that registers becomes that user", async (world) => {
    const b = await user(world, 2);
    const x = await world.connect();
    await say(x, 2, "guest");
    await x.ask("register", 1);
    await say(x, 2, "one");
    assert.match((await b.next("chat")).senderId, /^guest-./);
    assertChat(await b.next("chat"), { senderId: "1" });
  });
});

describe("direct with tokens", BUSY, () => {
  each(DIALECTS_AND_STORES, "the own id may be registered, another may not and changes nothing", async (world) => {
    const a = await tokenUser(world, 1);
    const b = await tokenUser(world, 2);
    assert.deepEqual(await a.ask("register", { userId: "1" }), { ok: true, userId: "1", socketId: a.id });
    assertError(await a.emitWithAck("register", 2), "FORBIDDEN");
    await a.none();
    await say(a, 2, "as 1");
    assertChat(await b.next("chat"), { senderId: "1" });
    await say(b, 2, "to myself");
    await a.none();
  }, TOKEN_MODE);

  each(FULL, "a socket with a token hears its user without registering", async (world) => {
    const b = await world.connect({ auth: { token: token(2) } });
    const a = await tokenUser(world, 1);
    await say(a, 2, "hi");
    assertChat(await b.next("chat"), { senderId: "1", messageContent: "hi" });
    await b.none();
  }, TOKEN_MODE);

  each(DIALECTS_AND_STORES, "there are no guests, whatever id is asserted", async (world) => {
    for (const options of [{}, { auth: { userId: 1 } }, { auth: { id: 1 } }, { query: { id: 1 } }, { auth: { token: "bad" } }]) {
      const error = await world.refused(options);
      assert.equal(error.message, "Authentication error");
      assert.equal(error.data, undefined);
    }
  }, TOKEN_MODE);

  each(DIALECTS_AND_STORES, "a group is for its participants", async (world) => {
    const [a, b, c] = [await tokenUser(world, 1), await tokenUser(world, 2), await tokenUser(world, 3)];
    await join(5, a, b);
    const foreign = await c.emitWithAck("groupChat", { groupId: 5, messageContent: "x" });
    const unknown = await c.emitWithAck("groupChat", { groupId: 6, messageContent: "x" });
    assertError(foreign, "NOT_FOUND");
    assert.deepEqual(foreign, unknown);
    await sayToGroup(a, 5, "for us");
    for (const client of [a, b]) {
      assert.equal((await client.next("groupChat")).messageContent, "for us");
      await client.none();
    }
    await c.none();
  }, TOKEN_MODE);
});
