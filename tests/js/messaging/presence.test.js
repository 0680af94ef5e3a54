// Coming online: `join_user_room` and what everybody hears of it (contract: messaging, sections 1 to 3).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { AUTO_STORES, BUSY, DIALECTS_AND_STORES, FULL, STORES_ONLY, each } from "../support/matrix.js";
import { assertError, send } from "../support/messages.js";

const JOINED = ["user_online", "online_users", "connected"];

describe("presence", BUSY, () => {
  each(FULL, "M-01 joining the user room answers with three events in order", async (world) => {
    const a = await world.connect();
    a.emit("join_user_room", 1);
    assert.deepEqual(await a.next("connected"), { userId: 1, socketId: a.id });
    assert.deepEqual(a.order, JOINED);
    assert.deepEqual(a.all("user_online"), [{ userId: 1 }]);
    assert.deepEqual(a.all("online_users"), [{ onlineUsers: [1] }]);
  });

  each(FULL, "M-02 joining without an id is an error event and nothing else", async (world) => {
    const a = await world.connect();
    a.emit("join_user_room");
    a.emit("join_user_room", 0);
    assert.deepEqual(await a.several("error", 2), [{ message: "User ID required" }, { message: "User ID required" }]);
    await a.none();
  });

  each(FULL, "M-03 the others hear of somebody who comes online, ids as numbers", async (world) => {
    const a = await world.user(1);
    const b = await world.connect();
    b.emit("join_user_room", "2");
    assert.deepEqual(await a.next("user_online"), { userId: 2 });
    assert.deepEqual(await b.next("online_users"), { onlineUsers: [1, 2] });
    assert.deepEqual(await b.next("connected"), { userId: 2, socketId: b.id });
  });

  each(DIALECTS_AND_STORES, "the ack of join_user_room comes last and repeats what the events said", async (world) => {
    const a = await world.connect();
    const ack = await a.emitWithAck("join_user_room", 1);
    assert.deepEqual(ack, { ok: true, userId: 1, socketId: a.id, onlineUsers: [1] });
    assert.deepEqual(a.order, [...JOINED, "ack join_user_room"]);
  });

  each(DIALECTS_AND_STORES, "join_user_room takes an id, a text and an object", async (world) => {
    const watcher = await world.user(9);
    for (const [payload, id] of [[1, 1], ["2", 2], [{ userId: 3 }, 3], [{ userId: "4" }, 4], ["ada", "ada"], ["007", "007"]]) {
      const client = await world.connect();
      assert.equal((await client.ask("join_user_room", payload)).userId, id);
      assert.deepEqual(await watcher.next("user_online"), { userId: id });
    }
  });

  each(DIALECTS_AND_STORES, "an unusable id is an error event before the ack", async (world) => {
    const a = await world.connect();
    assertError(await a.emitWithAck("join_user_room", ""), "INVALID_PAYLOAD", "User ID required");
    assert.deepEqual(a.order, ["error", "ack join_user_room"]);
  });

  each(STORES_ONLY, "a second tab is no second coming online", async (world) => {
    const b = await world.user(2);
    await world.user(1);
    assert.deepEqual(await b.next("user_online"), { userId: 1 });
    const second = await world.connect();
    const ack = await second.ask("join_user_room", 1);
    assert.deepEqual(ack.onlineUsers, [2, 1]);
    assert.deepEqual(second.all("user_online"), [{ userId: 1 }]);
    await b.none();
  });

  each(STORES_ONLY, "a second join_user_room leaves the first room", async (world) => {
    const a = await world.user(1);
    const b = await world.user(2);
    await a.ask("join_user_room", 3);
    a.forget();
    await send(b, { senderId: 2, receiverId: 1, conversationId: 21, content: "to the old room" });
    await send(b, { senderId: 2, receiverId: 3, conversationId: 23, content: "to the new room" });
    assert.equal((await a.next("new_message")).content, "to the new room");
    await a.none("new_message");
  });

  each(DIALECTS_AND_STORES, "who left the user room hears no more messages", async (world) => {
    const a = await world.user(1);
    const b = await world.user(2);
    assert.deepEqual(await a.ask("leave_user_room", { userId: 1 }), { ok: true });
    assert.deepEqual(a.order.filter((name) => name !== "user_online"), ["ack leave_user_room"]);
    await send(b, { senderId: 2, receiverId: 1 });
    await a.none("new_message");
  });

  each(STORES_ONLY, "a user who is known from the handshake is joined at once", async (world) => {
    const a = await world.connect({ auth: { userId: 7 } });
    assert.deepEqual(await a.next("connected"), { userId: 7, socketId: a.id });
    assert.deepEqual(a.order, JOINED);
    const b = await world.user(2);
    await send(b, { senderId: 2, receiverId: 7 });
    assert.equal((await a.next("new_message")).receiverId, 7);
  });

  each(AUTO_STORES, "joined at once only if the dialect is known as well", async (world) => {
    const known = await world.connect({ auth: { userId: "7", dialect: "messaging" } });
    assert.deepEqual(await known.next("connected"), { userId: 7, socketId: known.id });
    const undecided = await world.connect({ auth: { userId: 8 } });
    await undecided.none();
    undecided.emit("join_user_room", 8);
    await undecided.next("connected");
  });

  each(DIALECTS_AND_STORES, "a nameless socket is told nothing at connect", async (world) => {
    const a = await world.connect();
    await a.none();
  });
});
