import assert from "node:assert/strict";
import { assertError, assertHas, assertMessage, assertMessageError, draft, send } from "../../support/messages.js";
import { token } from "../../support/token.js";

const MISSING = "Missing required fields";

/**
 * Two users, whose conversation is there with their first message.
 * @type {import("../dialects.js").Line}
 */
export const messaging = {
  dialect: "messaging",
  async people(world) {
    return [1, 2].map((id) => ({ id, auth: world.hasTokens ? { token: token(id) } : {} }));
  },
  async join({ client, id }) {
    const { onlineUsers, ...answer } = await client.emitWithAck("join_user_room", id);
    assert.deepEqual(answer, { ok: true, userId: id, socketId: client.id });
    assert.ok(onlineUsers.includes(id));
    assert.deepEqual(await client.next("connected"), { userId: id, socketId: client.id });
  },
  async send(from, to, content) {
    const tempId = `temp_${content}`;
    const message = await send(from.client, { senderId: from.id, receiverId: to.id, content, tempId });
    assertHas(message, { senderId: from.id, receiverId: to.id, content });
    assertHas(await from.client.next("message_sent"), { id: message.id, content, tempId });
  },
  heard: "new_message",
  async hear({ client, id }, content) {
    assertMessage(await client.next("new_message"), { receiverId: id, content });
  },
  async misspeak({ client, id }) {
    const ack = await client.emitWithAck("send_message", { senderId: id, content: "to nobody", tempId: 6 });
    assertError(ack, "INVALID_PAYLOAD", MISSING);
    assertMessageError(await client.next("message_error"), "INVALID_PAYLOAD", MISSING, 6);
  },
  attach: (from, to, bytes) => ["send_message", draft({ senderId: from.id, receiverId: to.id, content: bytes })],
};
