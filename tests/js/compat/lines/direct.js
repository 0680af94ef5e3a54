import assert from "node:assert/strict";
import { assertChat, say } from "../../support/direct.js";
import { assertError } from "../../support/messages.js";
import { token } from "../../support/token.js";

/**
 * Two users, who name each other in every message.
 * @type {import("../dialects.js").Line}
 */
export const direct = {
  dialect: "direct",
  async people(world) {
    return [1, 2].map((id) => ({ id, auth: world.hasTokens ? { token: token(id) } : {} }));
  },
  async join({ client, id }) {
    const answer = await client.emitWithAck("register", id);
    assert.deepEqual(answer, { ok: true, userId: String(id), socketId: client.id });
  },
  async send(from, to, text) {
    const { delivered } = await say(from.client, to.id, text);
    assert.equal(typeof delivered, "boolean"); // The other may have left.
  },
  heard: "chat",
  async hear({ client }, text) {
    assertChat(await client.next("chat"), { messageContent: text });
  },
  async misspeak({ client }) {
    assertError(await client.emitWithAck("chat", { messageContent: "to nobody" }), "INVALID_PAYLOAD");
  },
  attach: (from, to, bytes) => ["chat", { recipientId: to.id, messageContent: bytes }],
};
