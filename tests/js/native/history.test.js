// Paging through a conversation by `seq` (contract: native, section 2).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BUSY, each } from "../support/matrix.js";
import {
  DIALECTS_AND_STORES, FULL, STORES_ONLY, V1, ask, assertKeys, assertMessage, fails, pair, range, roomOf, send, sendMany,
  settle,
} from "../support/native.js";

const N = 120;
/** What is asked for, and what comes: first and last `seq`. */
const PAGES = [
  [{}, 71, 120],
  [{ limit: 100 }, 21, 120],
  [{ limit: 1 }, 120, 120],
  [{ before: 121 }, 71, 120],
  [{ before: 1000 }, 71, 120],
  [{ before: 71 }, 21, 70],
  [{ before: 51 }, 1, 50],
  [{ before: 21 }, 1, 20],
  [{ before: 2 }, 1, 1],
  [{ before: 60, limit: 3 }, 57, 59],
  [{ after: 0 }, 1, 50],
  [{ after: 50, limit: 70 }, 51, 120],
  [{ after: 50, limit: 69 }, 51, 119],
  [{ after: 118 }, 119, 120],
  [{ after: 119, limit: 1 }, 120, 120],
  [{ after: 3, limit: 2 }, 4, 5],
];
/** As above, and nothing comes: what lies before and after. */
const EMPTY_PAGES = [
  [{ before: 1 }, false, true],
  [{ after: 120 }, true, false],
  [{ after: 1000 }, true, false],
];
const BAD = [0, -1, 101, 1.5, "x", {}, [], true].map((limit) => ({ limit }));
const BAD_POSITIONS = [-1, 1.5, "x", {}, [], true, 2 ** 53].flatMap((seq) => [{ before: seq }, { after: seq }, { around: seq }]);

describe("history", BUSY, () => {
  each(FULL, "N-12 pages are exact at both ends and past them", async (world) => {
    const { a, b, c } = await pair(world);
    const all = await sendMany(a, c, N);
    const stored = all.map((message) => ({ ...message, clientMessageId: null }));
    const rest = V1.as(world, "b");
    const page = async (query) => {
      const data = await ask(b, "history", { conversationId: c, ...query });
      assertKeys(data, ["messages", "hasBefore", "hasAfter"]);
      assert.deepEqual(await rest.ok("GET", `/conversations/${c}/messages?${new URLSearchParams(query)}`), data);
      return data;
    };
    for (const [query, first, last] of PAGES) {
      const expected = { messages: stored.slice(first - 1, last), hasBefore: first > 1, hasAfter: last < N };
      assert.deepEqual(await page(query), expected, JSON.stringify(query));
    }
    for (const [query, hasBefore, hasAfter] of EMPTY_PAGES) {
      assert.deepEqual(await page(query), { messages: [], hasBefore, hasAfter }, JSON.stringify(query));
    }
    for (const [seq, limit] of [
      [1, 10], [2, 10], [60, 10], [60, 11], [60, 1], [119, 10], [120, 10], [60, undefined], [1000, 10],
    ]) {
      assertAround(await page({ around: seq, ...(limit && { limit }) }), Math.min(seq, N), limit ?? 50);
    }
    for (const query of [...BAD, ...BAD_POSITIONS]) {
      await fails(b, "history", { conversationId: c, ...query }, "INVALID_PAYLOAD");
    }
    for (const query of ["limit=0", "limit=-1", "limit=101", "limit=x", "before=x", "after=-1", "around=1.5"]) {
      await rest.fails("GET", `/conversations/${c}/messages?${query}`, undefined, "INVALID_PAYLOAD");
    }
  });

  each(DIALECTS_AND_STORES, "a conversation in which nothing was said has an empty history", async (world) => {
    const { a, c } = await pair(world);
    for (const query of [{}, { before: 1 }, { after: 0 }, { around: 1 }, { before: 50, limit: 100 }]) {
      const data = await ask(a, "history", { conversationId: c, ...query });
      assert.deepEqual(data, { messages: [], hasBefore: false, hasAfter: false });
    }
  });

  each(STORES_ONLY, "a walk back and a walk forth see every message once, also while others write", async (world) => {
    const { a, b, room } = await roomOf(world, { b: "MEMBER" });
    await sendMany(a, room, 45);
    const writing = sendMany(a, room, 30, 46);
    const older = (messages) => ({ before: messages[0]?.seq ?? 46 });
    const back = await walk(b, room, older, ({ hasBefore }) => hasBefore, "unshift");
    await writing;
    assert.deepEqual(back.map(({ seq }) => seq), range(1, 45));
    const newer = (messages) => ({ after: messages.at(-1)?.seq ?? 0 });
    const forth = await walk(b, room, newer, ({ hasAfter }) => hasAfter, "push");
    assert.deepEqual(forth.map(({ content }) => content), range(1, 75).map((i) => `no ${i}`));
  });

  each(STORES_ONLY, "history, live events and acks show the same message", async (world) => {
    const { a, b, room } = await roomOf(world, { b: "MEMBER" });
    const sent = await send(a, room, { content: "x", metadata: { n: 1 }, clientMessageId: "m" });
    const { message } = await b.next("new_message");
    assertMessage(message, { id: sent.id });
    assert.deepEqual((await ask(b, "history", { conversationId: room })).messages, [message]);
    assert.deepEqual((await ask(a, "history", { conversationId: room })).messages, [sent]);
    await settle(a, b);
    assert.deepEqual((await V1.as(world, "b").ok("GET", `/conversations/${room}/messages`)).messages, [message]);
  });
});

/** Messages without a gap, `seq` in the middle of them where there are enough on both sides. */
function assertAround({ messages, hasBefore, hasAfter }, seq, limit) {
  const seqs = messages.map((message) => message.seq);
  assert.ok(seqs.includes(seq), `${seqs} is not around ${seq}`);
  assert.deepEqual(seqs, range(seqs[0], seqs.at(-1)));
  assert.deepEqual([hasBefore, hasAfter], [seqs[0] > 1, seqs.at(-1) < N]);
  assert.ok(seqs.length <= limit, `${seqs.length} of ${limit}`);
  if (!hasBefore || !hasAfter) return;
  assert.equal(seqs.length, limit);
  assert.ok(Math.abs(seq - seqs[0] - (seqs.at(-1) - seq)) <= 1, `${seq} is not in the middle of ${seqs}`);
}

/** All messages that a client collects page by page. */
async function walk(client, conversationId, query, isMore, put) {
  const all = [];
  for (let page = { messages: [] }, more = true; more; more = isMore(page)) {
    page = await ask(client, "history", { conversationId, limit: 7, ...query(all) });
    all[put](...page.messages);
  }
  return all;
}
