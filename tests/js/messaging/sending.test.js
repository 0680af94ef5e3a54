// `send_message`: what the sender and the others hear (contract: messaging, sections 3 and 4).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BUSY, DIALECTS_AND_STORES, FULL, STORES_ONLY, each } from "../support/matrix.js";
import { assertError, assertHas, assertMessage, assertMessageError, draft, send } from "../support/messages.js";

const TEXT = { content: "hi", type: "text", fileUrl: null, fileName: null, fileSize: null, fileType: null };
const UNREAD = { read: false, readAt: null };

describe("sending", BUSY, () => {
  each(FULL, "M-05 a message with tempId is confirmed to the sender and delivered once", async (world) => {
    const { a, b } = await world.pair(42);
    a.emit("send_message", draft({ tempId: "t1" }));
    const sent = await a.next("message_sent");
    assertMessage(sent, { conversationId: 42, senderId: 1, receiverId: 2, tempId: "t1", ...TEXT, ...UNREAD }, ["tempId"]);
    const { tempId, ...message } = sent;
    assert.equal(tempId, "t1");
    assert.deepEqual(await b.next("new_message"), message);
    await b.none();
    await a.none();
  });

  each(FULL, "M-06 a message without tempId comes back to the sender as well", async (world) => {
    const { a, b } = await world.pair(42);
    a.emit("send_message", draft());
    assertMessage(await a.next("new_message"), { conversationId: 42, ...TEXT });
    assert.deepEqual(a.order, ["message_sent", "new_message"]);
    assertMessage(a.all("message_sent")[0]);
    assert.deepEqual(a.all("message_sent"), a.all("new_message"));
    assert.deepEqual(await b.next("new_message"), a.all("new_message")[0]);
    await b.none();
    await a.none("new_message");
  });

  each(FULL, "M-07 the conversation of the pair wins over the id that was sent", async (world) => {
    const { a, b, c } = await world.pair();
    await send(a, { conversationId: c });
    const stranger = await world.connect();
    await stranger.ask("join_conversation", 999);
    await b.next("new_message");
    a.forget();
    a.emit("send_message", draft({ conversationId: 999 }));
    assert.equal((await a.next("message_sent")).conversationId, c);
    assert.equal((await b.next("new_message")).conversationId, c);
    await stranger.none("new_message");
  });

  each(FULL, "M-08 the user room alone is enough to receive", async (world) => {
    const a = await world.user(1);
    const b = await world.user(2);
    a.emit("send_message", draft({ conversationId: 4711 }));
    assertMessage(await b.next("new_message"), { senderId: 1, receiverId: 2 });
    await b.none();
  });

  each(FULL, "M-09 a message without receiver is refused by event and by ack", async (world) => {
    const a = await world.connect();
    const ack = await a.emitWithAck("send_message", { conversationId: 42, senderId: 1, content: "hi", tempId: 6 });
    assertError(ack, "INVALID_PAYLOAD", "Missing required fields");
    assert.deepEqual(a.order, ["message_error", "ack send_message"]);
    assertMessageError(await a.next("message_error"), "INVALID_PAYLOAD", "Missing required fields", 6);
    await a.none();
  });

  each(FULL, "M-10 ids may be sent as text and leave as numbers", async (world) => {
    const a = await world.connect();
    a.emit("send_message", draft({ senderId: "1", receiverId: 2 }));
    const sent = await a.next("message_sent");
    assertHas(sent, { senderId: 1, receiverId: 2 });
    assert.equal(sent.sender.id, 1);
  });

  each(FULL, "M-11 message_sent comes before the ack", async (world) => {
    const { a } = await world.pair();
    const ack = await a.emitWithAck("send_message", draft({ tempId: "temp_11" }));
    assert.deepEqual(a.order, ["message_sent", "ack send_message"]);
    assert.equal(ack.ok, true);
    const { tempId, ...message } = await a.next("message_sent");
    assert.equal(tempId, "temp_11");
    assertHas(ack.message, message);
  });

  each(DIALECTS_AND_STORES, "without tempId the order is confirmation, ack, message", async (world) => {
    const { a } = await world.pair();
    const ack = await a.ask("send_message", draft());
    await a.next("new_message");
    assert.deepEqual(a.order, ["message_sent", "ack send_message", "new_message"]);
    assert.equal("duplicate" in ack, false);
  });

  each(STORES_ONLY, "a tempId keeps its type and value", async (world) => {
    const a = await world.user(1);
    for (const tempId of [7, "7", 1700000000000, "temp-1700000000000-abc", 0]) {
      a.emit("send_message", draft({ tempId, content: `with ${typeof tempId} ${tempId}` }));
      assert.equal((await a.next("message_sent")).tempId, tempId);
    }
  });

  each(STORES_ONLY, "other sockets of the sender in the conversation always get the message", async (world) => {
    const { a, c } = await world.pair();
    const tab = await world.user(1);
    await tab.ask("join_conversation", c);
    const message = await send(a, { tempId: "temp_1" });
    assertHas(await tab.next("new_message"), { id: message.id });
    await tab.none("message_sent");
    await a.none("new_message");
  });

  each(STORES_ONLY, "every socket of the receiver gets the message", async (world) => {
    const { a, b } = await world.pair();
    const tab = await world.user(2);
    const message = await send(a);
    for (const client of [b, tab]) {
      assert.equal((await client.next("new_message")).id, message.id);
      await client.none("new_message");
    }
  });

  each(STORES_ONLY, "a message to oneself is allowed and never unread", async (world) => {
    const a = await world.user(1);
    await send(a, { receiverId: 1, conversationId: 11 });
    await a.none("message_error");
    const [item] = await world.rest.conversations(1);
    assertHas(item, { otherUserId: 1, unreadCount: 0 });
  });

  each(STORES_ONLY, "a receiver who is away finds the message in the history", async (world) => {
    const a = await world.user(1);
    const { conversationId, id } = await send(a);
    const [stored] = await world.rest.messages(conversationId);
    assertMessage(stored, { id, senderId: 1, receiverId: 2, ...TEXT, ...UNREAD });
  });

  each(STORES_ONLY, "a file needs no text and a numeric size may be text", async (world) => {
    const { a, b } = await world.pair();
    const file = { type: "image", fileUrl: "/uploads/a.png", fileName: "a.png", fileSize: "2048", fileType: "image/png" };
    a.emit("send_message", draft({ content: "", ...file }));
    assertMessage(await b.next("new_message"), { content: null, ...file, fileSize: 2048 });
  });

  each(STORES_ONLY, "unknown types and further keys are no fault", async (world) => {
    const { a, b } = await world.pair();
    const { content, ...rest } = draft({ type: "sticker", reactions: [], nested: { deep: [1] } });
    await a.ask("send_message", { ...rest, content: `${content} ğüşİ 👩‍👩‍👧` });
    assertMessage(await b.next("new_message"), { type: "sticker", content: "hi ğüşİ 👩‍👩‍👧" });
  });

  each(STORES_ONLY, "the type is text unless something else was said", async (world) => {
    const { a, b } = await world.pair();
    await a.ask("send_message", { conversationId: 42, senderId: 1, receiverId: 2, content: "hi" });
    assert.equal((await b.next("new_message")).type, "text");
  });

  each(STORES_ONLY, "ids that are no small numbers stay text", async (world) => {
    const a = await world.user("ada");
    const b = await world.user("007");
    await send(a, { senderId: "ada", receiverId: "007" });
    assertMessage(await b.next("new_message"), { senderId: "ada", receiverId: "007" });
    assertHas((await world.rest.conversations("007"))[0], { otherUserId: "ada", unreadCount: 1 });
    assert.deepEqual(await world.rest.conversations(7), []);
  });

  each(STORES_ONLY, "both directions of a pair are one conversation", async (world) => {
    const { a, b } = await world.pair();
    const first = await send(a);
    const second = await send(b, { senderId: 2, receiverId: 1, conversationId: 77 });
    assert.equal(second.conversationId, first.conversationId);
    assert.equal(second.seq, 2);
  });

  each(STORES_ONLY, "an id in use by another pair is not taken", async (world) => {
    const { a } = await world.pair();
    const first = await send(a, { conversationId: 42 });
    const other = await send(a, { conversationId: 42, receiverId: 3 });
    assert.equal(first.conversationId, 42);
    assert.notEqual(other.conversationId, 42);
    assert.equal((await world.rest.messages(42)).length, 1);
  });

  each(STORES_ONLY, "conversation ids that are out of range are replaced by free ones", async (world) => {
    const a = await world.user(1);
    const message = await send(a, { conversationId: 1700000000000 });
    assert.ok(message.conversationId < 2 ** 31, `conversation ${message.conversationId}`);
    assert.equal((await send(a, { conversationId: "made-up", receiverId: 3 })).conversationId > 0, true);
  });

  each(STORES_ONLY, "the name a user connected with is shown to the other", async (world) => {
    const b = await world.connect({ auth: { userId: 2, name: "Bob" } });
    await b.next("connected");
    const a = await world.user(1, { auth: { userId: 1, name: "Ada" } });
    const { sender, receiver } = await send(a);
    assert.deepEqual(sender, { id: 1, fullName: "Ada", profilePicture: null });
    assert.equal(receiver.fullName, "Bob");
    assert.equal((await world.rest.conversations(1))[0].otherUserName, "Bob");
  });

  each(DIALECTS_AND_STORES, "X-07 positions are equal in ack, events and history", async (world) => {
    const { a, b, c } = await world.pair();
    const first = await send(a, { content: "one" });
    const second = await send(a, { content: "two" });
    const positions = [first, second].map(position);
    assert.deepEqual(positions.map(({ seq }) => seq), [1, 2]);
    assert.ok(second.rev > first.rev);
    assert.deepEqual((await a.several("message_sent", 2)).map(position), positions);
    assert.deepEqual((await a.several("new_message", 2)).map(position), positions);
    assert.deepEqual((await b.several("new_message", 2)).map(position), positions);
    assert.deepEqual((await world.rest.messages(c)).map(position), positions);
  });
});

function position({ id, seq, rev }) {
  return { id, seq, rev };
}
