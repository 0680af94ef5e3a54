// Messages that are edited, deleted and reacted to (events and REST twins of dialect native).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BUSY, each } from "../support/matrix.js";
import { assertHas } from "../support/messages.js";
import {
  ANSWER_MS, DIALECTS_AND_STORES, STORES_ONLY, V1, ask, assertMessage, counted, fails, look, newRoom, pair, person, range, roomOf, send, sendMany,
  settle,
} from "../support/native.js";

const LIKE = "👍";

describe("changing messages", BUSY, () => {
  each(DIALECTS_AND_STORES, "an edit is heard by everybody who takes part, the sender after the answer", async (world) => {
    const { a, b, c } = await pair(world);
    const first = await send(a, c, { content: "helo", clientMessageId: "k1" });
    await settle(a, b);
    const { message } = await ask(a, "edit_message", { messageId: first.id, content: "hello" });
    assertMessage(message, { id: first.id, seq: 1, rev: 2, content: "hello", clientMessageId: "k1", deletedAt: null });
    assert.ok(Date.parse(message.editedAt) >= Date.parse(message.createdAt));
    assert.deepEqual(await a.next("message_updated"), { message });
    assert.deepEqual(await b.next("message_updated"), { message: { ...message, clientMessageId: null } });
    assertHas(await look(b, c), { lastSeq: 1, lastRev: 2, unread: 1 });
    const again = await ask(a, "edit_message", { messageId: first.id, content: "hello" });
    assert.equal(again.message.rev, 2, "nothing has changed");
    await b.none("message_updated");
  });

  each(STORES_ONLY, "only its sender edits a message; whoever keeps order in a room deletes it as well", async (world) => {
    const { a, b, c, room } = await roomOf(world, { b: "MODERATOR", c: "MEMBER" });
    const ofC = await send(c, room);
    const ofA = await send(a, room);
    await settle(a, b, c);
    await fails(b, "edit_message", { messageId: ofC.id, content: "x" }, "FORBIDDEN");
    await fails(c, "delete_message", { messageId: ofA.id }, "FORBIDDEN");
    for (const client of [a, b, c]) await client.none("message_updated");
    await ask(b, "delete_message", { messageId: ofC.id });
    const { message } = await c.next("message_updated");
    assertMessage(message, { id: ofC.id, content: null, file: null, metadata: null, rev: 3 });
    assert.ok(message.deletedAt);
    await fails(c, "edit_message", { messageId: ofC.id, content: "x" }, "NOT_FOUND");
    await fails(c, "add_reaction", { messageId: ofC.id, emoji: LIKE }, "NOT_FOUND");
    assert.equal((await ask(c, "delete_message", { messageId: ofC.id })).message.rev, 3, "it was deleted before");
  });

  each(STORES_ONLY, "a deleted message is no longer unread, and not shown in the list", async (world) => {
    const { a, b, c } = await pair(world);
    await send(a, c, { content: "stays" });
    const gone = await send(a, c, { content: "goes", metadata: { secret: 1 } });
    await counted(b, c, 2);
    await V1.as(world, "a").ok("DELETE", `/messages/${gone.id}`);
    await counted(b, c, 1);
    const { messages } = await ask(b, "history", { conversationId: c });
    assert.deepEqual(messages.map(({ content }) => content), ["stays", null]);
    assert.doesNotMatch(JSON.stringify(await ask(b, "list_conversations")), /goes|secret/);
  });

  each(STORES_ONLY, "the retry of a message that was deleted finds what is left of it", async (world) => {
    const { a, c } = await pair(world);
    const sent = await send(a, c, { content: "x", clientMessageId: "k" });
    await ask(a, "delete_message", { messageId: sent.id });
    const repeat = await ask(a, "send_message", { conversationId: c, content: "x", clientMessageId: "k" });
    assertHas(repeat, { duplicate: true });
    assertHas(repeat.message, { id: sent.id, content: null });
  });

  each(DIALECTS_AND_STORES, "reactions are counted, and named as far as they fit", async (world) => {
    const { a, b, room } = await roomOf(world, { b: "MEMBER" });
    const { id } = await send(a, room);
    await settle(a, b);
    await ask(b, "add_reaction", { messageId: id, emoji: LIKE });
    const expected = [{ emoji: LIKE, count: 1, userIds: ["b"] }];
    for (const client of [a, b]) assert.deepEqual((await client.next("message_updated")).message.reactions, expected);
    await ask(b, "add_reaction", { messageId: id, emoji: LIKE });
    await V1.as(world, "a").ok("PUT", `/messages/${id}/reactions/${encodeURIComponent(LIKE)}`);
    const { message } = await b.next("message_updated");
    assert.deepEqual(message.reactions, [{ emoji: LIKE, count: 2, userIds: ["b", "a"] }]);
    assert.equal(message.rev, 3, "the same reaction again is no change");
    await V1.as(world, "b").ok("DELETE", `/messages/${id}/reactions/${encodeURIComponent(LIKE)}`);
    assert.deepEqual((await a.next("message_updated")).message.reactions.length, 1);
  });

  each(STORES_ONLY, "what is no message, no text or no reaction is refused", async (world) => {
    const { a, c } = await pair(world);
    const { id } = await send(a, c);
    for (const event of ["edit_message", "delete_message", "add_reaction", "remove_reaction"]) {
      for (const messageId of [undefined, null, "", {}, [], "a\0b"]) {
        await fails(a, event, { messageId, content: "x", emoji: LIKE }, "INVALID_PAYLOAD");
      }
      await fails(a, event, { messageId: "nowhere", content: "x", emoji: LIKE }, "NOT_FOUND");
    }
    for (const content of [undefined, null, "", {}, 1]) {
      await fails(a, "edit_message", { messageId: id, content }, "INVALID_PAYLOAD");
    }
    await fails(a, "edit_message", { messageId: id, content: "x".repeat(70_000) }, "TOO_LARGE");
    for (const emoji of [undefined, null, "", "x".repeat(65), "a\nb", 1]) {
      await fails(a, "add_reaction", { messageId: id, emoji }, "INVALID_PAYLOAD");
    }
    for (const n of range(1, 20)) await ask(a, "add_reaction", { messageId: id, emoji: `e${n}` });
    await fails(a, "add_reaction", { messageId: id, emoji: "e21" }, "TOO_LARGE");
  });

  each(STORES_ONLY, "changes and messages of a burst are heard in the order of their rev, without a gap", async (world) => {
    const { a, b, c } = await pair(world);
    const { id } = await send(a, c);
    await settle(a, b);
    const work = range(1, 60).map((n) => {
      if (n % 3 === 0) return ask(a, "edit_message", { messageId: id, content: `text ${n}` }, ANSWER_MS);
      if (n % 3 === 1) return ask(b, n % 2 ? "add_reaction" : "remove_reaction", { messageId: id, emoji: LIKE }, ANSWER_MS);
      return send(a, c, { content: `message ${n}` }, ANSWER_MS);
    });
    await Promise.all(work);
    const { lastRev } = await look(b, c);
    await b.none("(nothing has this name)");
    const names = ["new_message", "message_updated"];
    const heard = b.log.filter(({ name }) => names.includes(name)).map(({ args }) => args[0].message.rev);
    assert.deepEqual(heard, range(2, lastRev));
  });

  each(STORES_ONLY, "what changed comes with sync, once and as it is now", async (world) => {
    const { a, b, c } = await pair(world);
    const sent = await sendMany(a, c, 3);
    const { epoch } = b.session;
    await ask(a, "edit_message", { messageId: sent[0].id, content: "new" });
    await ask(b, "add_reaction", { messageId: sent[0].id, emoji: LIKE });
    await ask(a, "delete_message", { messageId: sent[1].id });
    const { changed } = await ask(b, "sync", { epoch, conversations: { [c]: 3 } });
    assert.deepEqual(changed[c].map(({ id, rev }) => [id, rev]), [[sent[0].id, 5], [sent[1].id, 6]]);
    assertHas(changed[c][0], { content: "new", reactions: [{ emoji: LIKE, count: 1, userIds: ["b"] }] });
    assertHas(changed[c][1], { content: null });
  });
});
