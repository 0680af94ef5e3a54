// Counts and changes that come by themselves (contract: native, section 3).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BUSY, each } from "../support/matrix.js";
import {
  DIALECTS_AND_STORES, STORES_ONLY, V1, ask, assertKeys, counted, direct, newRoom, pair, person, roomOf, send, sendMany, settle,
} from "../support/native.js";

describe("unread pushed", BUSY, () => {
  each(DIALECTS_AND_STORES, "a message raises the count of every receiver, and not of its sender", async (world) => {
    const { a, b, c, room } = await roomOf(world, { b: "MEMBER", c: "MEMBER" });
    const tab = await person(world, "b");
    await settle(a, b, c, tab);
    await send(a, room);
    for (const client of [b, tab, c]) {
      const unread = await client.next("unread");
      assertKeys(unread, ["conversationId", "unread", "unreadTotal"]);
      assert.deepEqual(unread, { conversationId: room, unread: 1, unreadTotal: 1 });
    }
    await a.none("unread");
  });

  each(STORES_ONLY, "a burst is counted a few times, and the last count is exact", async (world) => {
    const { a, b, c } = await pair(world);
    const room = await newRoom(a, { b: "MEMBER" });
    await settle(a, b);
    await Promise.all([sendMany(a, c, 200), sendMany(a, room, 100)]);
    while ((await b.next("unread")).unreadTotal < 300);
    await b.none("(nothing has this name)");
    const counts = b.all("unread");
    assert.ok(counts.length < 60, `${counts.length} counts for 300 messages`);
    const last = (id) => counts.findLast(({ conversationId }) => conversationId === id);
    assert.equal(last(c).unread, 200);
    assert.equal(last(room).unread, 100);
    assert.equal(counts.at(-1).unreadTotal, 300);
  });

  each(STORES_ONLY, "reading elsewhere lowers the count everywhere", async (world) => {
    const { a, b, c } = await pair(world);
    await sendMany(a, c, 5);
    await counted(b, c, 5);
    await settle(a, b);
    await V1.as(world, "b").ok("POST", `/conversations/${c}/read`, { upTo: 3 });
    assert.deepEqual(await counted(b, c, 2), { conversationId: c, unread: 2, unreadTotal: 2 });
  });

  each(STORES_ONLY, "a socket that left a conversation still has the badge of its user", async (world) => {
    const { a, b, room } = await roomOf(world, { b: "MEMBER" });
    await ask(b, "leave_room", room);
    await send(a, room);
    assert.deepEqual(await b.next("unread"), { conversationId: room, unread: 1, unreadTotal: 1 });
    await b.none("new_message");
  });
});

describe("changes pushed", BUSY, () => {
  each(STORES_ONLY, "many changes at once end with the newest for everybody", async (world) => {
    const { a, b, room } = await roomOf(world, { b: "ADMIN" });
    const tab = await person(world, "a");
    await settle(a, b, tab);
    const rename = (client, i) => ask(client, "update_room", { conversationId: room, name: `no ${i}` });
    await Promise.all(Array.from({ length: 20 }, (_, i) => rename([a, b, tab][i % 3], i)));
    const { conversation } = await ask(a, "join_room", room);
    for (const client of [a, b, tab]) {
      await client.none("(nothing has this name)");
      assert.equal(client.all("conversation_updated").at(-1).conversation.name, conversation.name);
    }
  });

  each(STORES_ONLY, "the answer comes before what was done is heard on the same socket", async (world) => {
    const a = await person(world, "a");
    const room = await newRoom(a, { b: "MEMBER" });
    await direct(a, "c");
    await ask(a, "update_room", { conversationId: room, name: "New" });
    await ask(a, "remove_participant", { conversationId: room, userId: "b" });
    await a.none("(nothing has this name)");
    const heard = a.order.filter((name) => name === "conversation_updated" || name.startsWith("ack "));
    const updated = "conversation_updated";
    const acks = ["create_room", "create_conversation", "update_room", "remove_participant"];
    assert.deepEqual(heard, acks.flatMap((word) => [`ack ${word}`, updated]));
  });
});
