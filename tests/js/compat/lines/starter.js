import assert from "node:assert/strict";
import { assertError } from "../../support/messages.js";
import { assertReceived, send } from "../../support/starter.js";
import { token } from "../../support/token.js";

const NO_NAME = "Username is required";

/**
 * Everybody hears everything, who sends it too. An id is a name here.
 * @type {import("../dialects.js").Line}
 */
export const starter = {
  dialect: "starter",
  async people(world) {
    return ["ada", "ben"].map((id) => ({ id, auth: world.hasTokens ? { token: token(id, { name: id }) } : {} }));
  },
  async join({ client, id }) {
    const user = { username: id, id: client.id };
    assert.deepEqual(await client.emitWithAck("user_join", id), { ok: true, ...user });
    assert.deepEqual((await client.next("user_list")).at(-1), user);
    assert.deepEqual(await client.next("user_joined"), user);
  },
  async send({ client, id }, to, text) {
    const message = await send(client, { message: text });
    assertReceived(message, { message: text, sender: id, senderId: client.id });
    assert.deepEqual(await client.next("receive_message"), message);
  },
  heard: "receive_message",
  async hear({ client }, text) {
    assertReceived(await client.next("receive_message"), { message: text });
  },
  async misspeak({ client }) {
    assertError(await client.emitWithAck("user_join", ""), "INVALID_PAYLOAD", NO_NAME);
    assert.deepEqual(await client.next("error"), { message: NO_NAME });
  },
  attach: (from, to, bytes) => ["send_message", { message: bytes }],
};
