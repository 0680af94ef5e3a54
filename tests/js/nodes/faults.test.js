// Two servers on one PostgreSQL: what one does is heard on the other, whatever happens to the way between them.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { authOf, makeUserToken } from "../support/api_tokens.js";
import { Client } from "../support/client.js";
import { query } from "../support/database.js";
import { eventually } from "../support/eventually.js";
import { Lossy, Swallowing } from "../support/lossy.js";
import { BUSY, combinationsOf, each } from "../support/matrix.js";
import {
  ANSWER_MS, REFUSED, V1, ask, direct, fails, newRoom, person, range, roomOf, send, sendMany, settle, typingPasses,
} from "../support/native.js";

/** Without a bus what happened is found in the database within this time. */
const REPAIR_MS = 3_000;
/** Rights that end, end on all servers within this time while there are faults. */
const REVOKED_MS = 5_000;
/** While others can be heard what is missing is read at once, as soon as anything shows that it is. */
const QUICK_MS = 1_000;
/** A server whose way to the database swallows everything works again within this time. */
const RECOVERY_MS = 20_000;
/** Longer ones no node says. */
const MAX_TEXT_BYTES = 8 * 1_024 * 1_024;
/** Longer than a node may say nothing. */
const AWAY_MS = 12_000;
const NODES = { ...combinationsOf("native").FIXED, transports: ["websocket"], stores: ["nodes", "redis"] };
const REDIS = { ...NODES, stores: ["redis"] };
const ONLY_NODES = { ...NODES, stores: ["nodes"] };

describe("nodes", BUSY, () => {
  each(NODES, "messages of both servers come in one order on both, each once", async (world) => {
    const { a, b, c } = await apart(world);
    await Promise.all([sendMany(a, c, 150), sendMany(b, c, 150)]);
    for (const client of [a, b]) {
      const heard = await client.several("new_message", 300, REPAIR_MS);
      assert.deepEqual(heard.map(({ message }) => message.rev), range(1, 300));
      await client.none("new_message");
    }
  });

  each(NODES, "who is removed on one server hears nothing more on the other", async (world) => {
    const { a, b, room } = await roomOf(world, { b: "MEMBER", c: "MEMBER" });
    await settle(a, b);
    await ask(a, "remove_participant", { conversationId: room, userId: "b" });
    assert.equal((await b.next("conversation_removed")).reason, "removed");
    await sendMany(a, room, 20);
    await b.none("new_message");
    await fails(b, "send_message", { conversationId: room, content: "x" }, "NOT_FOUND");
  });

  each(NODES, "a user is gone from the other server when a server dies", async (world) => {
    const { a, b } = await apart(world);
    await world.servers[0].kill();
    assert.deepEqual((await b.next("presence", 15_000)).online, false);
    await b.none("presence");
  });

  each(NODES, "an acknowledged message of a server that dies is heard on the other", async (world) => {
    const { a, b, c } = await apart(world);
    const acked = [];
    const sending = (async () => {
      for (let n = 1; n <= 400; n += 1) acked.push((await send(a, c, { content: `no ${n}` })).seq);
    })().catch(() => {});
    while (acked.length < 60) await wait(5);
    await world.servers[0].kill();
    a.close();
    await sending;
    await eventually(() => {
      const heard = b.log.filter(({ name }) => name === "new_message").map(({ args }) => args[0].message.seq);
      assert.deepEqual(heard, range(1, heard.length), "in order and once");
      assert.ok(heard.length >= acked.length, `${heard.length} of ${acked.length}`);
    });
  });

  each(REDIS, "without Redis messages come from the database, and over Redis again when it is back", async (world) => {
    const { a, b, c } = await apart(world);
    const { redis } = world.server.store;
    await redis.kill();
    const first = await send(a, c, { content: "without" });
    assert.deepEqual(await a.next("new_message"), { message: first }, "locally at once");
    assert.equal((await b.next("new_message", REPAIR_MS)).message.id, first.id);
    await redis.start();
    await eventually(async () => {
      const started = performance.now();
      const { id } = await send(a, c, { content: "with" });
      while ((await b.next("new_message", REPAIR_MS)).message.id !== id);
      assert.ok(performance.now() - started < 500, "over Redis");
    });
    await typingPasses(a, b, c);
  });

  each(REDIS, "nobody goes offline because Redis is away, and who is gone does when it is back", async (world) => {
    const { b } = await apart(world);
    const { redis } = world.server.store;
    await redis.kill();
    const away = performance.now();
    await wait(1_000);
    await world.servers[0].kill();
    await wait(AWAY_MS - (performance.now() - away));
    assert.deepEqual(b.all("presence"), []);
    await redis.start();
    assert.deepEqual((await b.next("presence", 15_000)).online, false);
    await b.none("presence");
  });

  each(REDIS, "who is removed while Redis is away hears nothing more on the other server", async (world) => {
    const { a, b, room } = await roomOf(world, { b: "MEMBER", c: "MEMBER" });
    await settle(a, b);
    await world.server.store.redis.kill();
    await ask(a, "remove_participant", { conversationId: room, userId: "b" });
    assert.equal((await b.next("conversation_removed", REPAIR_MS)).reason, "removed");
    await sendMany(a, room, 20);
    await wait(REPAIR_MS);
    await b.none("new_message");
    await fails(b, "send_message", { conversationId: room, content: "x" }, "NOT_FOUND");
  });

  each(REDIS, "a token that is revoked while Redis is away ends its sockets on both servers", async (world) => {
    const a = V1.as(world, "a");
    const { token, id } = await makeUserToken(a);
    const clients = [];
    for (const { url } of world.servers) clients.push(await world.connectTo(url, { transports: ["websocket"], ...authOf(token) }));
    await world.server.store.redis.kill();
    await a.ok("DELETE", `/tokens/${id}`);
    for (const client of clients) assert.equal(await client.next("(disconnect)", REVOKED_MS), "io server disconnect");
    for (const { url } of world.servers) assert.equal((await Client.refused(url, authOf(token))).message, REFUSED);
  });

  each(REDIS, "a text that is lost on the way is made good as soon as another one comes", async (world) => {
    const { redis } = world.server.store;
    const lossy = await Lossy.start(redis.port);
    const other = await world.server.join({ REDIS_URL: `redis://127.0.0.1:${lossy.port}` });
    try {
      await other.hasMet(world.server);
      const a = await personOn(world, world.server, "a");
      const b = await personOn(world, other, "b");
      const c = await direct(a, "b");
      await settle(a, b);
      await typingPasses(a, b, c);
      for (let n = 0; n < 10; n += 1) {
        lossy.isLosing = true;
        const lost = await send(a, c, { content: "lost" });
        await wait(50);
        lossy.isLosing = false;
        const started = performance.now();
        const { id } = await send(a, c, { content: "not lost" });
        for (const expected of [lost.id, id]) assert.equal((await b.next("new_message", QUICK_MS)).message.id, expected);
        assert.ok(performance.now() - started < QUICK_MS);
      }
      assert.ok(lossy.nLost > 0);
    } finally {
      await other.remove();
      lossy.stop();
    }
  });

  each(REDIS, "who is removed while that is lost on the way hears nothing more, also when another removal is heard", async (world) => {
    const { redis } = world.server.store;
    const lossy = await Lossy.start(redis.port);
    const other = await world.server.join({ REDIS_URL: `redis://127.0.0.1:${lossy.port}` });
    try {
      await other.hasMet(world.server);
      const a = await personOn(world, world.server, "a");
      const b = await personOn(world, other, "b");
      const room = await newRoom(a, { b: "MEMBER", x: "MEMBER", y: "MEMBER" });
      const x = await world.connectTo(other.url, { transports: ["websocket"], auth: { dialect: "messaging", userId: "x" } });
      await x.ask("join_conversation", room);
      await typingPasses(a, b, room);
      await send(a, room, { content: "heard" });
      assert.equal((await x.next("new_message")).content, "heard");
      lossy.isLosing = true;
      await ask(a, "remove_participant", { conversationId: room, userId: "x" });
      await wait(50);
      lossy.isLosing = false;
      await ask(a, "remove_participant", { conversationId: room, userId: "y" });
      await wait(REPAIR_MS);
      await sendMany(a, room, 5);
      await b.several("new_message", 6, REPAIR_MS);
      await x.none("new_message");
      assert.ok(lossy.nLost > 0);
    } finally {
      await other.remove();
      lossy.stop();
    }
  });

  each(REDIS, "a server whose connections to PostgreSQL swallow everything hears the others again", async (world) => {
    const url = new URL(world.server.store.env.DATABASE_URL);
    const way = await Swallowing.start(Number(url.port || 5432));
    url.hostname = "127.0.0.1";
    url.port = String(way.port);
    // There are more connections than those give up who ask from time to time.
    const other = await world.server.join({ DATABASE_URL: url.href, SQLITE_READERS: "6" });
    try {
      await other.hasMet(world.server);
      const a = await personOn(world, world.server, "a");
      const b = await personOn(world, other, "b");
      const c = await direct(a, "b");
      await typingPasses(a, b, c);
      await Promise.all(range(1, 30).map(() => ask(b, "list_conversations", {}, ANSWER_MS)));
      way.swallow();
      const end = performance.now() + RECOVERY_MS;
      for (let n = 0, nHeard = 0; nHeard < 3; n += 1) {
        // One that the other server has to read before it can tell anybody, and what only the bus brings.
        await send(a, await direct(a, `unknown-${n}`));
        b.forget();
        // Sooner it would not be told that somebody types again.
        await wait(1_000);
        await ask(a, "typing_start", { conversationId: c });
        await ask(a, "typing_stop", { conversationId: c });
        nHeard = (await b.next("typing", 500).catch(() => undefined)) ? nHeard + 1 : 0;
        assert.ok(nHeard > 0 || performance.now() < end, "it hears nothing");
      }
    } finally {
      way.stop();
      await other.remove();
    }
  });

  each(ONLY_NODES, "when PostgreSQL ends the connections that listen, messages still come, and soon everything else", async (world) => {
    const { a, b, c } = await apart(world);
    const listening = "FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'LISTEN%'";
    const ended = await query(world.server, `SELECT pg_terminate_backend(pid) AS is_ended ${listening}`);
    assert.deepEqual(ended, [{ is_ended: true }, { is_ended: true }]);
    const sent = await sendMany(a, c, 30);
    const heard = await b.several("new_message", 30, REPAIR_MS);
    assert.deepEqual(heard.map(({ message }) => message.id), sent.map(({ id }) => id));
    await typingPasses(a, b, c);
    await b.none("new_message");
  });

  each(REDIS, "a Redis that hangs holds up nobody", async (world) => {
    const { a, b, c } = await apart(world);
    const { redis } = world.server.store;
    redis.pause();
    try {
      const sent = await sendMany(a, c, 30);
      await a.several("new_message", 30);
      const heard = await b.several("new_message", 30, REPAIR_MS);
      assert.deepEqual(heard.map(({ message }) => message.id), sent.map(({ id }) => id));
    } finally {
      redis.resume();
    }
    await wait(100);
    await typingPasses(a, b, c);
    await b.none("new_message");
  });

  each(REDIS, "what no node wrote is left out", async (world) => {
    const { a, b, c } = await apart(world);
    const { redis } = world.server.store;
    const [channel] = /sohbet:[0-9a-f-]+/.exec(await redis.command("PUBSUB", "CHANNELS"));
    const forged = JSON.stringify({ node: "x", number: 1, news: [{ Profile: "a" }] });
    for (const junk of ["", "junk", "\u0000", `${"0".repeat(64)} ${forged}`, `${"é".repeat(32)} {}`, "x".repeat(100_000)]) {
      await redis.command("PUBLISH", channel, junk);
    }
    await redis.command("PUBLISH", channel, "y".repeat(MAX_TEXT_BYTES + 1));
    const { id } = await send(a, c);
    assert.equal((await b.next("new_message")).message.id, id);
    const tooLong = `"a text that is too long for one of a node was left out","text.bytes":${MAX_TEXT_BYTES + 1}`;
    await eventually(() => assert.ok(world.server.output.includes(tooLong)));
    assert.ok(!world.server.output.includes("yyyy"), "what it says is in no log");
  });

  each(REDIS, "what is said twice is heard once", async (world) => {
    const { a, b, c } = await apart(world);
    const { redis } = world.server.store;
    const [channel] = /sohbet:[0-9a-f-]+/.exec(await redis.command("PUBSUB", "CHANNELS"));
    const texts = await redis.listen(channel);
    await send(a, c);
    await b.next("new_message");
    await ask(a, "typing_start", { conversationId: c });
    await b.next("typing");
    await ask(a, "typing_stop", { conversationId: c });
    await b.next("typing");
    for (const text of await texts()) await redis.command("PUBLISH", channel, text);
    for (const event of ["new_message", "typing"]) await b.none(event);
  });

  each(REDIS, "what a server said is not heard again when it is gone, nor by those that come later", async (world) => {
    const { a, b, c } = await apart(world);
    const { redis } = world.server.store;
    const [channel] = /sohbet:[0-9a-f-]+/.exec(await redis.command("PUBSUB", "CHANNELS"));
    const texts = await redis.listen(channel);
    await typingPasses(a, b, c);
    const said = await texts();
    assert.ok(said.length > 0);
    await world.servers[0].kill();
    a.close();
    assert.equal((await b.next("presence", 15_000)).online, false);
    const later = await world.servers[1].join();
    try {
      const d = await personOn(world, later, "b");
      await settle(b, d);
      for (const client of [b, d]) client.forget();
      for (const text of said) await redis.command("PUBLISH", channel, text);
      for (const client of [b, d]) for (const event of ["typing", "presence"]) await client.none(event);
    } finally {
      await later.remove();
    }
  });
});

/** `a` on one server and `b` on the other, in conversation `c`, which have heard of each other. */
async function apart(world) {
  const a = await person(world, "a");
  const b = await person(world, "b");
  const c = await direct(a, "b");
  await b.next("conversation_updated");
  await settle(a, b);
  await typingPasses(a, b, c);
  for (const client of [a, b]) client.forget();
  return { a, b, c };
}

/** A socket of that user on that server. */
function personOn(world, server, userId) {
  return world.connectTo(server.url, { transports: ["websocket"], auth: { dialect: "native", userId } });
}
