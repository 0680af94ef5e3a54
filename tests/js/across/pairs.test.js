// Two people who speak different dialects have one conversation (contract: README, sections 4, 8 and 9).

import assert from "node:assert/strict";
import { describe } from "node:test";
import * as direct from "../support/direct.js";
import { AUTO, AUTO_STORES, BUSY, each } from "../support/matrix.js";
import { MESSAGE_KEYS, assertHas } from "../support/messages.js";
import * as native from "../support/native.js";
import * as school from "../support/school.js";

describe("pairs across dialects", BUSY, () => {
  each(AUTO, "X-01 a chat of direct is a new_message of messaging", async (world) => {
    const a = await direct.user(world, 1);
    const b = await world.user(2);
    a.emit("chat", { recipientId: 2, messageContent: "x" });
    const message = await b.next("new_message");
    native.assertKeys(message, MESSAGE_KEYS);
    assertHas(message, { senderId: 1, receiverId: 2, content: "x", type: "text", read: false, readAt: null });
    await b.none("new_message");
    await a.none();
    const [item] = await world.rest.conversations(2);
    assertHas(item, { otherUserId: 1, unreadCount: 1 });
    assertHas(item.lastMessage, { content: "x", type: "text" });
  });

  each(AUTO, "X-02 the answer is a chat of direct", async (world) => {
    const a = await direct.user(world, 1);
    const b = await world.user(2);
    a.emit("chat", { recipientId: 2, messageContent: "x" });
    const { conversationId } = await b.next("new_message");
    b.emit("send_message", { conversationId, senderId: 2, receiverId: 1, content: "y" });
    const chat = await a.next("chat");
    direct.assertChat(chat, { senderId: "2", messageContent: "y", seq: 2 });
    await a.none("chat");
    const sent = await b.next("message_sent");
    assert.deepEqual([sent.conversationId, String(sent.id)], [conversationId, chat.id]);
  });

  each(AUTO, "X-07 positions are the same in acks, events and REST, whatever the dialect", async (world) => {
    const a = await world.user(1);
    const b = await world.user(2);
    const d = await direct.user(world, 2);
    const n = await native.person(world, "2");
    const acks = [];
    for (const content of ["one", "two"]) {
      acks.push((await a.ask("send_message", { conversationId: 42, senderId: 1, receiverId: 2, content })).message);
    }
    const positions = acks.map(position);
    assert.deepEqual(positions.map(({ seq }) => seq), [1, 2]);
    assert.ok(positions[1].rev > positions[0].rev);
    assert.deepEqual((await a.several("message_sent", 2)).map(position), positions);
    assert.deepEqual((await b.several("new_message", 2)).map(position), positions);
    assert.deepEqual((await d.several("chat", 2)).map(position), positions);
    assert.deepEqual((await n.several("new_message", 2)).map(({ message }) => position(message)), positions);
    const { conversationId } = acks[0];
    assert.deepEqual((await world.rest.messages(conversationId)).map(position), positions);
    const { messages } = await native.V1.as(world, "2").ok("GET", `/conversations/${conversationId}/messages`);
    assert.deepEqual(messages.map(position), positions);
  });

  each(AUTO, "X-08 messaging and native hear each other, and each other's read marks", async (world) => {
    const a = await world.user(1);
    const n = await native.person(world, "2");
    const sent = (await a.ask("send_message", { conversationId: 42, senderId: 1, receiverId: 2, content: "hi" })).message;
    const { message } = await n.next("new_message");
    native.assertMessage(message, { id: String(sent.id), conversationId: "42", senderId: "1", content: "hi", seq: 1 });
    assertHas(message, { kind: "text", clientMessageId: null });
    a.forget();
    await native.ask(n, "send_message", { conversationId: message.conversationId, content: "hello" });
    const answer = await a.next("new_message");
    native.assertKeys(answer, MESSAGE_KEYS);
    assertHas(answer, { conversationId: 42, senderId: 2, receiverId: 1, content: "hello", type: "text", seq: 2 });
    const receipt = await native.ask(n, "mark_read", { conversationId: "42" });
    assertHas(receipt, { lastReadSeq: 2, unread: 0, unreadTotal: 0 });
    const read = await a.next("messages_read");
    native.assertKeys(read, ["conversationId", "userId", "readAt"]);
    assertHas(read, { conversationId: 42, userId: 2 });
    assert.deepEqual((await world.rest.messages(42)).map((one) => one.read), [true, false]);
    await a.ask("mark_read", { conversationId: 42, userId: 1 });
    assertHas(await n.next("message_read"), { conversationId: "42", userId: "1", lastReadSeq: 2 });
    assert.deepEqual((await world.rest.messages(42)).map((one) => one.read), [true, true]);
    await a.none("new_message");
  });

  each(AUTO_STORES, "direct and native are one conversation, and its unread count is one", async (world) => {
    const d = await direct.user(world, "1");
    const n = await native.person(world, "2");
    const c = await native.direct(n, "1");
    await d.ask("chat", { recipientId: "2", messageContent: "one" });
    assertHas((await n.next("new_message")).message, { conversationId: c, senderId: "1", content: "one" });
    await native.send(n, c, { content: "two" });
    assertHas(await d.next("chat"), { senderId: "2", messageContent: "two" });
    assertHas(await native.look(n, c), { unread: 1, lastSeq: 2 });
    assertHas((await world.rest.conversations(2))[0], { otherUserId: 1, unreadCount: 1 });
  });

  each(AUTO_STORES, "people of a school are written with their role elsewhere", async (world) => {
    const teacher = await world.connect();
    await teacher.ask("authenticate", { userId: 7, role: "teacher" });
    const student = await native.person(world, "student:7");
    const people = { senderId: 7, senderRole: "teacher", recipientId: 7, recipientRole: "student" };
    await teacher.ask("new_message", { ...people, content: "hi" });
    const { message } = await student.next("new_message");
    native.assertMessage(message, { senderId: "teacher:7", content: "hi" });
    await native.send(student, message.conversationId, { content: "hello" });
    const heard = await teacher.next("message_received");
    school.assertMessage(heard, { senderId: 7, recipientId: 7, senderRole: "student", content: "hello" });
  });

  each(AUTO_STORES, "text and files are the same everywhere", async (world) => {
    const a = await world.user(1);
    const d = await direct.user(world, 1);
    const n = await native.person(world, "2");
    const c = await native.direct(n, "1");
    const content = "  ğüşİ 👩‍👩‍👧 <b>\n";
    await native.send(n, c, { content });
    assert.equal((await a.next("new_message")).content, content);
    assert.equal((await d.next("chat")).messageContent, content);
    const file = { fileUrl: "/uploads/a.png", fileName: "a.png", fileSize: 12, fileType: "image/png" };
    await native.ask(n, "send_message", { conversationId: c, kind: "image", ...file });
    assertHas(await a.next("new_message"), { type: "image", content: null, ...file });
    await a.ask("send_message", { conversationId: 1, senderId: 1, receiverId: 2, type: "image", ...file });
    const messages = (await n.several("new_message", 3)).map(({ message }) => message);
    assertHas(messages[2].file, { url: "/uploads/a.png", name: "a.png", size: 12, type: "image/png" });
    assertHas(messages[2], { kind: "image", content: null });
  });

  each(AUTO_STORES, "typing and presence stay inside their dialect", async (world) => {
    const a = await world.user(1);
    await a.ask("send_message", { conversationId: 42, senderId: 1, receiverId: 2, content: "hi", tempId: "t" });
    await a.ask("join_conversation", 42);
    const n = await native.person(world, "2");
    await native.settle(a, n);
    await a.ask("typing", { conversationId: 42, userId: 1, isTyping: true });
    await native.ask(n, "typing_start", { conversationId: "42" });
    await world.user(3);
    await n.none();
    await a.none("user_typing");
    await a.none("typing");
  });

  each(AUTO_STORES, "a client id is a client id across dialects", async (world) => {
    const a = await world.user(1);
    const n = await native.person(world, "1");
    const draft = { conversationId: 42, senderId: 1, receiverId: 2, content: "once", clientMessageId: "m-1" };
    const first = (await a.ask("send_message", draft)).message;
    const again = await native.ask(n, "send_message", { conversationId: "42", content: "other", clientMessageId: "m-1" });
    assert.equal(again.duplicate, true);
    assertHas(again.message, { id: String(first.id), content: "once", clientMessageId: "m-1" });
  });

  each(AUTO_STORES, "ids of numbers and of text meet: 7 is \"7\" and not \"007\"", async (world) => {
    const n = await native.person(world, 7);
    const other = await native.person(world, "007");
    const a = await world.user(1);
    await a.ask("send_message", { conversationId: 42, senderId: 1, receiverId: "7", content: "for 7" });
    assert.equal((await n.next("new_message")).message.content, "for 7");
    await other.none();
    for (const conversationId of [42, "42"]) {
      assert.equal((await native.ask(n, "history", { conversationId })).messages.length, 1);
    }
  });
});

function position({ seq, rev }) {
  return { seq, rev };
}
