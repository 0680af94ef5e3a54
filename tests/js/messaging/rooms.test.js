// Conversations that are open on a screen: join, leave, read marks and broadcasts by the host application
// (contract: messaging, sections 2, 3 and 5).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BUSY, DIALECTS_AND_STORES, FULL, STORES_ONLY, each } from "../support/matrix.js";
import { assertError, assertHas, assertIso, send } from "../support/messages.js";

describe("rooms", BUSY, () => {
  each(DIALECTS_AND_STORES, "no name of a room inside the server is one that can be joined", async (world) => {
    const { a, b, c } = await world.pair();
    const stranger = await world.user(3);
    for (const place of ["user", "socket", "conversation", "room"].flatMap((kind) => [`${kind}:2`, `${kind}_2`, `${kind}:${c}`])) {
      await stranger.emitWithAck("join_conversation", place);
    }
    for (const place of [a.id, b.id, `socket:${b.id}`]) await stranger.emitWithAck("join_conversation", place);
    stranger.forget();
    await send(a, { content: "for user 2" });
    await b.next("new_message");
    await stranger.none();
  });

  each(FULL, "M-13 reading marks all messages and tells the others each time", async (world) => {
    const { a, b, c } = await world.pair();
    for (const content of ["one", "two", "three"]) await send(a, { content });
    await b.several("new_message", 3);
    await a.several("new_message", 3);
    b.forget();

    assert.deepEqual(await b.emitWithAck("mark_read", { conversationId: c, userId: 2 }), {
      ok: true, conversationId: c, updatedCount: 3,
    });
    const read = await a.next("messages_read");
    assert.deepEqual(Object.keys(read).sort(), ["conversationId", "readAt", "userId"]);
    assertHas(read, { conversationId: c, userId: 2 });
    assertIso(read.readAt);

    assert.equal((await b.ask("mark_read", { conversationId: c, userId: 2 })).updatedCount, 0);
    assertHas(await a.next("messages_read"), { conversationId: c, userId: 2 });
    await b.none();
    await a.none("messages_read");
  });

  each(FULL, "M-18 what the host application broadcasts arrives verbatim, once", async (world) => {
    const { a, b, c } = await world.pair();
    const service = await world.connect();
    const message = { id: 9, conversationId: c, content: "z", extra: { nested: [1, null, "ü"] }, tempId: "t" };
    service.emit("broadcast_new_message", { message, conversationId: c, receiverId: 2 });
    for (const client of [a, b]) {
      assert.deepEqual(await client.next("new_message"), message);
      await client.none();
    }
    await service.none();
  });

  each(FULL, "M-19 who left the conversation hears nothing more", async (world) => {
    const b = await world.user(2);
    const c = (await send(b, { senderId: 2, receiverId: 3, conversationId: 23 })).conversationId;
    const a = await world.user(1);
    await a.ask("join_conversation", c);
    await send(b, { senderId: 2, receiverId: 3, content: "heard" });
    assert.equal((await a.next("new_message")).content, "heard");
    a.emit("leave_conversation", c);
    await a.ask("leave_conversation", c);
    await send(b, { senderId: 2, receiverId: 3, content: "unheard" });
    await a.none("new_message");
  });

  each(DIALECTS_AND_STORES, "joining and leaving take an id, a text and an object", async (world) => {
    const a = await world.connect();
    for (const [payload, conversationId] of [[7, 7], ["7", 7], [{ conversationId: 7 }, 7], [{ conversationId: "c-7" }, "c-7"]]) {
      assert.deepEqual(await a.emitWithAck("join_conversation", payload), { ok: true, conversationId });
      assert.deepEqual(await a.emitWithAck("join_conversation", payload), { ok: true, conversationId });
      assert.deepEqual(await a.emitWithAck("leave_conversation", payload), { ok: true, conversationId });
    }
    await a.none();
  });

  each(STORES_ONLY, "joining twice does not deliver twice, leaving once is enough", async (world) => {
    const { a, b, c } = await world.pair();
    await a.ask("join_conversation", String(c));
    await send(b, { senderId: 2, receiverId: 1 });
    await a.next("new_message");
    await a.none("new_message");
  });

  each(STORES_ONLY, "a joiner before the first message hears that message", async (world) => {
    const screen = await world.connect();
    await screen.ask("join_conversation", 4242);
    const a = await world.user(1);
    const message = await send(a, { conversationId: 4242 });
    assert.equal(message.conversationId, 4242);
    assert.equal((await screen.next("new_message")).id, message.id);
  });

  each(STORES_ONLY, "reading is heard in the user room of the other side and on other tabs of the reader", async (world) => {
    const a = await world.user(1);
    const { conversationId: c } = await send(a);
    const b = await world.user(2);
    const tab = await world.user(2);
    await tab.ask("join_conversation", c);
    await b.ask("mark_read", { conversationId: String(c), userId: "2" });
    for (const client of [a, tab]) {
      assertHas(await client.next("messages_read"), { conversationId: c, userId: 2 });
      await client.none("messages_read");
    }
    await b.none("messages_read");
  });

  each(STORES_ONLY, "reading changes the history and only what the reader received", async (world) => {
    const { a, b, c } = await world.pair();
    await send(a, { content: "to 2" });
    await send(b, { senderId: 2, receiverId: 1, content: "to 1" });
    assert.equal((await b.ask("mark_read", { conversationId: c, userId: 2 })).updatedCount, 1);
    const { readAt } = await a.next("messages_read");
    const [toTwo, toOne] = await world.rest.messages(c);
    assertHas(toTwo, { content: "to 2", read: true, readAt });
    assertHas(toOne, { content: "to 1", read: false, readAt: null });
    assert.equal((await world.rest.conversations(1))[0].unreadCount, 1);
    assert.equal((await world.rest.conversations(2))[0].unreadCount, 0);
  });

  each(STORES_ONLY, "reading without an id changes nothing", async (world) => {
    const { a, b, c } = await world.pair();
    await send(a, { tempId: "temp_1" });
    assertError(await b.emitWithAck("mark_read", { conversationId: c }), "INVALID_PAYLOAD");
    assertError(await b.emitWithAck("mark_read", { userId: 2 }), "INVALID_PAYLOAD");
    await a.none("messages_read");
    assert.equal((await world.rest.messages(c))[0].read, false);
  });

  each(DIALECTS_AND_STORES, "a broadcast reaches room and receiver, and stores nothing", async (world) => {
    const { a, b, c } = await world.pair();
    const away = await world.user(5);
    const service = await world.connect();
    const message = { id: 1, content: "not stored" };
    assert.deepEqual(await service.emitWithAck("broadcast_new_message", { message, conversationId: c, receiverId: "5" }), {
      ok: true,
    });
    for (const client of [a, b, away]) assert.deepEqual(await client.next("new_message"), message);
    await service.ask("broadcast_new_message", { message, conversationId: c });
    for (const client of [a, b]) assert.deepEqual(await client.next("new_message"), message);
    await away.none("new_message");
    assert.deepEqual(await world.rest.messages(c), []);
  });

  each(DIALECTS_AND_STORES, "a broadcast of read marks reaches the whole room, the caller too", async (world) => {
    const { a, b, c } = await world.pair();
    await b.ask("broadcast_messages_read", { conversationId: c, userId: 2 });
    for (const client of [a, b]) {
      const read = await client.next("messages_read");
      assertHas(read, { conversationId: c, userId: 2 });
      assertIso(read.readAt);
      await client.none("messages_read");
    }
  });

  each(DIALECTS_AND_STORES, "an incomplete broadcast is refused", async (world) => {
    const { a, c } = await world.pair();
    const service = await world.connect();
    for (const payload of [{ message: { id: 1 } }, { conversationId: c }, {}, null]) {
      assertError(await service.emitWithAck("broadcast_new_message", payload), "INVALID_PAYLOAD");
    }
    await a.none("new_message");
  });
});
