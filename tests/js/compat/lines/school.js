import assert from "node:assert/strict";
import { assertError, assertHas } from "../../support/messages.js";
import { assertMessage, draft, personToken, send } from "../../support/school.js";

const ROLE = "teacher";
const FAILED = "Failed to send message";

/**
 * Two teachers: a person is an id and a role.
 * @type {import("../dialects.js").Line}
 */
export const school = {
  dialect: "school",
  async people(world) {
    return [1, 2].map((id) => ({ id, auth: world.hasTokens ? { token: personToken(id, ROLE) } : {} }));
  },
  async join({ client, id }) {
    const answer = await client.emitWithAck("authenticate", { userId: id, role: ROLE });
    assert.deepEqual(answer, { ok: true, userId: id, role: ROLE });
    assert.deepEqual(await client.next("authenticated"), { success: true });
  },
  async send(from, to, content) {
    const message = await send(from.client, between(from, to, content));
    assertMessage(message, { senderId: from.id, recipientId: to.id, content });
    assertHas(await from.client.next("message_sent"), { id: message.id, content });
  },
  heard: "message_received",
  async hear({ client, id }, content) {
    assertMessage(await client.next("message_received"), { recipientId: id, content });
  },
  async misspeak({ client, id }) {
    const ack = await client.emitWithAck("new_message", { senderId: id, senderRole: ROLE, content: "to nobody" });
    assertError(ack, "INVALID_PAYLOAD", FAILED);
    assert.deepEqual(await client.next("message_error"), { error: FAILED });
  },
  attach: (from, to, bytes) => ["new_message", draft(between(from, to, bytes))],
};

function between(from, to, content) {
  return { senderId: from.id, senderRole: ROLE, recipientId: to.id, recipientRole: ROLE, content };
}
