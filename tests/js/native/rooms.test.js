// Rooms: making, changing, opening and leaving them on a screen (contract: native, sections 2 and 3).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BUSY, each } from "../support/matrix.js";
import {
  AUTO_STORES, DIALECTS_AND_STORES, NOT_HERE, STORES_ONLY, V1, ask, assertConversation, assertKeys, assertMessage,
  assertParticipant, fails, look, newRoom, pair, person, range, roomOf, rolesOf, send, sendMany, settle,
} from "../support/native.js";

describe("making rooms", BUSY, () => {
  each(DIALECTS_AND_STORES, "the creator owns the room and the others are told", async (world) => {
    const [a, b, c] = [await person(world, "a"), await person(world, "b"), await person(world, "c")];
    const data = await ask(a, "create_room", { name: "Tea ☕", description: "Black, no sugar", userIds: ["b", "c", "b", "a"] });
    assertKeys(data, ["conversation"]);
    assertConversation(data.conversation, {
      kind: "room", name: "Tea ☕", description: "Black, no sugar", roomType: "group", isActive: true, context: null,
      participantCount: 3, lastMessage: null, lastSeq: 0, unread: 0, role: "OWNER",
    });
    assert.deepEqual(rolesOf(data.conversation), { a: "OWNER", b: "MEMBER", c: "MEMBER" });
    for (const client of [b, c]) {
      const told = await client.next("conversation_updated");
      assertConversation(told.conversation, { id: data.conversation.id, name: "Tea ☕", role: "MEMBER", participantCount: 3 });
    }
    await send(b, data.conversation.id);
    for (const client of [a, b, c]) assert.equal((await client.next("new_message")).message.content, "hi");
  });

  each(STORES_ONLY, "a room needs a name and nothing else", async (world) => {
    const a = await person(world, "a");
    const { conversation } = await ask(a, "create_room", { name: "x" });
    assertConversation(conversation, { description: null, participantCount: 1, role: "OWNER" });
    for (const payload of [{}, { name: "" }, { name: null }, { name: 5 }, { name: "a\0b" }, { description: "only" }]) {
      await fails(a, "create_room", payload, "INVALID_PAYLOAD");
      await V1.as(world, "a").fails("POST", "/rooms", payload, "INVALID_PAYLOAD");
    }
    for (const more of [
      { userIds: "b" }, { userIds: [null] }, { userIds: [{}] }, { description: 5 }, { key: {} }, { key: "a\0b" },
    ]) {
      await fails(a, "create_room", { name: "x", ...more }, "INVALID_PAYLOAD");
    }
    await fails(a, "create_room", { name: "x".repeat(10_000) }, "INVALID_PAYLOAD", "TOO_LARGE");
    assert.equal((await ask(a, "list_conversations")).conversations.length, 1);
  });

  each(STORES_ONLY, "with a key a room is made once, also by five sockets at once", async (world) => {
    const sockets = await Promise.all(range(1, 5).map(() => person(world, "a")));
    const made = await Promise.all(sockets.map((client, i) => ask(client, "create_room", { name: `No ${i}`, key: "team-7" })));
    const ids = made.map(({ conversation }) => conversation.id);
    assert.equal(new Set(ids).size, 1);
    const again = await V1.as(world, "a").ok("POST", "/rooms", { name: "Another name", key: "team-7", userIds: ["x"] });
    assert.equal(again.conversation.id, ids[0]);
    assert.equal(new Set(made.map(({ conversation }) => conversation.name)).size, 1);
    const other = await ask(sockets[0], "create_room", { name: "x", key: "team-8" });
    assert.notEqual(other.conversation.id, ids[0]);
  });

  each(STORES_ONLY, "a key is the caller's own: nobody gets into a room by guessing it", async (world) => {
    const a = await person(world, "a");
    const b = await person(world, "b");
    const mine = await ask(a, "create_room", { name: "Mine", key: "k" });
    const theirs = await ask(b, "create_room", { name: "Theirs", key: "k" });
    assert.notEqual(theirs.conversation.id, mine.conversation.id);
    await fails(b, "join_room", { conversationId: mine.conversation.id }, "NOT_FOUND");
  });

  each(STORES_ONLY, "without a key two rooms may have one name", async (world) => {
    const a = await person(world, "a");
    assert.notEqual(await newRoom(a), await newRoom(a));
  });
});

describe("changing rooms", BUSY, () => {
  each(DIALECTS_AND_STORES, "every participant hears of the change, each with the own view", async (world) => {
    const { a, b, room } = await roomOf(world, { b: "ADMIN", c: "MEMBER" });
    await send(a, room);
    await settle(a, b);
    const data = await ask(b, "update_room", { conversationId: room, name: "New", description: "Why", isActive: false });
    assertKeys(data, ["conversation"]);
    const change = { id: room, name: "New", description: "Why", isActive: false };
    assertConversation(data.conversation, { ...change, role: "ADMIN", unread: 1 });
    const { conversation } = await a.next("conversation_updated");
    assertConversation(conversation, { ...change, role: "OWNER", unread: 0 });
    await a.none("conversation_updated");
  });

  each(STORES_ONLY, "what is not named stays, and a description can be taken away", async (world) => {
    const { a, room } = await roomOf(world);
    await ask(a, "update_room", { conversationId: room, name: "N", description: "D" });
    await ask(a, "update_room", { conversationId: room, isActive: false });
    assertConversation(await look(a, room), { name: "N", description: "D", isActive: false });
    await ask(a, "update_room", { conversationId: room, description: null, isActive: true });
    assertConversation(await look(a, room), { name: "N", description: null, isActive: true });
    const { conversation } = await V1.as(world, "a").ok("PATCH", `/conversations/${room}`, { name: "By REST" });
    assertConversation(conversation, { id: room, name: "By REST" });
  });

  each(STORES_ONLY, "bad changes change nothing", async (world) => {
    const { a, room } = await roomOf(world);
    for (const change of [
      { name: "" }, { name: 5 }, { name: "a\0b" }, { description: {} }, { description: "a\0b" }, { isActive: "yes" },
    ]) {
      await fails(a, "update_room", { conversationId: room, ...change }, "INVALID_PAYLOAD");
      await V1.as(world, "a").fails("PATCH", `/conversations/${room}`, change, "INVALID_PAYLOAD");
    }
    await fails(a, "update_room", { conversationId: room, name: "x".repeat(10_000) }, "INVALID_PAYLOAD", "TOO_LARGE");
    assertConversation(await look(a, room), { name: "The room", description: null, isActive: true });
  });

  each(STORES_ONLY, "a direct conversation is no room", async (world) => {
    const { a, b, c } = await pair(world);
    await fails(a, "update_room", { conversationId: c, name: "x" }, ...NOT_HERE);
    await fails(a, "add_participant", { conversationId: c, userId: "x" }, ...NOT_HERE);
    await fails(a, "remove_participant", { conversationId: c, userId: "b" }, ...NOT_HERE);
    await fails(a, "set_role", { conversationId: c, userId: "a", role: "OWNER" }, ...NOT_HERE);
    await a.none();
    await b.none();
    assertConversation(await look(a, c), { kind: "direct", name: "Bob", participantCount: 2 });
  });
});

describe("rooms on a screen", BUSY, () => {
  each(DIALECTS_AND_STORES, "opening gives the newest fifty, oldest first, and who is there", async (world) => {
    const { a, b, room } = await roomOf(world, { b: "MEMBER" });
    await sendMany(a, room, 60);
    for (const payload of [{ conversationId: room }, room]) {
      const data = await ask(b, "join_room", payload);
      assertKeys(data, ["conversation", "messages", "participants"]);
      assertConversation(data.conversation, { id: room, lastSeq: 60, unread: 60 });
      assert.deepEqual(data.messages.map(({ seq }) => seq), range(11, 60));
      for (const message of data.messages) assertMessage(message, { conversationId: room, clientMessageId: null });
      for (const participant of data.participants) assertParticipant(participant);
      assert.deepEqual(data.participants, data.conversation.participants);
    }
  });

  each(STORES_ONLY, "a direct conversation can be opened as well, with a numeric id too", async (world) => {
    const { a, c } = await pair(world);
    assert.equal((await ask(a, "join_room", c)).conversation.kind, "direct");
    await fails(a, "join_room", 4711, "NOT_FOUND");
    await fails(a, "join_room", { conversationId: 4711 }, "NOT_FOUND");
  });

  each(STORES_ONLY, "opening twice does not deliver twice", async (world) => {
    const { a, b, room } = await roomOf(world, { b: "MEMBER" });
    await ask(b, "join_room", room);
    await ask(b, "join_room", { conversationId: room });
    await send(a, room);
    await b.next("new_message");
    await b.none("new_message");
  });

  each(DIALECTS_AND_STORES, "leave_room stops live events on this socket only, until it joins again", async (world) => {
    const { a, b, room } = await roomOf(world, { b: "MEMBER" });
    const other = await newRoom(a, { b: "MEMBER" });
    const tab = await person(world, "b");
    await settle(a, b, tab);
    for (const payload of [{ conversationId: room }, room]) assert.deepEqual(await ask(b, "leave_room", payload), {});
    await send(a, room, { content: "unheard" });
    await ask(a, "typing_start", { conversationId: room });
    await ask(a, "update_room", { conversationId: room, name: "New" });
    assert.equal((await tab.next("new_message")).message.content, "unheard");
    await b.none("new_message");
    await b.none("typing");
    await b.none("conversation_updated");
    await send(a, other, { content: "heard" });
    assert.equal((await b.next("new_message")).message.content, "heard");
    const { conversation, messages } = await ask(b, "join_room", room);
    assertConversation(conversation, { role: "MEMBER", unread: 1, participantCount: 2 });
    assert.deepEqual(messages.map(({ content }) => content), ["unheard"]);
    await send(a, room, { content: "heard again" });
    assert.equal((await b.next("new_message")).message.content, "heard again");
    assert.equal((await look(a, room)).participantCount, 2);
  });

  each(STORES_ONLY, "who left on one socket may still send and read there", async (world) => {
    const { a, b, room } = await roomOf(world, { b: "MEMBER" });
    await ask(b, "leave_room", room);
    const { seq } = await send(b, room);
    assert.equal((await a.next("new_message")).message.seq, seq);
    assert.equal((await ask(b, "history", { conversationId: room })).messages.length, 1);
  });

  each(AUTO_STORES, "anybody may join a room that is open, and takes part from then on", async (world) => {
    const host = await world.connect({ auth: { dialect: "direct", userId: "host" } });
    await host.ask("joinGroup", "open-group");
    const n = await person(world, "n");
    await fails(n, "join_room", "closed-group", "NOT_FOUND");
    const { conversation } = await ask(n, "join_room", "open-group");
    assertConversation(conversation, { id: "open-group", kind: "room", role: "MEMBER", participantCount: 2 });
    host.emit("groupChat", { groupId: "open-group", messageContent: "welcome" });
    assert.equal((await n.next("new_message")).message.content, "welcome");
    await send(n, "open-group", { content: "thanks" });
    assert.equal((await host.several("groupChat", 2)).at(-1).messageContent, "thanks");
    assert.equal((await ask(n, "list_conversations")).conversations.length, 1);
  });
});
