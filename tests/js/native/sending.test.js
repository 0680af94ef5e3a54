// `send_message`: what the sender and the others hear, once and in order (contract: native, sections 2 and 3).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BUSY, each } from "../support/matrix.js";
import {
  DIALECTS_AND_STORES, FULL, STORES_ONLY, TRANSPORTS_AND_STORES, V1, ask, assertKeys, assertMessage, direct, fails, pair,
  person, range, roomOf, send, sendMany, settle,
} from "../support/native.js";

const PATIENCE_MS = 30_000;
const SENT_AND_HEARD = ["ack send_message", "new_message"];

describe("sending", BUSY, () => {
  each(FULL, "N-03 a message is acked and heard once by everybody, its client id by its sender only", async (world) => {
    const { a, b, a2, c } = await threeSockets(world);
    const { message, ...rest } = await ask(a, "send_message", { conversationId: c, content: "hi", clientMessageId: "m-1" });
    assert.deepEqual(rest, {});
    assertMessage(message, {
      conversationId: c, seq: 1, senderId: "a", senderName: "Ada", kind: "text", content: "hi", file: null, metadata: null,
      replyTo: null, reactions: [], clientMessageId: "m-1", editedAt: null, deletedAt: null,
    });
    assert.deepEqual(await b.next("new_message"), { message: { ...message, clientMessageId: null } });
    assert.deepEqual(await a2.next("new_message"), { message });
    assert.deepEqual(await a.next("new_message"), { message });
    assert.deepEqual(a.order.filter((name) => SENT_AND_HEARD.includes(name)), SENT_AND_HEARD);
    for (const client of [a, a2, b]) await client.none("new_message");
  });

  each(FULL, "N-04 a repeat is acked with the first message and heard by nobody", async (world) => {
    const { a, b, a2, c } = await threeSockets(world);
    const message = await send(a, c, { clientMessageId: "m-1" });
    await b.next("unread"); // what is unread is told a moment later
    await settle(a, b, a2);
    const payload = { conversationId: c, content: "other", clientMessageId: "m-1", metadata: { x: 1 } };
    const again = await ask(a, "send_message", payload);
    assert.deepEqual(again, { message, duplicate: true });
    assert.deepEqual(await ask(a2, "send_message", payload), again);
    assert.deepEqual(await V1.as(world, "a").ok("POST", `/conversations/${c}/messages`, payload), again);
    for (const client of [a, a2, b]) await client.none();
    assert.equal((await ask(b, "history", { conversationId: c })).messages.length, 1);
  });

  each(STORES_ONLY, "a repeat is answered although it would be refused now", async (world) => {
    const { a, b, room } = await roomOf(world, { b: "MEMBER" });
    const payload = { conversationId: room, content: "hi", clientMessageId: "m-1" };
    const message = await send(b, room, payload);
    await ask(a, "update_room", { conversationId: room, isActive: false });
    await fails(b, "send_message", { ...payload, clientMessageId: "m-2" }, "CONFLICT");
    for (const parts of [{}, { replyTo: "no-such-message" }, { uploadId: "no-such-upload" }]) {
      const again = await ask(b, "send_message", { ...payload, ...parts });
      assert.deepEqual([again.message.id, again.duplicate], [message.id, true], JSON.stringify(parts));
    }
    await ask(a, "remove_participant", { conversationId: room, userId: "b" });
    await fails(b, "send_message", payload, "NOT_FOUND");
  });

  each(FULL, "N-05 two hundred sends without waiting keep their order", async (world) => {
    const { a, b, c } = await pair(world);
    await send(a, c, { content: "no 0" });
    const acked = await sendMany(a, c, 200);
    const heard = (await b.several("new_message", 201, PATIENCE_MS)).map(({ message }) => message);
    const expected = range(0, 200).map((i) => [i + 1, `no ${i}`]);
    const short = ({ seq, content }) => [seq, content];
    assert.deepEqual(acked.map(short), expected.slice(1));
    assert.deepEqual(heard.map(short), expected);
    const pages = [];
    for (const after of [0, 100, 200]) {
      pages.push(...(await ask(b, "history", { conversationId: c, after, limit: 100 })).messages);
    }
    assert.deepEqual(pages.map(short), expected);
    assert.deepEqual(pages, heard);
    assert.deepEqual((await a.several("new_message", 201, PATIENCE_MS)).map(({ message }) => short(message)), expected);
  });

  each(DIALECTS_AND_STORES, "without a callback the work is done all the same", async (world) => {
    const { a, b, c } = await pair(world);
    a.emit("send_message", { conversationId: c, content: "no ack" });
    assertMessage((await b.next("new_message")).message, { content: "no ack", seq: 1 });
    a.emit("create_room", { name: "No ack", userIds: ["b"] });
    const { conversation } = await b.next("conversation_updated");
    b.emit("remove_participant", { conversationId: conversation.id, userId: "b" });
    assert.equal((await b.next("conversation_removed")).conversationId, conversation.id);
    a.emit("send_message", { conversationId: c });
    await b.none("new_message");
  });

  each(DIALECTS_AND_STORES, "unknown keys are named in development, and change nothing", async (world) => {
    const { a, b, c } = await pair(world);
    const unknown = {
      colour: "red", tempId: 5, id: "x", seq: 99, rev: 99, senderId: "b", createdAt: "1970-01-01T00:00:00.000Z", deletedAt: "x", role: "OWNER",
    };
    const since = Date.now();
    const ack = await a.ask("send_message", { conversationId: c, content: "x", ...unknown });
    assertKeys(ack, ["ok", "data", "ignored"]);
    assert.deepEqual([...ack.ignored].sort(), Object.keys(unknown).sort());
    const { message } = ack.data;
    assertMessage(message, { content: "x", clientMessageId: null, seq: 1, rev: 1, senderId: "a", deletedAt: null });
    assert.notEqual(message.id, unknown.id);
    assert.ok(Date.parse(message.createdAt) > since - 60_000, message.createdAt);
    await b.next("new_message");
    const list = await a.ask("list_conversations", { page: 2 });
    assert.deepEqual(list.ignored, ["page"]);
    assert.equal(list.data.conversations.length, 1);
    assert.equal("ignored" in (await a.ask("list_conversations", { limit: 5 })), false);
  });

  each(DIALECTS_AND_STORES, "a message by REST is heard like one by socket", async (world) => {
    const { a, b, a2, c } = await threeSockets(world);
    const rest = V1.as(world, "a");
    const draft = { content: "by REST", clientMessageId: "r-1" };
    const { message, ...others } = await rest.ok("POST", `/conversations/${c}/messages`, draft);
    assert.deepEqual(others, {});
    assertMessage(message, { seq: 1, senderId: "a", ...draft });
    assert.deepEqual(await b.next("new_message"), { message: { ...message, clientMessageId: null } });
    for (const client of [a, a2]) assert.deepEqual(await client.next("new_message"), { message });
    for (const client of [a, a2, b]) await client.none("new_message");
  });

  each(STORES_ONLY, "all in a room hear a message, who opened it too, and each once", async (world) => {
    const { a, b, c, room } = await roomOf(world, { b: "MEMBER", c: "MODERATOR" });
    const outsider = await person(world, "x");
    for (const client of [a, b]) await ask(client, "join_room", room);
    await settle(a, b, c, outsider);
    const message = await send(b, room);
    for (const client of [a, b, c]) {
      assert.equal((await client.next("new_message")).message.id, message.id);
      await client.none("new_message");
    }
    await outsider.none();
  });

  each(TRANSPORTS_AND_STORES, "messages of many senders reach everybody in the order of seq", async (world) => {
    const { a, b, c, room } = await roomOf(world, { b: "MEMBER", c: "MEMBER" });
    const n = 40;
    await Promise.all([a, b, c].map((client) => sendMany(client, room, n)));
    for (const client of [a, b, c]) {
      const heard = await client.several("new_message", 3 * n, PATIENCE_MS);
      assert.deepEqual(heard.map(({ message }) => message.seq), range(1, 3 * n));
      await client.none("new_message");
    }
  });
});

describe("client ids", BUSY, () => {
  each(DIALECTS_AND_STORES, "the same send ten times at once is one message", async (world) => {
    const { a, b, c } = await pair(world);
    const rest = V1.as(world, "a");
    const payload = { conversationId: c, content: "once", clientMessageId: "m-1" };
    const { conversationId, ...body } = payload;
    const answers = await Promise.all([
      ...range(1, 5).map(() => ask(a, "send_message", payload)),
      ...range(1, 5).map(() => rest.ok("POST", `/conversations/${conversationId}/messages`, body)),
    ]);
    assert.equal(new Set(answers.map(({ message }) => message.id)).size, 1);
    assert.equal(answers.filter(({ duplicate }) => duplicate === undefined).length, 1);
    assert.equal(answers.filter(({ duplicate }) => duplicate === true).length, 9);
    await b.next("new_message");
    await b.none("new_message");
  });

  for (const key of ["clientId", "client_offset"]) {
    each(STORES_ONLY, `${key} is another spelling of it`, async (world) => {
      const { a, b, c } = await pair(world);
      const message = await send(a, c, { [key]: "m-1" });
      assert.equal(message.clientMessageId, "m-1");
      const again = await ask(a, "send_message", { conversationId: c, content: "other", clientMessageId: "m-1" });
      assert.deepEqual(again, { message, duplicate: true });
      await b.next("new_message");
      await b.none("new_message");
    });
  }

  each(STORES_ONLY, "a client id belongs to its sender and its conversation", async (world) => {
    const { a, b, c } = await pair(world);
    const other = await direct(a, "x");
    const id = { clientMessageId: "shared" };
    const messages = [await send(a, c, id), await send(b, c, id), await send(a, other, id)];
    assert.equal(new Set(messages.map((message) => message.id)).size, 3);
  });

  each(STORES_ONLY, "equal messages without a client id are two", async (world) => {
    const { a, b, c } = await pair(world);
    const messages = [await send(a, c), await send(a, c)];
    assert.deepEqual(messages.map(({ seq }) => seq), [1, 2]);
    await b.several("new_message", 2);
  });

  each(STORES_ONLY, "a client id outlives a restart", async (world) => {
    const a = await person(world, "a");
    const c = await direct(a, "b");
    const message = await send(a, c, { clientMessageId: "m-1" });
    a.close();
    await world.server.stop();
    await world.server.start();
    const again = await person(world, "a");
    const repeat = await ask(again, "send_message", { conversationId: c, content: "hi", clientMessageId: "m-1" });
    assert.deepEqual(repeat, { message, duplicate: true });
  });

  each(STORES_ONLY, "only the sender ever sees the client id", async (world) => {
    const { a, b, c } = await pair(world);
    await send(a, c, { clientMessageId: "secret" });
    const seen = async (client) => {
      const { messages } = await ask(client, "history", { conversationId: c });
      const { conversations } = await ask(client, "list_conversations");
      const room = await ask(client, "join_room", c);
      return [messages[0], conversations[0].lastMessage, room.messages[0]].map(({ clientMessageId }) => clientMessageId);
    };
    assert.deepEqual(await seen(a), ["secret", "secret", "secret"]);
    assert.deepEqual(await seen(b), [null, null, null]);
    const { messages } = await V1.as(world, "b").ok("GET", `/conversations/${c}/messages`);
    assert.equal(messages[0].clientMessageId, null);
  });

  each(STORES_ONLY, "a client id is a text of 1 to 128 characters", async (world) => {
    const { a, c } = await pair(world);
    for (const clientMessageId of ["", "x".repeat(129), 5, {}, true, "a\0b"]) {
      await fails(a, "send_message", { conversationId: c, content: "x", clientMessageId }, "INVALID_PAYLOAD");
    }
    for (const clientMessageId of ["x", "ü".repeat(128), "çay ☕"]) {
      assert.equal((await send(a, c, { clientMessageId })).clientMessageId, clientMessageId);
    }
  });
});

/** Users a, on two sockets, and b in a direct conversation in which nothing was said. */
async function threeSockets(world) {
  const { a, b, c } = await pair(world);
  const a2 = await person(world, "a", { name: "Ada" });
  await settle(a, b, a2);
  return { a, b, a2, c };
}
