// What two people do in each dialect: connect, say who they are, send and hear. One line per dialect.

import assert from "node:assert/strict";
import { assertError, assertHas, assertMessageError, draft } from "../support/messages.js";

/**
 * @typedef {object} Person
 * @property {import("../support/client.js").Client} client
 * @property {number} id
 */

/**
 * @typedef {object} Line
 * @property {string} dialect
 * @property {Record<string, string>} env further settings of the server
 * @property {number[]} ids of the two people
 * @property {(id: number) => object} options what that person connects with in development mode
 * @property {(id: number) => object} claims what the token of that person holds besides `sub`
 * @property {(person: Person) => Promise<void>} join says who it is, after every connect
 * @property {(from: Person, to: Person, text: string) => Promise<void>} send sends, and checks what the sender is told
 * @property {string} heard the event by which a message is heard
 * @property {(to: Person, text: string) => Promise<void>} hear checks that exactly that text has come
 * @property {(from: Person, to: Person) => Promise<void>} misspeak sends what is refused, and checks the words
 * @property {(from: Person, to: Person, bytes: Buffer) => [string, object]} attach an event with a binary attachment
 */

/** @type {Line[]} */
export const DIALECTS = [
  {
    dialect: "messaging",
    env: {},
    ids: [1, 2],
    options: () => ({}),
    claims: () => ({}),
    async join({ client, id }) {
      const { onlineUsers, ...answer } = await client.emitWithAck("join_user_room", id);
      assert.deepEqual(answer, { ok: true, userId: id, socketId: client.id });
      assert.ok(onlineUsers.includes(id));
      assert.deepEqual(await client.next("connected"), { userId: id, socketId: client.id });
    },
    async send(from, to, content) {
      const people = { senderId: from.id, receiverId: to.id };
      const { message } = await from.client.ask("send_message", draft({ ...people, content, tempId: `temp_${content}` }));
      assertHas(message, { ...people, content });
      assertHas(await from.client.next("message_sent"), { id: message.id, content, tempId: `temp_${content}` });
    },
    heard: "new_message",
    async hear({ client, id }, content) {
      assertHas(await client.next("new_message"), { receiverId: id, content });
    },
    async misspeak({ client, id }) {
      const ack = await client.emitWithAck("send_message", { senderId: id, content: "to nobody", tempId: 6 });
      assertError(ack, "INVALID_PAYLOAD", "Missing required fields");
      assertMessageError(await client.next("message_error"), "INVALID_PAYLOAD", "Missing required fields", 6);
    },
    attach: (from, to, bytes) => ["send_message", draft({ senderId: from.id, receiverId: to.id, content: bytes })],
  },
  {
    dialect: "school",
    env: {},
    ids: [1, 2],
    options: () => ({}),
    claims: (id) => ({ sub: undefined, id, role: "teacher" }),
    async join({ client, id }) {
      const answer = await client.emitWithAck("authenticate", { userId: id, role: "teacher" });
      assert.deepEqual(answer, { ok: true, userId: id, role: "teacher" });
      assert.deepEqual(await client.next("authenticated"), { success: true });
    },
    async send(from, to, content) {
      const people = { senderId: from.id, senderRole: "teacher", recipientId: to.id, recipientRole: "teacher" };
      const { message } = await from.client.ask("new_message", { ...people, content });
      assertHas(message, { senderId: from.id, recipientId: to.id, content });
      assertHas(await from.client.next("message_sent"), { id: message.id, content });
    },
    heard: "message_received",
    async hear({ client, id }, content) {
      assertHas(await client.next("message_received"), { recipientId: id, content });
    },
    async misspeak({ client, id }) {
      const ack = await client.emitWithAck("new_message", { senderId: id, senderRole: "teacher", content: "to nobody" });
      assertError(ack, "INVALID_PAYLOAD", "Failed to send message");
      assert.deepEqual(await client.next("message_error"), { error: "Failed to send message" });
    },
    attach: (from, to, bytes) => [
      "new_message",
      { senderId: from.id, senderRole: "teacher", recipientId: to.id, recipientRole: "teacher", content: bytes },
    ],
  },
  {
    dialect: "direct",
    env: {},
    ids: [1, 2],
    options: () => ({}),
    claims: () => ({}),
    async join({ client, id }) {
      const answer = await client.emitWithAck("register", id);
      assert.deepEqual(answer, { ok: true, userId: String(id), socketId: client.id });
    },
    async send(from, to, messageContent) {
      const answer = await from.client.ask("chat", { recipientId: to.id, messageContent });
      assert.equal(typeof answer.delivered, "boolean"); // the other may have left
    },
    heard: "chat",
    async hear({ client }, messageContent) {
      assertHas(await client.next("chat"), { messageContent });
    },
    async misspeak({ client }) {
      assertError(await client.emitWithAck("chat", { messageContent: "to nobody" }), "INVALID_PAYLOAD");
    },
    attach: (from, to, bytes) => ["chat", { recipientId: to.id, messageContent: bytes }],
  },
];
