// Read marks and unread counts (contract: native, sections 2 and 3).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BUSY, each } from "../support/matrix.js";
import { assertHas, assertIso } from "../support/messages.js";
import {
  DIALECTS_AND_STORES, FULL, STORES_ONLY, V1, ask, assertKeys, counted, direct, fails, look, newRoom, pair, person,
  roomOf, send, sendMany, settle,
} from "../support/native.js";

const RECEIPT_KEYS = ["conversationId", "lastReadSeq", "unread", "unreadTotal"];

describe("reading", BUSY, () => {
  each(FULL, "N-08 a read mark never goes back, and is heard once", async (world) => {
    const { a, b, c } = await pair(world);
    const tab = await person(world, "b");
    await sendMany(a, c, 6);
    await Promise.all([counted(b, c, 6), counted(tab, c, 6)]);
    await settle(a, b, tab);
    const receipt = { conversationId: c, lastReadSeq: 5, unread: 1, unreadTotal: 1 };
    assert.deepEqual(await ask(b, "mark_read", { conversationId: c, upTo: 5 }), receipt);
    const read = await a.next("message_read");
    assertKeys(read, ["conversationId", "userId", "lastReadSeq", "readAt"]);
    assertHas(read, { conversationId: c, userId: "b", lastReadSeq: 5 });
    assertIso(read.readAt);
    assert.deepEqual(await counted(tab, c, 1), { conversationId: c, unread: 1, unreadTotal: 1 });
    await a.none(); // one mark, told once
    await settle(a, b, tab);
    assert.deepEqual(await ask(b, "mark_read", { conversationId: c, upTo: 3 }), receipt);
    for (const client of [a, b, tab]) await client.none();
  });

  each(DIALECTS_AND_STORES, "without a position everything is read, and twice is once", async (world) => {
    const { a, b, c } = await pair(world);
    await sendMany(a, c, 3);
    await settle(a, b);
    const receipt = { conversationId: c, lastReadSeq: 3, unread: 0, unreadTotal: 0 };
    assert.deepEqual(await ask(b, "mark_read", { conversationId: c }), receipt);
    assert.deepEqual(await ask(b, "mark_read", { conversationId: c }), receipt);
    assert.equal((await a.next("message_read")).lastReadSeq, 3);
    await a.none("message_read");
  });

  each(DIALECTS_AND_STORES, "REST reads the same way", async (world) => {
    const { a, b, c } = await pair(world);
    await sendMany(a, c, 4);
    await counted(b, c, 4);
    await settle(a, b);
    const rest = V1.as(world, "b");
    const receipt = await rest.ok("POST", `/conversations/${c}/read`, { upTo: 2 });
    assert.deepEqual(receipt, { conversationId: c, lastReadSeq: 2, unread: 2, unreadTotal: 2 });
    assertHas(await a.next("message_read"), { userId: "b", lastReadSeq: 2 });
    assert.deepEqual(await counted(b, c, 2), { conversationId: c, unread: 2, unreadTotal: 2 });
    assertHas(await rest.ok("POST", `/conversations/${c}/read`, {}), { lastReadSeq: 4, unread: 0 });
    for (const upTo of [-1, 1.5, "x", {}]) await rest.fails("POST", `/conversations/${c}/read`, { upTo }, "INVALID_PAYLOAD");
  });

  each(STORES_ONLY, "everybody sees how far everybody has read", async (world) => {
    const { a, b, c, room } = await roomOf(world, { b: "MEMBER", c: "MEMBER" });
    await sendMany(a, room, 5);
    await settle(a, b, c);
    await ask(b, "mark_read", { conversationId: room, upTo: 2 });
    await ask(c, "mark_read", { conversationId: room });
    const read = (await a.several("message_read", 2)).map(({ userId, lastReadSeq }) => [userId, lastReadSeq]);
    assert.deepEqual(read, [["b", 2], ["c", 5]]);
    assertHas(await b.next("message_read"), { conversationId: room });
    const marks = Object.fromEntries((await look(a, room)).participants.map(({ userId, lastReadSeq }) => [userId, lastReadSeq]));
    assert.deepEqual([marks.b, marks.c], [2, 5]);
    assertHas(await look(b, room), { lastReadSeq: 2, unread: 3 });
  });

  each(STORES_ONLY, "a mark cannot be set on messages that do not exist yet", async (world) => {
    const { a, b, c } = await pair(world);
    await sendMany(a, c, 2);
    const ack = await b.emitWithAck("mark_read", { conversationId: c, upTo: 1000 });
    if (ack.ok) assertHas(ack.data, { lastReadSeq: 2, unread: 0 });
    else assert.equal(ack.error.code, "INVALID_PAYLOAD");
    await ask(b, "mark_read", { conversationId: c });
    await send(a, c);
    assertHas(await look(b, c), { lastReadSeq: 2, unread: 1 });
    for (const upTo of [-1, 1.5, "x", {}, [], true, 2 ** 53]) {
      await fails(b, "mark_read", { conversationId: c, upTo }, "INVALID_PAYLOAD");
    }
  });
});

describe("unread", BUSY, () => {
  each(DIALECTS_AND_STORES, "counts are exact over all conversations, own messages never count", async (world) => {
    const { a, b, c } = await pair(world);
    const room = await newRoom(a, { b: "MEMBER", x: "MEMBER" });
    const x = await person(world, "x");
    const d = await direct(x, "b");
    await sendMany(a, c, 3);
    await sendMany(a, room, 2);
    await sendMany(x, room, 2);
    await send(x, d);
    await send(b, c);
    await send(b, room);
    const tab = await person(world, "b");
    assert.equal(tab.session.unreadTotal, 8);
    assert.deepEqual(await unreadOf(tab), { [c]: 3, [room]: 4, [d]: 1 });
    await settle(tab, b);
    const receipt = await ask(b, "mark_read", { conversationId: room });
    assertKeys(receipt, RECEIPT_KEYS);
    assertHas(receipt, { unread: 0, unreadTotal: 4 });
    assert.deepEqual(await counted(tab, room, 0), { conversationId: room, unread: 0, unreadTotal: 4 });
    assertHas(await ask(b, "mark_read", { conversationId: c, upTo: 1 }), { unread: 2, unreadTotal: 3 });
    assert.deepEqual(await counted(tab, c, 2), { conversationId: c, unread: 2, unreadTotal: 3 });
    assert.deepEqual(await unreadOf(tab), { [c]: 2, [room]: 0, [d]: 1 });
    assert.equal((await person(world, "a")).session.unreadTotal, 4); // b's two and x's two
  });

  each(STORES_ONLY, "only the reader's own sockets are told the counts", async (world) => {
    const { a, b, c } = await pair(world);
    const x = await person(world, "x");
    await send(a, c);
    await settle(a, b, x);
    await ask(b, "mark_read", { conversationId: c });
    await a.next("message_read");
    await a.none("unread");
    await x.none();
  });

  each(STORES_ONLY, "marks from many sockets at once end at the highest", async (world) => {
    const { a, b, c } = await pair(world);
    await sendMany(a, c, 20);
    const tabs = [b, await person(world, "b"), await person(world, "b")];
    await settle(a, ...tabs);
    const marks = Array.from({ length: 18 }, (_, i) => ((i * 7) % 18) + 1);
    const receipts = await Promise.all(marks.map((upTo, i) => ask(tabs[i % 3], "mark_read", { conversationId: c, upTo })));
    for (const [i, receipt] of receipts.entries()) {
      assert.ok(receipt.lastReadSeq >= marks[i], `${receipt.lastReadSeq} after ${marks[i]}`);
      assert.equal(receipt.unread, 20 - receipt.lastReadSeq);
    }
    assertHas(await look(b, c), { lastReadSeq: 18, unread: 2 });
    await a.none("(nothing has this name)");
    const heard = a.all("message_read").map(({ lastReadSeq }) => lastReadSeq);
    assert.deepEqual(heard, [...new Set(heard)].sort((one, other) => one - other), "never back, never twice");
    assert.equal(heard.at(-1), 18);
  });

  each(STORES_ONLY, "a conversation that came later counts too, and a message while away", async (world) => {
    const { a, b, c } = await pair(world);
    b.close();
    await send(a, c);
    const room = await newRoom(a, { b: "MEMBER" });
    await sendMany(a, room, 2);
    const again = await person(world, "b");
    assert.equal(again.session.unreadTotal, 3);
    await ask(again, "mark_read", { conversationId: c });
    assert.equal((await person(world, "b")).session.unreadTotal, 2);
  });
});

/** Unread messages by conversation. */
async function unreadOf(client) {
  const { conversations } = await ask(client, "list_conversations");
  return Object.fromEntries(conversations.map(({ id, unread }) => [id, unread]));
}
