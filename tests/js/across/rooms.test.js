// One room, heard by each in the own dialect, and by nobody else (contract: README, sections 8 and 9).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { galleryRoom } from "../support/gallery.js";
import { assertRow } from "../support/gallery_shapes.js";
import { AUTO, AUTO_STORES, BUSY, each } from "../support/matrix.js";
import { assertError, assertHas } from "../support/messages.js";
import * as native from "../support/native.js";
import { Plain, newRoomOf, newUser } from "../support/plain.js";
import { TOKEN_MODE, token } from "../support/token.js";

describe("rooms across dialects", BUSY, () => {
  each(AUTO, "X-03 a plain WebSocket is heard in messaging", async (world) => {
    const [u, v] = [await newUser(world, "ali"), await newUser(world, "veli")];
    const room = await newRoomOf(world, u, v);
    const w = await Plain.open(world, `/ws?userId=${u.id}`);
    w.send({ type: "join", userId: u.id, roomId: room });
    await w.next("previous_messages");
    const b = await world.user(v.id);
    await b.ask("join_conversation", room);
    w.send({ type: "message", userId: u.id, roomId: room, content: "hi" });
    const message = await b.next("new_message");
    assertHas(message, { conversationId: room, senderId: u.id, receiverId: null, receiver: null, content: "hi", seq: 1 });
    await b.none("new_message");
    assertHas((await w.next("new_message")).message, { id: message.id, content: "hi", seq: 1 });
    w.close();
  });

  each(AUTO, "X-04 a room of galleries does not exist for who is no party", async (world) => {
    const { ua, room } = await galleryRoom(world);
    const c = await world.connect({ auth: { token: token(9) } });
    assertError(await c.emitWithAck("join_conversation", room), "NOT_FOUND");
    const n = await native.tokenPerson(world, "stranger");
    await native.fails(n, "join_room", { conversationId: room }, "NOT_FOUND");
    const d = await world.connect({ auth: { dialect: "direct", token: token(8) } });
    assertError(await d.emitWithAck("joinGroup", room), "NOT_FOUND");
    await native.settle(c, n, d);
    await ua.send(room);
    for (const client of [c, n, d]) await client.none();
  }, TOKEN_MODE);

  each(AUTO, "X-09 a message of a gallery is heard in gallery and in native", async (world) => {
    const { ua, ub, room } = await galleryRoom(world);
    const b = await ub.connect();
    const n = await native.tokenPerson(world, "un", { gallery_id: "gb" });
    await native.settle(b, n);
    const row = await ua.send(room, { content: "Merhaba" });
    assertRow(row);
    assert.deepEqual(await b.next("new_message"), { roomId: room, message: row });
    const { message } = await n.next("new_message");
    native.assertMessage(message, {
      id: row.id, conversationId: room, senderId: "ua", senderParty: "gallery:ga", content: "Merhaba", kind: "text", seq: 1,
    });
    await b.none("new_message");
    await n.none("new_message");
  }, TOKEN_MODE);

  each(AUTO_STORES, "native answers in a gallery room for its gallery", async (world) => {
    const { ua, ub, room } = await galleryRoom(world);
    const n = await native.tokenPerson(world, "un", { gallery_id: "gb" });
    const a = await ua.connect();
    await native.settle(a, n);
    await ua.send(room, { content: "one" });
    const { conversation } = await native.ask(n, "join_room", { conversationId: room });
    native.assertConversation(conversation, { id: room, kind: "room", roomType: "support", unread: 1 });
    assertHas(conversation.context, { offerId: null, vehicleId: null, galleryAId: "ga", galleryBId: "gb" });
    const sent = await native.send(n, room, { content: "two" });
    assertHas(sent, { senderId: "un", senderParty: "gallery:gb", seq: 2 });
    const heard = await a.next("new_message");
    assert.equal(heard.roomId, room);
    assertHas(heard.message, { id: sent.id, sender_id: "un", content: "two", message_type: "text", read_at: null });
    assert.deepEqual([await ua.unread(room), await ub.unread(room)], [1, 1]);
    await native.ask(n, "mark_read", { conversationId: room });
    assertHas(await a.next("messages_read"), { roomId: room, userId: "un" });
    assert.equal(await ub.unread(room), 0);
    assert.equal((await ua.post(`/${room}/read`)).status, 200);
    assertHas(await n.next("message_read"), { conversationId: room, userId: "ua", lastReadSeq: 2 });
  }, TOKEN_MODE);

  each(AUTO_STORES, "a group of direct is a room of native and of starter", async (world) => {
    const d = await world.connect({ auth: { dialect: "direct", userId: "d" } });
    await d.ask("joinGroup", "crowd");
    const n = await native.person(world, "n");
    await native.ask(n, "join_room", "crowd");
    const t = await world.connect({ auth: { dialect: "starter", userId: "t" } });
    await t.ask("user_join", { username: "tekin", room: "crowd" });
    await native.settle(d, n, t);
    await d.ask("groupChat", { groupId: "crowd", messageContent: "one" });
    await native.send(n, "crowd", { content: "two" });
    await t.ask("send_message", { message: "three", room: "crowd" });
    const groupChats = await d.several("groupChat", 3);
    const expected = [["one", "crowd"], ["two", "crowd"], ["three", "crowd"]];
    assert.deepEqual(groupChats.map(({ messageContent, groupId }) => [messageContent, groupId]), expected);
    assert.deepEqual(groupChats.slice(0, 2).map(({ senderId }) => senderId), [d.id, "n"]);
    const messages = (await n.several("new_message", 3)).map(({ message }) => message);
    assert.deepEqual(messages.map(({ content, seq }) => [content, seq]), [["one", 1], ["two", 2], ["three", 3]]);
    assert.equal(messages[0].senderId, "d");
    const received = await t.several("receive_message", 3);
    assert.deepEqual(received.map(({ message, room }) => [message, room]), expected);
  });

  each(AUTO_STORES, "a reaction in starter is an update in native", async (world) => {
    const n = await native.person(world, "n");
    const d = await world.connect({ auth: { dialect: "direct", userId: "d" } });
    await d.ask("joinGroup", "crowd");
    await native.ask(n, "join_room", "crowd");
    const t = await world.connect({ auth: { dialect: "starter", userId: "t" } });
    await t.ask("user_join", { username: "tekin", room: "crowd" });
    await native.settle(n, t);
    const sent = await native.send(n, "crowd");
    const { id } = await t.next("receive_message");
    await t.ask("add_reaction", { messageId: id, reaction: "👍", room: "crowd" });
    await t.next("reaction_added");
    const { message } = await n.next("message_updated");
    native.assertMessage(message, { id: sent.id, seq: sent.seq, content: sent.content });
    assert.ok(message.rev > sent.rev, `rev ${message.rev} after ${sent.rev}`);
    assert.deepEqual(message.reactions.map(({ emoji, count }) => [emoji, count]), [["👍", 1]]);
    await t.ask("remove_reaction", { messageId: id, reaction: "👍", room: "crowd" });
    assert.deepEqual((await n.next("message_updated")).message.reactions, []);
  });

  each(AUTO_STORES, "who is removed by native hears nothing in any dialect", async (world) => {
    const owner = await native.person(world, "owner");
    const room = await native.newRoom(owner, { x: "MEMBER" });
    const d = await world.connect({ auth: { dialect: "direct", userId: "x" } });
    const m = await world.user("x");
    await m.ask("join_conversation", room);
    await native.send(owner, room, { content: "heard" });
    assertHas(await d.next("groupChat"), { groupId: room, messageContent: "heard", senderId: "owner" });
    assertHas(await m.next("new_message"), { conversationId: room, content: "heard", receiverId: null });
    await native.ask(owner, "remove_participant", { conversationId: room, userId: "x" });
    await native.send(owner, room, { content: "unheard" });
    await d.none("groupChat");
    await m.none("new_message");
  });
});
