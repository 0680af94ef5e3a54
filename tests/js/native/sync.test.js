// Catching up: the event `sync`, its REST twin and `auth.since` (contract: native, sections 1, 2 and 4).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BUSY, each } from "../support/matrix.js";
import { assertHas } from "../support/messages.js";
import {
  ANSWER_MS, DIALECTS_AND_STORES, FULL, STORES_ONLY, V1, ask, assertConversation, assertKeys, assertMessage, direct, fails, look,
  newRoom, pair, person, range, roomOf, send, sendMany, settle,
} from "../support/native.js";

const KEYS = ["epoch", "serverTime", "changed", "reset", "gone", "conversations"];
/** Changes of one conversation in one answer, and of all together. */
const MAX_CHANGES = 300;
const MAX_CHANGES_IN_ALL = 3_000;
/** Conversations that somebody may ask about at a time. */
const MAX_KNOWN = 1_000;
const OTHER_EPOCH = "an epoch that never was";

describe("since", BUSY, () => {
  each(FULL, "N-06 what came meanwhile comes in order before the first live event", async (world) => {
    const { a, b, c } = await pair(world);
    await sendMany(a, c, 3);
    await ask(b, "mark_read", { conversationId: c });
    const { lastRev } = await look(b, c);
    const { epoch } = b.session;
    b.close();
    const missed = await sendMany(a, c, 10, 4);
    const again = await person(world, "b", { since: { epoch, conversations: { [c]: lastRev } } });
    const answer = await again.next("sync");
    assert.deepEqual(again.order.filter((name) => name !== "presence").slice(0, 2), ["session", "sync"]);
    assertKeys(answer, KEYS);
    assertHas(answer, { epoch, reset: [], gone: [] });
    assert.deepEqual(Object.keys(answer.changed), [c]);
    assert.deepEqual(answer.changed[c], missed.map((message) => ({ ...message, clientMessageId: null })));
    const revs = answer.changed[c].map(({ rev }) => rev);
    assert.deepEqual(revs, [...revs].sort((x, y) => x - y));
    assertHas(again.session, { unreadTotal: 10, epoch });
    const [conversation] = answer.conversations;
    assertConversation(conversation, { id: c, unread: 10, lastSeq: 13 });
    await send(a, c, { content: "live" });
    assert.equal((await again.next("new_message")).message.content, "live");
    await again.none("new_message");
    await again.none("sync");
  });

  each(FULL, "N-07 a gap that is too large, or another epoch, is a reset and nothing partial", async (world) => {
    const { a, b, c } = await pair(world);
    const { epoch } = b.session;
    const { lastRev } = await look(b, c);
    b.close();
    const sent = await sendMany(a, c, MAX_CHANGES + 1);
    const cases = [
      [{ epoch, conversations: { [c]: lastRev } }, [c], {}],
      [{ epoch: OTHER_EPOCH, conversations: { [c]: sent.at(-2).rev } }, [c], {}],
      [{ epoch, conversations: { [c]: sent.at(-1).rev + 1_000 } }, [c], {}],
      [{ epoch, conversations: { [c]: sent[0].rev } }, [], { [c]: MAX_CHANGES }],
    ];
    for (const [since, reset, changed] of cases) {
      const again = await person(world, "b", { since });
      const answer = await again.next("sync");
      assertHas(answer, { epoch, reset, gone: [] });
      const counts = Object.fromEntries(Object.entries(answer.changed).map(([id, messages]) => [id, messages.length]));
      assert.deepEqual(counts, changed);
      again.close();
    }
  });

  each(STORES_ONLY, "nothing is lost between the answer and the first live event", async (world) => {
    const { a, b, c } = await pair(world);
    const { epoch } = b.session;
    b.close();
    const sending = sendMany(a, c, 250);
    const again = await person(world, "b", { since: { epoch, conversations: { [c]: 0 } } });
    const { changed } = await again.next("sync");
    const sent = await sending;
    await again.none("(nothing has this name)");
    const live = again.all("new_message").map(({ message }) => message.seq);
    assert.deepEqual(live, [...live].sort((x, y) => x - y));
    const seen = new Set([...(changed[c] ?? []).map(({ seq }) => seq), ...live]);
    assert.deepEqual([...seen].sort((x, y) => x - y), range(1, sent.length));
  });

  each(STORES_ONLY, "without since there is no sync, and nothing is replayed", async (world) => {
    const { a, b, c } = await pair(world);
    b.close();
    await send(a, c);
    const again = await person(world, "b");
    await again.none("sync");
    await again.none("new_message");
    assert.equal(again.session.unreadTotal, 1);
  });

  each(STORES_ONLY, "a since that is none does not shut anybody out for good", async (world) => {
    for (const since of [
      "x", 5, [], {}, { epoch: 5 }, { epoch: "e", conversations: [] }, { epoch: "e", conversations: { c: "x" } },
    ]) {
      const client = await world.connect({ auth: { dialect: "native", userId: "a", since } }).catch((error) => error);
      if (client instanceof Error) continue;
      assert.equal((await client.next("session")).user.id, "a");
      assert.deepEqual((await ask(client, "list_conversations")).conversations, []);
    }
    await person(world, "a");
  });
});

describe("sync", BUSY, () => {
  each(DIALECTS_AND_STORES, "the event and the REST call give the same answer", async (world) => {
    const { a, b, c } = await pair(world);
    const room = await newRoom(a, { b: "MEMBER" });
    const revs = { [c]: (await look(b, c)).lastRev, [room]: (await look(b, room)).lastRev };
    await sendMany(a, c, 2);
    await send(b, room);
    await settle(a, b);
    const { epoch } = b.session;
    const answer = await ask(b, "sync", { epoch, conversations: revs });
    assertKeys(answer, KEYS);
    const counts = Object.fromEntries(Object.entries(answer.changed).map(([id, messages]) => [id, messages.length]));
    assert.deepEqual(counts, { [c]: 2, [room]: 1 });
    for (const message of Object.values(answer.changed).flat()) assertMessage(message);
    const query = new URLSearchParams({ epoch, since: JSON.stringify(revs) });
    const { serverTime } = answer;
    const twin = await V1.as(world, "b").ok("GET", `/sync?${query}`);
    assert.ok(twin.serverTime >= serverTime);
    assert.deepEqual({ ...twin, serverTime }, answer);
    const newest = { [c]: (await look(b, c)).lastRev, [room]: (await look(b, room)).lastRev };
    const nothing = await ask(b, "sync", { epoch, conversations: newest });
    assert.deepEqual(Object.values(nothing.changed).flat(), []);
    assertHas(nothing, { epoch, reset: [], gone: [] });
  });

  each(DIALECTS_AND_STORES, "what is new is listed, and what is gone is named", async (world) => {
    const { a, b, c } = await pair(world);
    const room = await newRoom(a, { b: "MEMBER" });
    const { epoch } = b.session;
    const known = { [c]: (await look(b, c)).lastRev, [room]: (await look(b, room)).lastRev };
    await ask(a, "remove_participant", { conversationId: room, userId: "b" });
    const later = await newRoom(a, { b: "MEMBER" });
    await send(a, later);
    const foreign = await newRoom(a);
    const answer = await ask(b, "sync", { epoch, conversations: { ...known, [foreign]: 0, "no-such-conversation": 7 } });
    assert.deepEqual([...answer.gone].sort(), [room, foreign, "no-such-conversation"].sort());
    assert.deepEqual(answer.reset, []);
    assert.equal(room in answer.changed || foreign in answer.changed, false);
    const listed = answer.conversations.find(({ id }) => id === later);
    assertConversation(listed, { unread: 1, role: "MEMBER" });
    assert.equal(answer.conversations.some(({ id }) => id === foreign || id === room), false);
  });

  each(STORES_ONLY, "an answer holds no more than three thousand changes; what does not fit is a reset", async (world) => {
    const a = await person(world, "a");
    const b = await person(world, "b");
    const conversations = {};
    for (let i = 0; i < 11; i += 1) conversations[await newRoom(a, { b: "MEMBER" })] = 0;
    for (const id of Object.keys(conversations)) await sendMany(a, id, MAX_CHANGES - 10);
    const ack = await b.emitWithin(20_000, "sync", { epoch: b.session.epoch, conversations });
    assert.equal(ack.ok, true, JSON.stringify(ack).slice(0, 300));
    const { changed, reset } = ack.data;
    const counts = Object.values(changed).map((messages) => messages.length).filter((n) => n > 0);
    assert.ok(counts.reduce((sum, n) => sum + n, 0) <= MAX_CHANGES_IN_ALL, `${counts}`);
    assert.deepEqual(counts, counts.map(() => MAX_CHANGES - 10), "no conversation is there in part");
    assert.ok(counts.length > 0 && reset.length > 0, `${counts.length} changed, ${reset.length} reset`);
    assert.equal(counts.length + reset.length, 11);
    assert.equal(reset.some((id) => changed[id]?.length > 0), false);
  });

  each(STORES_ONLY, "an answer ends by what its messages take, metadata included", async (world) => {
    const a = await person(world, "a");
    const b = await person(world, "b");
    const rooms = [await newRoom(a, { b: "MEMBER" }), await newRoom(a, { b: "MEMBER" }), await newRoom(a, { b: "MEMBER" })];
    const metadata = { filler: "x".repeat(60_000) };
    for (const id of rooms.slice(0, 2)) for (let n = 0; n < 50; n += 1) await send(a, id, { metadata });
    await send(a, rooms[2]);
    const conversations = Object.fromEntries(rooms.map((id) => [id, 0]));
    const answer = await ask(b, "sync", { epoch: b.session.epoch, conversations }, ANSWER_MS);
    const told = rooms.filter((id) => answer.changed[id]?.length > 0);
    assert.equal(told.length + answer.reset.length, rooms.length, "each is told or reset");
    assert.ok(answer.reset.length > 0, "six megabytes do not fit");
    for (const id of told) assert.equal(answer.changed[id].length, id === rooms[2] ? 1 : 50, "none is there in part");
  });

  each(STORES_ONLY, "a handshake that names too many conversations is told which to load", async (world) => {
    const { a, b, c } = await pair(world);
    const { epoch } = b.session;
    b.close();
    await send(a, c);
    const others = Object.fromEntries(range(1, MAX_KNOWN).map((n) => [String(n).padStart(5, "0"), 0]));
    const conversations = { ...others, [c]: 0, "zz-last": 0 };
    const again = await person(world, "b", { since: { epoch, conversations } });
    const answer = await again.next("sync");
    assert.equal(answer.gone.length + answer.reset.length + Object.keys(answer.changed).length, MAX_KNOWN + 2);
    assert.ok(answer.reset.includes("zz-last"));
    await fails(again, "sync", { epoch, conversations }, "TOO_LARGE");
  });

  each(STORES_ONLY, "what one has and what changed since are what is there now", async (world) => {
    const { a, b, room } = await roomOf(world, { b: "MEMBER" });
    const { epoch } = b.session;
    let rev = 0;
    const state = new Map();
    for (let round = 1; round <= 5; round += 1) {
      await Promise.all([sendMany(a, room, round * 3), sendMany(b, room, round)]);
      const { changed } = await ask(b, "sync", { epoch, conversations: { [room]: rev } });
      for (const message of changed[room]) {
        assert.ok(message.rev > rev, `${message.rev} after ${rev}`);
        rev = message.rev;
        state.set(message.id, message);
      }
      const { messages } = await ask(b, "history", { conversationId: room, limit: 100 });
      assert.deepEqual([...state.values()].sort((x, y) => x.seq - y.seq), messages);
      assert.equal((await look(b, room)).lastRev, rev);
    }
  });

  each(STORES_ONLY, "other people's client ids stay hidden", async (world) => {
    const { a, b, c } = await pair(world);
    await send(a, c, { clientMessageId: "of-a" });
    const shown = async (client) => {
      const { changed } = await ask(client, "sync", { epoch: client.session.epoch, conversations: { [c]: 0 } });
      return changed[c][0];
    };
    assert.equal((await shown(a)).clientMessageId, "of-a");
    assert.equal((await shown(b)).clientMessageId, null);
  });

  each(STORES_ONLY, "malformed requests are refused", async (world) => {
    const a = await person(world, "a");
    await direct(a, "b");
    const { epoch } = a.session;
    const wrong = [
      undefined, null, "x", 5, [], {}, { epoch }, { conversations: {} }, { epoch: 5, conversations: {} }, { epoch, conversations: [] },
      { epoch, conversations: "x" }, { epoch, conversations: { c: "x" } }, { epoch, conversations: { c: -1 } },
      { epoch, conversations: { c: 1.5 } }, { epoch, conversations: { c: {} } }, { epoch: "a\0b", conversations: {} },
    ];
    for (const payload of wrong) await fails(a, "sync", payload, "INVALID_PAYLOAD");
    const rest = V1.as(world, "a");
    for (const bad of [
      "", `?epoch=${epoch}`, `?epoch=${epoch}&since=x`, `?epoch=${epoch}&since=[]`, "?since={}", `?epoch=${epoch}&since={"a":"x"}`,
    ]) {
      await rest.fails("GET", `/sync${bad}`, undefined, "INVALID_PAYLOAD");
    }
  });
});
