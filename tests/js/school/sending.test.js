// `new_message` and `mark_as_read` beyond the numbered cases (contract: school, sections 2 to 4).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BUSY, each } from "../support/matrix.js";
import { MAX_TEXT_BYTES } from "../support/answers.js";
import { assertError, assertHas } from "../support/messages.js";
import {
  DIALECTS_AND_STORES, FULL, STORES_ONLY, assertMessage, classroom, debugRows, draft, draftWithout, history, markRead, person,
  post, restOf, send, unreadCount,
} from "../support/school.js";

const PATIENCE_MS = 30_000;

describe("school sending", BUSY, () => {
  each(FULL, "a message to oneself gives both events, the ack between them", async (world) => {
    const { t } = await classroom(world);
    const t2 = await person(world, 1, "teacher");
    const ack = await t.ask("new_message", draft({ recipientRole: "teacher" }));
    assert.deepEqual(await t.next("message_received"), ack.message);
    assert.deepEqual(t.order, ["message_sent", "ack new_message", "message_received"]);
    assert.deepEqual(await t.next("message_sent"), ack.message);
    assert.deepEqual(await t2.next("message_received"), ack.message);
    await t2.none();
    await t.none();
  });

  each(DIALECTS_AND_STORES, "every call is answered by one event, in the order of the calls", async (world) => {
    const { t, s } = await classroom(world);
    const n = 30;
    const isGood = (i) => i % 3 !== 1;
    for (let i = 0; i < n; i += 1) t.emit("new_message", isGood(i) ? draft({ content: `${i}` }) : draftWithout("recipientRole"));
    await t.several("message_sent", n * (2 / 3));
    await t.several("message_error", n / 3);
    const expected = Array.from({ length: n }, (_, i) => (isGood(i) ? "message_sent" : "message_error"));
    assert.deepEqual(t.order, expected);
    await t.none();
    const good = Array.from({ length: n }, (_, i) => `${i}`).filter((i) => isGood(Number(i)));
    assert.deepEqual((await s.several("message_received", good.length)).map(({ content }) => content), good);
    await s.none();
  });

  each(STORES_ONLY, "messages of both sides reach every socket in the order in which they were stored", async (world) => {
    const { t, s } = await classroom(world);
    const t2 = await person(world, 1, "teacher");
    const n = 50;
    const say = (client, fields) => client.emitWithin(PATIENCE_MS, "new_message", draft(fields));
    const replies = { senderRole: "student", recipientRole: "teacher" };
    const all = Array.from({ length: n }, (_, i) => [say(t, { content: `${i}` }), say(s, { ...replies, content: `${i}` })]);
    await Promise.all(all.flat());
    const seqs = (await t2.several("message_received", 2 * n, PATIENCE_MS)).map(({ seq }) => seq);
    assert.deepEqual(seqs, Array.from({ length: 2 * n }, (_, i) => i + 1));
    assert.deepEqual((await history(restOf(world, 1, "teacher"), 1, 1)).map(({ seq }) => seq), seqs);
  });

  each(DIALECTS_AND_STORES, "in development the sender is who the message says", async (world) => {
    const { t, s } = await classroom(world);
    const five = await person(world, 5, "teacher");
    t.emit("new_message", draft({ senderId: 5 }));
    const sent = await t.next("message_sent");
    assertMessage(sent, { senderId: 5 });
    for (const client of [five, s]) assert.deepEqual(await client.next("message_received"), sent);
    await t.none();
  });

  each(DIALECTS_AND_STORES, "event, ack, history and rows carry one position", async (world) => {
    const { t, s } = await classroom(world);
    const first = await send(t, { content: "one" });
    const second = await send(t, { content: "two" });
    const positions = [first, second].map(position);
    assert.deepEqual(positions.map(({ seq }) => seq), [1, 2]);
    assert.ok(second.rev > first.rev);
    assert.deepEqual((await s.several("message_received", 2)).map(position), positions);
    const rest = restOf(world, 1, "teacher");
    const stored = await history(rest, 1, 1);
    assert.deepEqual(stored.map(position), positions);
    assert.deepEqual(stored.map(({ timestamp }) => timestamp), [first.timestamp, second.timestamp]);
    assert.deepEqual((await debugRows(rest, 1, 1)).map(position), positions);
  });

  each(STORES_ONLY, "nothing is replayed to who was away", async (world) => {
    const t = await person(world, 1, "teacher");
    const { id } = await send(t);
    const s = await world.connect();
    await s.ask("authenticate", { userId: 1, role: "student" });
    await s.none("message_received");
    assert.deepEqual((await history(restOf(world, 1, "student"), 1, 1, "student")).map((message) => message.id), [id]);
  });

  each(STORES_ONLY, "text arrives unchanged, up to 65,536 bytes and no more", async (world) => {
    const { t, s } = await classroom(world);
    for (const content of [" ", "ğüşİ 👩‍👩‍👧\r\n\t<b>&amp;</b>", "ü".repeat(MAX_TEXT_BYTES / 2)]) {
      await send(t, { content });
      assert.equal((await s.next("message_received")).content, content);
    }
    t.forget();
    for (const [content, code] of [["x".repeat(MAX_TEXT_BYTES + 1), "TOO_LARGE"], ["a\0b", "INVALID_PAYLOAD"]]) {
      const ack = await t.emitWithAck("new_message", draft({ content }));
      assertError(ack, code);
      assert.deepEqual(await t.next("message_error"), { error: ack.error.message });
      await t.none();
    }
    await s.none();
  });

  each(STORES_ONLY, "further keys are no fault", async (world) => {
    const { t, s } = await classroom(world);
    await send(t, { timestamp: "2001-01-01T00:00:00.000Z", id: "mine", isRead: true, nested: { deep: [1] } });
    const message = await s.next("message_received");
    assertMessage(message);
    assert.notEqual(message.timestamp.slice(0, 4), "2001");
    assert.equal(await unreadCount(restOf(world, 1, "student")), 1);
  });
});

describe("school repeats", BUSY, () => {
  for (const key of ["clientMessageId", "clientId", "client_offset"]) {
    each(DIALECTS_AND_STORES, `a repeated ${key} gives the first message again`, async (world) => {
      const { t, s } = await classroom(world);
      const first = await t.ask("new_message", draft({ [key]: "the-same" }));
      const again = await t.ask("new_message", draft({ [key]: "the-same", content: "another text" }));
      assert.equal("duplicate" in first, false);
      assert.equal(again.duplicate, true);
      assertHas(again.message, { id: first.message.id, seq: first.message.seq, content: "hi" });
      assert.deepEqual((await t.several("message_sent", 2)).map(({ id }) => id), [first.message.id, first.message.id]);
      await s.next("message_received");
      await s.none();
      assert.equal((await history(restOf(world, 1, "teacher"), 1, 1)).length, 1);
    });
  }

  each(STORES_ONLY, "a client id belongs to its sender and its conversation, whatever the socket", async (world) => {
    const { t, s } = await classroom(world);
    const t2 = await person(world, 1, "teacher");
    const id = { clientMessageId: "shared" };
    const all = [
      await send(t, id),
      await send(t, { ...id, recipientId: 2 }),
      await send(t, { ...id, recipientRole: "parent" }),
      await send(s, { ...id, senderRole: "student", recipientRole: "teacher" }),
    ];
    assert.equal(new Set(all.map((message) => message.id)).size, all.length);
    assert.equal((await send(t2, id)).id, all[0].id);
  });

  each(STORES_ONLY, "a client id outlives a restart", async (world) => {
    const t = await person(world, 1, "teacher");
    const { id } = await send(t, { clientMessageId: "c-1" });
    t.close();
    await world.server.stop();
    await world.server.start();
    world.rest.url = world.server.url;
    const again = await person(world, 1, "teacher");
    assert.equal((await send(again, { clientMessageId: "c-1" })).id, id);
    assert.equal((await history(restOf(world, 1, "teacher"), 1, 1)).length, 1);
  });

  each(STORES_ONLY, "equal messages without a client id are two messages", async (world) => {
    const { t, s } = await classroom(world);
    assert.notEqual((await send(t)).id, (await send(t)).id);
    await post(restOf(world, 1, "teacher"));
    assert.equal(new Set((await s.several("message_received", 3)).map(({ id }) => id)).size, 3);
  });
});

describe("school marks", BUSY, () => {
  each(FULL, "only the recipient may mark a message", async (world) => {
    const { t, s } = await classroom(world);
    const { id: messageId } = await send(t);
    const others = [t, await person(world, 2, "student"), await person(world, 1, "parent")];
    for (const client of others) {
      client.forget();
      assertError(await client.emitWithAck("mark_as_read", { messageId }), "FORBIDDEN");
      await client.none();
    }
    const rest = restOf(world, 1, "student");
    assert.equal(await unreadCount(rest), 1);
    await s.ask("mark_as_read", { messageId });
    assert.equal(await unreadCount(rest), 0);
    assert.equal(await markRead(rest, [messageId]), 0);
  });

  each(FULL, "a socket that never authenticated is trusted in development", async (world) => {
    const messageId = await post(restOf(world, 1, "teacher"));
    const x = await world.connect();
    x.emit("mark_as_read", { messageId });
    assert.deepEqual(await x.next("message_marked_read"), { messageId });
    await x.none();
    assert.equal(await unreadCount(restOf(world, 1, "student")), 0);
  });

  each(STORES_ONLY, "other messages stay unread", async (world) => {
    const { t, s } = await classroom(world);
    const ids = [];
    for (let i = 0; i < 3; i += 1) ids.push((await send(t, { content: `${i}` })).id);
    await s.ask("mark_as_read", { messageId: ids[1] });
    const rows = await debugRows(restOf(world, 1, "teacher"), 1, 1);
    assert.deepEqual(rows.map(({ isRead }) => isRead), [false, true, false]);
    assert.equal(await unreadCount(restOf(world, 1, "student")), 2);
  });
});

function position({ id, seq, rev }) {
  return { id, seq, rev };
}
