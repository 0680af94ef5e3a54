import assert from "node:assert/strict";
import { NOT_SAVED, assertM } from "../../support/chatsphere.js";
import { assertError } from "../../support/messages.js";
import { newRoomOf, newUser } from "../../support/plain.js";

/**
 * Users and rooms have to be there before anybody connects: each person has the `room` of both.
 * @type {import("../dialects.js").Line}
 */
export const chatsphere = {
  dialect: "chatsphere",
  async people(world) {
    const users = await Promise.all(["ada", "ben"].map((username) => newUser(world, username)));
    const room = await newRoomOf(world, ...users);
    return users.map(({ id, token }) => ({ id, room, auth: world.hasTokens ? { token } : { userId: id } }));
  },
  async join({ client, room }) {
    const { messages } = await client.ask("join", { roomId: room });
    assert.deepEqual(await client.next("join_confirmation"), { roomId: room });
    assert.deepEqual(await client.next("previous_messages"), { messages });
  },
  async send({ client, id, room }, to, content) {
    const { message } = await client.ask("message", { roomId: room, content });
    assertM(message, { userId: id, roomId: room, content });
    assert.deepEqual(await client.next("new_message"), { message });
  },
  heard: "new_message",
  async hear({ client, room }, content) {
    const { message } = await client.next("new_message");
    assertM(message, { roomId: room, content });
  },
  async misspeak({ client, room }) {
    assertError(await client.emitWithAck("message", { roomId: room }), "INVALID_PAYLOAD", NOT_SAVED);
    assert.deepEqual(await client.next("error"), { message: NOT_SAVED });
  },
  attach: (from, to, bytes) => ["message", { roomId: from.room, content: bytes }],
};
