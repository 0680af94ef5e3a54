// Room mode: joining, moving and who hears of it (contract: starter, section 4).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BUSY, each } from "../support/matrix.js";
import { assertError, assertHas, assertIso } from "../support/messages.js";
import {
  DIALECTS_AND_STORES, FULL, STORES_ONLY, assertAscending, assertRoomMessage, inRooms, people, roommates, send, texts,
} from "../support/starter.js";

const NO_NAME = "Username is required";
const DEFAULT_ROOMS = ["gaming", "general", "random", "tech"];

describe("rooms", BUSY, () => {
  each(FULL, "T-13 a message of a room is heard in that room only", async (world) => {
    const [a, b, c] = await inRooms(world, ["ali", "tech"], ["veli", "general"], ["can", "tech"]);
    const ack = await a.emitWithAck("send_message", { message: "t" });
    const heard = await a.next("receive_message");
    assert.deepEqual(a.order, ["message_sent", "ack send_message", "receive_message"]);
    assertRoomMessage(heard, { message: "t", sender: "ali", senderId: a.id, room: "tech", reactions: {} });
    assert.equal(Object.keys(heard.readBy).length, 1, "the own entry of the sender");
    assert.deepEqual(ack, { ok: true, message: heard });
    assert.deepEqual(await a.next("message_sent"), { messageId: heard.id });
    assert.deepEqual(await c.next("receive_message"), heard);
    for (const client of [a, b, c]) await client.none();
  });

  each(DIALECTS_AND_STORES, "a newcomer gets the messages and the rooms, the others the newcomer", async (world) => {
    const [a, far] = await inRooms(world, ["ali", "tech"], ["zeki", "gaming"]);
    const first = await send(a, { message: "one" });
    const second = await send(a, { message: "two" });
    await a.several("receive_message", 2);
    a.forget();

    const b = await world.connect();
    const ack = await b.emitWithAck("user_join", { username: "veli", room: "tech" });
    assertHas(ack, { ok: true, id: b.id, username: "veli" });
    const messages = await b.next("room_messages");
    assert.deepEqual(messages, [first, second]);
    assert.ok(b.order.indexOf("room_messages") < b.order.indexOf("ack user_join"), `${b.order}`);
    assert.deepEqual((await b.next("available_rooms")).toSorted(), DEFAULT_ROOMS);
    assert.deepEqual(await a.next("user_joined"), { username: "veli", id: b.id, room: "tech" });
    for (const client of [a, b]) {
      const list = await client.next("user_list");
      assert.deepEqual(list.map(({ username, id, currentRoom }) => ({ username, id, currentRoom })), [
        { username: "ali", id: a.id, currentRoom: "tech" }, { username: "veli", id: b.id, currentRoom: "tech" },
      ]);
      for (const user of list) {
        assert.deepEqual(Object.keys(user).sort(), ["currentRoom", "id", "joinedAt", "username"]);
        assertIso(user.joinedAt);
      }
      await client.none("user_joined");
    }
    for (const name of ["user_joined", "user_list", "receive_message", "room_messages"]) await far.none(name);
  });

  each(STORES_ONLY, "a room without a name of the user is refused", async (world) => {
    const [b] = await roommates(world, "tech", "veli");
    const a = await world.connect();
    for (const payload of [{ room: "tech" }, { username: "", room: "tech" }, { username: "  ", room: "tech" }]) {
      assertError(await a.emitWithAck("user_join", payload), "INVALID_PAYLOAD", NO_NAME);
      assert.deepEqual(await a.next("error"), { message: NO_NAME });
    }
    await a.none();
    await b.none();
  });

  each(DIALECTS_AND_STORES, "moving to another room is told in both", async (world) => {
    const [a, b, c] = await inRooms(world, ["ali", "tech"], ["veli", "gaming"], ["can", "tech"]);
    const inGaming = await send(b, { message: "welcome" });
    await b.next("receive_message");
    for (const client of [a, b, c]) client.forget();

    await c.ask("join_room", { room: "gaming" });
    assert.deepEqual(await c.next("room_messages"), [inGaming]);
    assert.deepEqual(names(await c.next("user_list")), ["can", "veli"]);
    assert.deepEqual(await a.next("user_left"), { username: "can", id: c.id, room: "tech" });
    assert.deepEqual(names(await a.next("user_list")), ["ali"]);
    assert.deepEqual(await b.next("user_joined"), { username: "can", id: c.id, room: "gaming" });
    const list = await b.next("user_list");
    assert.deepEqual(names(list), ["can", "veli"]);
    for (const { currentRoom } of list) assert.equal(currentRoom, "gaming");
    for (const client of [a, b, c]) assert.deepEqual((await client.next("available_rooms")).toSorted(), DEFAULT_ROOMS);
    for (const client of [a, b, c]) await client.none();

    await send(c, { message: "moved" });
    for (const client of [b, c]) assertHas(await client.next("receive_message"), { message: "moved", room: "gaming" });
    await a.none();
  });

  each(DIALECTS_AND_STORES, "a room comes into being on first use and everybody learns of it", async (world) => {
    const [a, b] = await inRooms(world, ["ali", "tech"], ["veli", "general"]);
    await a.ask("join_room", { room: "çay odası 🌸" });
    for (const client of [a, b]) {
      assert.deepEqual((await client.next("available_rooms")).toSorted(), [...DEFAULT_ROOMS, "çay odası 🌸"].toSorted());
    }
    await send(a, { message: "hi" });
    assertHas(await a.next("receive_message"), { room: "çay odası 🌸" });
  });

  each(DIALECTS_AND_STORES, "who joined without a room enters room mode by join_room", async (world) => {
    const [a, b] = await people(world, "ali", "veli");
    await a.ask("join_room", { room: "tech" });
    assert.deepEqual(await a.next("room_messages"), []);
    assert.deepEqual(names(await a.next("user_list")), ["ali"]);
    await send(a, { message: "t" });
    assertRoomMessage(await a.next("receive_message"), { message: "t", room: "tech", sender: "ali" });
    await b.none("receive_message");
    await send(b, { message: "for everybody else" });
    await b.next("receive_message");
    await a.none("receive_message");
  });

  each(STORES_ONLY, "joining the room again does not deliver twice", async (world) => {
    const [a, b] = await roommates(world, "tech", "ali", "veli");
    await b.ask("join_room", { room: "tech" });
    await b.ask("join_room", { room: "tech" });
    const { id } = await send(a, { message: "t", room: "tech" });
    assertHas(await b.next("receive_message"), { id, room: "tech" });
    await b.none("receive_message");
  });

  each(STORES_ONLY, "a room that is none is refused", async (world) => {
    const [a, b] = await roommates(world, "tech", "ali", "veli");
    for (const payload of [{}, { room: "" }, { room: null }, { room: {} }, { room: [] }, { room: "a\0b" }, null, 5]) {
      assertError(await a.emitWithAck("join_room", payload), "INVALID_PAYLOAD");
    }
    await b.none();
    await send(a, { message: "still here" });
    assertHas(await b.next("receive_message"), { room: "tech" });
  });

  each(DIALECTS_AND_STORES, "who goes is told in the room: name, list, typing", async (world) => {
    const [a, b, far] = await inRooms(world, ["ali", "tech"], ["veli", "tech"], ["zeki", "general"]);
    const { id } = b;
    await b.ask("typing", { isTyping: true });
    await a.next("typing_users");
    a.forget();
    b.disconnect();
    assert.deepEqual(await a.next("typing_users"), []);
    assert.deepEqual(a.order.filter((name) => name !== "available_rooms"), ["user_left", "user_list", "typing_users"]);
    assertHas(await a.next("user_left"), { username: "veli", id });
    assert.deepEqual(names(await a.next("user_list")), ["ali"]);
    for (const name of ["user_left", "user_list", "typing_users"]) await far.none(name);
  });

  each(DIALECTS_AND_STORES, "typing is shown to the others in the room", async (world) => {
    const [a, b, far] = await inRooms(world, ["ali", "tech"], ["veli", "tech"], ["zeki", "general"]);
    assert.deepEqual(await a.ask("typing", { isTyping: true, room: "tech" }), { ok: true });
    assert.deepEqual(await b.next("typing_users"), ["ali"]);
    await a.ask("typing", { isTyping: false });
    assert.deepEqual(await b.next("typing_users"), []);
    await a.ask("typing", true);
    assert.deepEqual(await b.next("typing_users"), ["ali"]);
    await send(a, { message: "hi" });
    await b.next("receive_message");
    assert.deepEqual(b.order.slice(-2), ["typing_users", "receive_message"]);
    assert.deepEqual(await b.next("typing_users"), []);
    await a.none("typing_users");
    await far.none();
  });

  each(STORES_ONLY, "many messages of two people arrive in one order, once", async (world) => {
    const clients = await roommates(world, "tech", "ali", "veli");
    for (let i = 0; i < 50; i += 1) for (const client of clients) client.emit("send_message", { message: `no ${i}` });
    const [heard, same] = await Promise.all(clients.map((client) => client.several("receive_message", 100, 5_000)));
    assert.deepEqual(same, heard);
    assertAscending(heard);
    const ofAli = heard.filter(({ sender }) => sender === "ali");
    assert.deepEqual(texts(ofAli), Array.from({ length: 50 }, (_, i) => `no ${i}`));
    for (const client of clients) await client.none("receive_message");
  });

  each(STORES_ONLY, "a repeated client id in a room gives the first message again", async (world) => {
    const [a, b] = await roommates(world, "tech", "ali", "veli");
    const first = await a.ask("send_message", { message: "once", clientMessageId: "c-1" });
    const again = await a.ask("send_message", { message: "other", clientMessageId: "c-1" });
    assert.deepEqual(again, { ...first, duplicate: true });
    for (const { messageId } of await a.several("message_sent", 2)) assert.equal(messageId, first.message.id);
    await b.next("receive_message");
    await b.none("receive_message");
  });
});

function names(list) {
  return list.map(({ username }) => username).sort();
}
