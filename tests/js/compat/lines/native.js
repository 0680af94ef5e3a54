import assert from "node:assert/strict";
import { V1, assertMessage, assertSession, fails, send } from "../../support/native.js";
import { token } from "../../support/token.js";

/**
 * A socket hears its conversations from the start: each person has the `room` of both, which is there before they connect.
 * @type {import("../dialects.js").Line}
 */
export const native = {
  dialect: "native",
  async people(world) {
    const ada = world.hasTokens ? V1.bearer(world, token("ada")) : V1.as(world, "ada");
    const { conversation } = await ada.ok("POST", "/conversations", { userId: "ben" });
    return ["ada", "ben"].map((id) => {
      return { id, room: conversation.id, auth: world.hasTokens ? { token: token(id) } : { userId: id } };
    });
  },
  async join({ client, id }) {
    const session = await client.next("session");
    assertSession(session);
    assert.equal(session.user.id, id);
  },
  async send({ client, id, room }, to, content) {
    const message = await send(client, room, { content });
    assertMessage(message, { conversationId: room, senderId: id, content });
    assert.deepEqual(await client.next("new_message"), { message });
  },
  heard: "new_message",
  async hear({ client, room }, content) {
    const { message } = await client.next("new_message");
    assertMessage(message, { conversationId: room, content });
  },
  async misspeak({ client }) {
    await fails(client, "send_message", { content: "to nobody" }, "INVALID_PAYLOAD");
  },
  attach: (from, to, bytes) => ["send_message", { conversationId: from.room, content: bytes }],
};
