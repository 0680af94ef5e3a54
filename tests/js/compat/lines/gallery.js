import assert from "node:assert/strict";
import { galleryRoom } from "../../support/gallery.js";
import { assertRow } from "../../support/gallery_shapes.js";
import { assertError } from "../../support/messages.js";

const NO_ROOM = "roomId is required";

/**
 * Sockets hear, messages are sent over REST: each person has the `dealer` who calls, and the `room` of both.
 * @type {import("../dialects.js").Line}
 */
export const gallery = {
  dialect: "gallery",
  async people(world) {
    const { ua, ub, room } = await galleryRoom(world);
    return [ua, ub].map((dealer) => ({ id: dealer.id, auth: dealer.auth, dealer, room }));
  },
  async join({ client, room }) {
    assert.deepEqual(await client.emitWithAck("join_room", room), { ok: true, roomId: room });
    assert.deepEqual(await client.next("room_joined"), { roomId: room, success: true });
  },
  async send({ client, id, dealer, room }, to, content) {
    const message = await dealer.send(room, { content });
    assertRow(message, { room_id: room, sender_id: id, content });
    assert.deepEqual(await client.next("new_message"), { roomId: room, message });
  },
  heard: "new_message",
  async hear({ client, room }, content) {
    const { roomId, message } = await client.next("new_message");
    assert.equal(roomId, room);
    assertRow(message, { room_id: room, content });
  },
  async misspeak({ client }) {
    assertError(await client.emitWithAck("join_room", {}), "INVALID_PAYLOAD", NO_ROOM);
    assert.deepEqual(await client.next("room_joined"), { roomId: null, success: false, error: NO_ROOM });
  },
  attach: (from, to, bytes) => ["join_room", { roomId: bytes }],
};
