// Conversations do not exist for those outside, and stop existing for those who leave (contract: native, sections 2, 3).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { eventually } from "../support/eventually.js";
import { BUSY, each } from "../support/matrix.js";
import {
  DIALECTS_AND_STORES, FULL, ONCE, STORES_ONLY, V1, ask, assertConversation, assertKeys, assertText, direct, fails, look, newRoom,
  pair, person, roomOf, rolesOf, send, sendMany, settle,
} from "../support/native.js";
import { CALLS, CONVERSATION_EVENTS, EVENTS, OPERATIONS, requestOf } from "../support/native_operations.js";
import { TTL_MAX_MS } from "../support/typing.js";

describe("outside", BUSY, () => {
  each(FULL, "N-09 a conversation of others does not exist, and they hear nothing", async (world) => {
    const { a, b, room } = await roomOf(world, { b: "MEMBER" });
    await send(a, room);
    const d = await direct(a, "b");
    const c = await person(world, "c");
    await settle(a, b, c);
    for (const conversationId of [room, d]) {
      const place = placeOf(conversationId, c);
      const unknown = placeOf("no-such-conversation", c);
      for (const { event, payload } of CONVERSATION_EVENTS) {
        const error = await fails(c, event, payload(place), "NOT_FOUND");
        // Not told apart from one that does not exist at all.
        assert.deepEqual(error, await fails(c, event, payload(unknown), "NOT_FOUND"));
      }
      for (const event of ["join_room", "leave_room"]) await fails(c, event, conversationId, "NOT_FOUND");
    }
    c.forget();
    await send(a, room);
    await send(b, d);
    await ask(a, "typing_start", { conversationId: room });
    await ask(a, "mark_read", { conversationId: room });
    await c.none();
    assert.deepEqual(rolesOf(await look(a, room)), { a: "OWNER", b: "MEMBER" });
    const heard = [...a.all("new_message"), ...b.all("new_message")].map(({ message }) => message.senderId);
    assert.equal(heard.includes("c"), false);
    assert.equal(b.all("typing").every(({ userId }) => userId === "a"), true);
    assert.equal(b.all("message_read").every(({ userId }) => userId === "a"), true);
  });

  each(DIALECTS_AND_STORES, "REST tells a conversation of others apart from none as little", async (world) => {
    const { a, b, c: conversationId } = await pair(world);
    await send(a, conversationId);
    await settle(a, b);
    const rest = V1.as(world, "c");
    const [place, unknown] = [conversationId, "no-such-conversation"].map((id) => placeOf(id, a));
    for (const operation of OPERATIONS.filter(({ call, about }) => call && about === "conversation")) {
      const error = await rest.fails(...requestOf(operation, place), "NOT_FOUND");
      const other = await rest.fails(...requestOf(operation, unknown), "NOT_FOUND");
      assert.equal(error.message, other.message);
    }
    await a.none();
    await b.none();
  });

  each(ONCE, "every event and call of the contract has a row in the table, and is known", async (world) => {
    assert.deepEqual(OPERATIONS.map(({ event }) => event).filter(Boolean).sort(), [...EVENTS].sort());
    assert.deepEqual(OPERATIONS.map(({ call }) => call).filter(Boolean).sort(), [...CALLS].sort());
    const a = await person(world, "a");
    for (const event of EVENTS) {
      const ack = await a.emitWithAck(event, { conversationId: {} });
      assert.notEqual(ack.error?.code, "UNKNOWN_EVENT", event);
    }
  });
});

describe("leaving", BUSY, () => {
  each(FULL, "N-11 who is removed is told, and hears nothing of the room from then on", async (world) => {
    const { a, b, c, room } = await roomOf(world, { b: "MEMBER", c: "MEMBER" });
    const tab = await person(world, "c");
    await settle(a, b, c, tab);
    assert.deepEqual(await ask(a, "remove_participant", { conversationId: room, userId: "c" }), {});
    for (const client of [c, tab]) {
      const told = await client.next("conversation_removed");
      assertKeys(told, ["conversationId", "reason"]);
      assert.equal(told.conversationId, room);
      assertText(told.reason);
    }
    const { conversation } = await b.next("conversation_updated");
    assertConversation(conversation, { id: room, participantCount: 2 });
    await settle(a, b, c, tab);
    await send(a, room);
    await ask(a, "typing_start", { conversationId: room });
    await ask(b, "mark_read", { conversationId: room });
    await ask(a, "update_room", { conversationId: room, name: "Without c" });
    await b.next("new_message");
    await c.none();
    await tab.none();
    for (const { event, payload } of CONVERSATION_EVENTS) await fails(c, event, payload(placeOf(room, c)), "NOT_FOUND");
    const late = await person(world, "c");
    assert.equal(late.session.unreadTotal, 0);
    assert.deepEqual((await ask(late, "list_conversations")).conversations, []);
  });

  each(DIALECTS_AND_STORES, "who leaves is told on every socket, and the others that they went", async (world) => {
    const { a, b, room } = await roomOf(world, { b: "MEMBER" });
    const tab = await person(world, "b");
    await settle(a, b, tab);
    assert.deepEqual(await V1.as(world, "b").ok("DELETE", `/conversations/${room}/participants/b`), {});
    for (const client of [b, tab]) {
      assert.equal((await client.next("conversation_removed")).conversationId, room);
      await client.none("conversation_removed");
      await client.none("conversation_updated");
    }
    assertConversation((await a.next("conversation_updated")).conversation, { id: room, participantCount: 1 });
    await a.none("conversation_removed");
  });

  each(STORES_ONLY, "unread messages of a room that is gone no longer count", async (world) => {
    const { a, b, room } = await roomOf(world, { b: "MEMBER" });
    const other = await newRoom(a, { b: "MEMBER" });
    for (const conversationId of [room, room, other]) await send(a, conversationId);
    await ask(a, "remove_participant", { conversationId: room, userId: "b" });
    await b.next("conversation_removed");
    assert.equal((await person(world, "b")).session.unreadTotal, 1);
    assert.equal((await ask(b, "mark_read", { conversationId: other })).unreadTotal, 0);
  });

  each(STORES_ONLY, "who comes back hears again, and finds the history", async (world) => {
    const { a, b, room } = await roomOf(world, { b: "MEMBER" });
    await ask(a, "remove_participant", { conversationId: room, userId: "b" });
    await send(a, room, { content: "meanwhile" });
    await settle(a, b);
    await ask(a, "add_participant", { conversationId: room, userId: "b" });
    assertConversation((await b.next("conversation_updated")).conversation, { id: room, role: "MEMBER" });
    await send(a, room, { content: "again" });
    assert.equal((await b.next("new_message")).message.content, "again");
    const { messages } = await ask(b, "history", { conversationId: room });
    assert.deepEqual(messages.map(({ content }) => content), ["meanwhile", "again"]);
  });

  each(STORES_ONLY, "who is removed while typing stops typing for the others", async (world) => {
    const { a, c, room } = await roomOf(world, { c: "MEMBER" });
    await ask(c, "typing_start", { conversationId: room });
    assert.equal((await a.next("typing")).isTyping, true);
    await ask(a, "remove_participant", { conversationId: room, userId: "c" });
    assert.equal((await a.next("typing", TTL_MAX_MS)).isTyping, false);
  });

  each(STORES_ONLY, "a removal between two sends is between them for everybody", async (world) => {
    const { a, c, room } = await roomOf(world, { c: "MEMBER" });
    const steps = [];
    for (let i = 1; i <= 40; i += 1) {
      steps.push(a.emitWithin(20_000, "send_message", { conversationId: room, content: `no ${i}` }));
      if (i === 20) steps.push(a.emitWithin(20_000, "remove_participant", { conversationId: room, userId: "c" }));
    }
    const acks = await Promise.all(steps);
    assert.equal(acks.every(({ ok }) => ok), true);
    await c.next("conversation_removed");
    await c.none("conversation_removed");
    const contents = c.all("new_message").map(({ message }) => message.content);
    assert.deepEqual(contents, Array.from({ length: 20 }, (_, i) => `no ${i + 1}`));
    const order = c.order.filter((name) => ["new_message", "conversation_removed"].includes(name));
    assert.equal(order.at(-1), "conversation_removed");
  });

  each(STORES_ONLY, "a marker of somebody who is being removed stands where it stood, or they are refused", async (world) => {
    const { a, c, room } = await roomOf(world, { c: "MEMBER" });
    await sendMany(a, room, 3);
    await settle(a, c);
    for (let i = 1; i <= 20; i += 1) {
      const mark = () => c.emitWithAck("mark_read", { conversationId: room });
      // Another server may let them in a moment later.
      await eventually(async () => assert.equal((await mark()).data?.lastReadSeq, 3));
      const removed = ask(a, "remove_participant", { conversationId: room, userId: "c" });
      for (const answer of await Promise.all(Array.from({ length: 10 }, mark))) {
        if (answer.ok) assert.equal(answer.data.lastReadSeq, 3);
        else assert.equal(answer.error.code, "NOT_FOUND");
      }
      await removed;
      await ask(a, "add_participant", { conversationId: room, userId: "c", role: "MEMBER" });
    }
  });
});

/** What the operations of the table are done to. */
function placeOf(c, client) {
  return { c, member: "b", newcomer: "newcomer", epoch: client.session.epoch, tokenId: "none" };
}
