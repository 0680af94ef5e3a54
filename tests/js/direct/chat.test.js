// `chat` beyond the numbered cases: names of keys, kinds of content, acks, repeats (contract: direct, sections 2 to 4).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { MAX_TEXT_BYTES } from "../support/answers.js";
import {
  DIALECTS_AND_STORES, FULL, STORES_ONLY, assertChat, assertSent, join, registered, say, sayToGroup, user,
} from "../support/direct.js";
import { eventually } from "../support/eventually.js";
import { BUSY, each } from "../support/matrix.js";
import { assertError, assertHas } from "../support/messages.js";

const RECIPIENT_KEYS = ["recipientId", "receiverId", "to", "toUserId"];
const TEXT_KEYS = ["messageContent", "message", "content", "text"];
const PATIENCE_MS = 30_000;

/** What may be said: a text, or any other JSON. */
const CONTENTS = [
  "merhaba", " ", "ğüşİ 👩‍👩‍👧\r\n\t<b>&amp;</b>", "null", "5", "{}",
  5, 0, -1.5, 1e21, true, false, {}, [], [1, "x", null],
  { text: "hi", attachments: [{ url: "/a.png", size: 5 }], nested: { deep: [[[null]]] } },
  { groupId: 7, recipientId: 3, messageContent: "inner" },
];

describe("chat", BUSY, () => {
  each(STORES_ONLY, "every name of recipient and text is understood, sent out are the first ones", async (world) => {
    const a = await user(world, 1);
    const b = await user(world, 2);
    for (const recipient of RECIPIENT_KEYS) {
      for (const text of TEXT_KEYS) {
        await a.ask("chat", { [recipient]: 2, [text]: `${recipient} ${text}` });
        assertChat(await b.next("chat"), { senderId: "1", messageContent: `${recipient} ${text}` });
      }
    }
    await b.none();
  });

  each(STORES_ONLY, "of two names the first of the list wins", async (world) => {
    const [a, b, c] = [await user(world, 1), await user(world, 2), await user(world, 3)];
    for (let i = 0; i < RECIPIENT_KEYS.length - 1; i += 1) {
      const texts = Object.fromEntries(TEXT_KEYS.slice(i).map((key) => [key, key]).reverse());
      const recipients = Object.fromEntries(RECIPIENT_KEYS.slice(i).map((key, at) => [key, at === 0 ? 2 : 3]).reverse());
      await a.ask("chat", { ...texts, ...recipients });
      assertChat(await b.next("chat"), { messageContent: TEXT_KEYS[i] });
    }
    await b.none();
    await c.none();
  });

  each(FULL, "content of any kind arrives as it came, and waits as it came", async (world) => {
    const a = await user(world, 1);
    const b = await user(world, 2);
    for (const content of CONTENTS) {
      await say(a, 2, content);
      assert.deepEqual((await b.next("chat")).messageContent, content);
      await say(a, 9, content);
    }
    const late = await registered(world, 9);
    assert.deepEqual((await late.several("chat", CONTENTS.length)).map(({ messageContent }) => messageContent), CONTENTS);
  });

  each(STORES_ONLY, "content may have 65,536 bytes and no more, and no U+0000", async (world) => {
    const a = await user(world, 1);
    const b = await user(world, 2);
    const longest = "ü".repeat(MAX_TEXT_BYTES / 2);
    await say(a, 2, longest);
    assert.equal((await b.next("chat")).messageContent, longest);
    for (const content of [`${longest}x`, "x".repeat(MAX_TEXT_BYTES + 1), { text: longest, more: longest }]) {
      assertError(await a.emitWithAck("chat", { recipientId: 2, messageContent: content }), "TOO_LARGE");
    }
    for (const content of ["a\0b", { text: "a\0b" }, [["\0"]]]) {
      assertError(await a.emitWithAck("chat", { recipientId: 2, messageContent: content }), "INVALID_PAYLOAD");
    }
    await b.none();
    await a.none();
  });

  each(DIALECTS_AND_STORES, "the ack says what the event says, and whether somebody got it", async (world) => {
    const a = await user(world, 1);
    const b = await user(world, 2);
    const online = await say(a, 2, "x");
    assertSent(online, { delivered: true });
    assertHas(await b.next("chat"), { id: online.id, timestamp: online.timestamp });
    assertSent(await say(a, 3, "x"), { delivered: false });
    b.disconnect();
    await eventually(async () => assert.equal((await say(a, 2, "anybody?")).delivered, false));
  });

  each(FULL, "a message to oneself reaches all own sockets, each under its own id, after the ack", async (world) => {
    const a = await user(world, 1);
    const a2 = await user(world, 1);
    const ack = await say(a, "1", "note");
    for (const client of [a, a2]) {
      assertChat(await client.next("chat"), { senderId: client.id, messageContent: "note", id: ack.id });
      await client.none();
    }
    assert.deepEqual(a.order, ["ack chat", "chat"]);
    assert.equal(ack.delivered, true);
  });

  each(STORES_ONLY, "what was received as senderId can be answered, one's own socket id too", async (world) => {
    const a = await user(world, 1);
    await join("notes", a);
    await sayToGroup(a, "notes", "x");
    const { senderId } = await a.next("groupChat");
    assert.equal(senderId, a.id);
    await say(a, senderId, "to myself");
    assertChat(await a.next("chat"), { senderId: a.id, messageContent: "to myself" });
  });

  each(STORES_ONLY, "the socket id of somebody else is no address", async (world) => {
    const a = await user(world, 1);
    const b = await user(world, 2);
    await a.emitWithAck("chat", { recipientId: b.id, messageContent: "x" });
    await b.none();
  });

  each(DIALECTS_AND_STORES, "failures are silent without a callback", async (world) => {
    const a = await user(world, 1);
    const b = await user(world, 2);
    for (const payload of [null, {}, { recipientId: 2 }, { recipientId: 2, messageContent: "" }, { messageContent: "x" }, "x"]) {
      a.emit("chat", payload);
      a.emit("groupChat", payload);
    }
    a.emit("groupChat", { groupId: "none", messageContent: "x" });
    a.emit("no_such_event", 1);
    a.emit("chat", { recipientId: 2, messageContent: "fine" });
    assertChat(await b.next("chat"), { messageContent: "fine" });
    for (const client of [a, b]) await client.none();
  });

  each(DIALECTS_AND_STORES, "both directions of a pair are numbered as one conversation", async (world) => {
    const a = await user(world, 1);
    const b = await user(world, 2);
    await say(a, 2, "one");
    await say(b, 1, "two");
    await say(a, 2, "three");
    assert.deepEqual((await b.several("chat", 2)).map(({ seq }) => seq), [1, 3]);
    assertHas(await a.next("chat"), { seq: 2 });
  });

  each(STORES_ONLY, "five hundred pipelined messages keep their order, and so do their acks", async (world) => {
    const a = await user(world, 1);
    const b = await user(world, 2);
    const contents = Array.from({ length: 500 }, (_, i) => i);
    const payloads = contents.map((messageContent) => ({ recipientId: 2, messageContent }));
    const acks = Promise.all(payloads.map((payload) => a.emitWithin(PATIENCE_MS, "chat", payload)));
    const heard = await b.several("chat", contents.length, PATIENCE_MS);
    assert.deepEqual(heard.map(({ messageContent }) => messageContent), contents);
    await acks;
    assert.deepEqual(a.all("ack chat").map(({ id }) => id), heard.map(({ id }) => id));
    await b.none();
  });
});

describe("direct repeats", BUSY, () => {
  for (const key of ["clientMessageId", "clientId", "client_offset"]) {
    each(DIALECTS_AND_STORES, `a repeated ${key} gives the first message again`, async (world) => {
      const a = await user(world, 1);
      const b = await user(world, 2);
      const first = await say(a, 2, "once", { [key]: "the-same" });
      const again = await say(a, 2, "another text", { [key]: "the-same" });
      assert.equal("duplicate" in first, false);
      assertHas(again, { id: first.id, timestamp: first.timestamp, duplicate: true });
      assertChat(await b.next("chat"), { id: first.id, messageContent: "once" });
      await b.none();
      await say(a, 2, "next", { [key]: "another" });
      assertHas(await b.next("chat"), { seq: 2 });
    });
  }

  each(STORES_ONLY, "a client id belongs to its sender and its conversation", async (world) => {
    const a = await user(world, 1);
    const b = await user(world, 2);
    await join(5, a, b);
    const id = { clientMessageId: "shared" };
    const all = [await say(a, 2, "x", id), await say(a, 3, "x", id), await say(b, 1, "x", id), await sayToGroup(a, 5, "x", id)];
    assert.equal(new Set(all.map((ack) => ack.id)).size, all.length);
    for (const ack of all) assert.equal("duplicate" in ack, false);
  });

  each(STORES_ONLY, "a repeat to somebody who is away waits once", async (world) => {
    const a = await user(world, 1);
    for (let times = 0; times < 3; times += 1) await say(a, 9, "once", { clientMessageId: "c" });
    const c = await registered(world, 9);
    await c.next("chat");
    await c.none();
  });
});
