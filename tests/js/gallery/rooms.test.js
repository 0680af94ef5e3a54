// Entering and leaving rooms (contract: gallery, sections 2 and 3).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { DIALECTS_AND_STORES, FULL, STORES_ONLY, UNKNOWN_UUID, inBothModes, withTokens } from "../support/gallery.js";
import { BUSY } from "../support/matrix.js";
import { assertError } from "../support/messages.js";

const DENIED = "Access denied";
const N_PRESSES = 50;

describe("rooms", BUSY, () => {
  inBothModes(FULL, "G-03 a room is entered with its id and with an object, each time confirmed", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const a = await ua.connect();
    a.emit("join_room", room);
    a.emit("join_room", { roomId: room });
    const confirmed = { roomId: room, success: true };
    assert.deepEqual(await a.several("room_joined", 2), [confirmed, confirmed]);
    await a.none();
  });

  inBothModes(FULL, "G-04 strangers do not enter, and are not told what exists", async ({ ua, ub, uc }) => {
    const room = await ua.roomWith(ub);
    const c = await uc.connect();
    for (const roomId of [room, "nope"]) {
      assertError(await c.emitWithAck("join_room", roomId), "FORBIDDEN", DENIED);
      assert.deepEqual(await c.next("room_joined"), { roomId, success: false, error: DENIED });
    }
    assert.deepEqual(c.order, ["room_joined", "ack join_room", "room_joined", "ack join_room"]);
    await ua.send(room);
    await ub.send(room);
    await c.none();
  });

  withTokens(DIALECTS_AND_STORES, "joining and leaving are acked with the id, after the event", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const a = await ua.connect();
    for (const payload of [room, { roomId: room }, { roomId: room, more: 1 }]) {
      assert.deepEqual(await a.emitWithAck("join_room", payload), { ok: true, roomId: room });
      assert.deepEqual(a.order, ["room_joined", "ack join_room"]);
      a.forget();
      assert.deepEqual(await a.emitWithAck("leave_room", payload), { ok: true, roomId: room });
      assert.deepEqual(a.order, ["ack leave_room"]);
      a.forget();
    }
    await a.none();
  });

  withTokens(DIALECTS_AND_STORES, "without an id there is no room", async ({ ua }) => {
    const a = await ua.connect();
    for (const args of [[], [null], [""], [{}], [{ roomId: null }], [{ roomId: "" }], [{ roomId: {} }], [[1]], [{ room: "x" }]]) {
      assertError(await a.emitWithAck("join_room", ...args), "INVALID_PAYLOAD", "roomId is required");
      assert.deepEqual(await a.next("room_joined"), { roomId: null, success: false, error: "roomId is required" });
      assertError(await a.emitWithAck("leave_room", ...args), "INVALID_PAYLOAD");
      assertError(await a.emitWithAck("typing_start", ...args), "INVALID_PAYLOAD");
      assertError(await a.emitWithAck("typing_stop", ...args), "INVALID_PAYLOAD");
    }
    await a.none();
  });

  withTokens(DIALECTS_AND_STORES, "the id comes back as text, also if there is no such room", async ({ ua }) => {
    const a = await ua.connect();
    for (const [payload, roomId] of [[7, "7"], [{ roomId: 7 }, "7"], ["007", "007"], [UNKNOWN_UUID, UNKNOWN_UUID]]) {
      assertError(await a.emitWithAck("join_room", payload), "FORBIDDEN", DENIED);
      assert.deepEqual(await a.next("room_joined"), { roomId, success: false, error: DENIED });
    }
    await a.none();
  });

  inBothModes(STORES_ONLY, "a colleague hears what the own gallery writes only in the room", async ({ ua, ua2, ub }) => {
    const room = await ua.roomWith(ub);
    const outside = await ua2.connect();
    const inside = await ua2.joined(room);
    const message = await ua.send(room);
    assert.deepEqual(await inside.next("new_message"), { roomId: room, message });
    await inside.none();
    await outside.none();
  });

  withTokens(STORES_ONLY, "who has left hears as much as before joining", async ({ ua, ua2, ub }) => {
    const room = await ua.roomWith(ub);
    const sockets = [await ua2.joined(room), await ub.joined(room)];
    for (const client of sockets) {
      await client.ask("join_room", room); // twice in, once out
      await client.ask("leave_room", room);
      await client.ask("leave_room", { roomId: room });
      client.forget();
    }
    const [colleague, other] = sockets;
    await ua.send(room);
    await other.next("new_message"); // over the room of its gallery
    await colleague.none();
    await ub.send(room);
    await colleague.next("new_message");
    await colleague.none();
    await other.none();
  });

  withTokens(STORES_ONLY, "a socket is in many rooms at once and told which one is meant", async ({ ua, ua2, ub }) => {
    const rooms = [];
    for (let i = 0; i < 3; i += 1) rooms.push(await ua.roomWith(ub));
    const a = await ua2.connect();
    for (const room of rooms) await a.ask("join_room", room);
    a.forget();
    for (const room of rooms) await ua.send(room, { content: room });
    const heard = await a.several("new_message", rooms.length);
    const named = heard.map(({ roomId, message }) => [roomId, message.room_id, message.content]);
    assert.deepEqual(named, rooms.map((id) => [id, id, id]));
    await a.none();
  });

  withTokens(DIALECTS_AND_STORES, "joining on every press is answered every time and delivers once", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const b = await ub.connect();
    const acks = await Promise.all(Array.from({ length: N_PRESSES }, () => b.ask("join_room", room)));
    assert.equal(acks.length, N_PRESSES);
    assert.deepEqual(b.all("room_joined"), Array(N_PRESSES).fill({ roomId: room, success: true }));
    b.forget();
    await ua.send(room);
    await b.next("new_message");
    await b.none();
  });

  withTokens(STORES_ONLY, "a room that was deleted can still be entered", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    await ua.delete(`/${room}`);
    const b = await ub.connect();
    assert.deepEqual(await b.emitWithAck("join_room", room), { ok: true, roomId: room });
    assert.deepEqual(await b.next("room_joined"), { roomId: room, success: true });
  });

  withTokens(STORES_ONLY, "sending, reading and deleting are no words of a socket", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const b = await ub.joined(room);
    const a = await ua.joined(room);
    const words = ["send_message", "new_message", "mark_read", "messages_read", "delete_message", "delete_room", "chat"];
    for (const name of words) {
      assertError(await a.emitWithAck(name, { roomId: room, content: "x" }), "UNKNOWN_EVENT", `Unknown event: ${name}`);
    }
    await a.none();
    await b.none();
    assert.deepEqual(await ua.messages(room), []);
  });
});
