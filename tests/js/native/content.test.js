// What a message can hold: text, files, answers, metadata, and where it ends (contract: native, sections 2 and 3, and
// README, section 6.8).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { MAX_TEXT_BYTES } from "../support/answers.js";
import { PNG } from "../support/files.js";
import { BUSY, each } from "../support/matrix.js";
import { TOKEN_MODE } from "../support/token.js";
import {
  DIALECTS_AND_STORES, STORES_ONLY, V1, ask, assertMessage, assertRestError, direct, fails, pair, person, roomOf, send,
  settle, tokenPerson,
} from "../support/native.js";
import { upload } from "../support/native_operations.js";

const FILE = { fileUrl: "https://files.example/a%20b.pdf", fileName: "a b.pdf", fileSize: 2048, fileType: "application/pdf" };

describe("content", BUSY, () => {
  each(STORES_ONLY, "text is never changed", async (world) => {
    const { a, b, c } = await pair(world);
    for (const content of [
      "  spaces\n\tand lines\r\n", "ğüşİıçö 👩‍👩‍👧 עברית", "<b>&amp;</b>\\u0041\"'", "0", "null", "\u0001\u2028",
    ]) {
      assertMessage(await send(a, c, { content }), { content, kind: "text" });
      assert.equal((await b.next("new_message")).message.content, content);
    }
  });

  each(DIALECTS_AND_STORES, "a file needs no text and comes with seven keys", async (world) => {
    const { a, b, c } = await pair(world);
    const { message } = await ask(a, "send_message", { conversationId: c, kind: "file", ...FILE });
    assertMessage(message, { kind: "file", content: null });
    const { width, height, durationMs, ...file } = message.file;
    assert.deepEqual(file, { url: FILE.fileUrl, name: FILE.fileName, size: FILE.fileSize, type: FILE.fileType });
    assert.deepEqual([width, height, durationMs], [null, null, null]);
    assert.deepEqual((await b.next("new_message")).message, message);
    const captioned = await send(a, c, { kind: "image", content: "look", fileUrl: "/uploads/a.png" });
    assertMessage(captioned, { kind: "image", content: "look" });
    assert.deepEqual([captioned.file.url, captioned.file.name, captioned.file.size], ["/uploads/a.png", null, null]);
  });

  each(STORES_ONLY, "an upload is sent by its id, and what it is comes from its bytes", async (world) => {
    const { a, b, c } = await pair(world);
    const stored = await V1.as(world, "a").ok("POST", "/uploads", upload());
    const message = (await ask(a, "send_message", { conversationId: c, kind: "image", uploadId: stored.id })).message;
    assertMessage(message, { kind: "image", content: null });
    const { url, name, size, type, durationMs } = message.file;
    assert.deepEqual([name, size, type, durationMs], ["dot.png", PNG.length, "image/png", null]);
    assert.equal(new URL(url, world.server.url).pathname, new URL(stored.url, world.server.url).pathname);
    const response = await fetch(new URL(url, world.server.url));
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), PNG);
    assert.deepEqual((await b.next("new_message")).message, message);
  });

  each(STORES_ONLY, "only the own upload can be sent", async (world) => {
    const { a, b, c } = await pair(world);
    const stored = await V1.as(world, "b").ok("POST", "/uploads", upload());
    for (const uploadId of [stored.id, "no-such-upload"]) {
      await fails(a, "send_message", { conversationId: c, uploadId }, "NOT_FOUND");
    }
    for (const uploadId of ["", 1.5, {}, "x".repeat(129)]) {
      await fails(a, "send_message", { conversationId: c, uploadId }, "INVALID_PAYLOAD");
    }
    await b.none("new_message");
  });

  each(STORES_ONLY, "an answer names a message of the same conversation", async (world) => {
    const { a, b, c } = await pair(world);
    const first = await send(a, c);
    assertMessage(await send(b, c, { replyTo: first.id }), { replyTo: first.id });
    assert.equal((await a.several("new_message", 2))[1].message.replyTo, first.id);
    const elsewhere = await send(a, await direct(a, "x"));
    const y = await person(world, "y");
    const foreign = await send(y, await direct(y, "z"));
    const errors = [];
    for (const replyTo of [elsewhere.id, foreign.id, "no-such-message"]) {
      errors.push(await fails(b, "send_message", { conversationId: c, content: "x", replyTo }, "NOT_FOUND", "INVALID_PAYLOAD"));
    }
    // One cannot find out with it which messages there are.
    for (const error of errors) assert.deepEqual(error, errors[0]);
    for (const replyTo of [{}, 1.5, true, "a\0b"]) {
      await fails(b, "send_message", { conversationId: c, content: "x", replyTo }, "INVALID_PAYLOAD");
    }
  });

  each(STORES_ONLY, "metadata is any object, and comes back as it was", async (world) => {
    const { a, b, c } = await pair(world);
    const metadata = { offer: { price: 12.5, parts: [1, null, "ü"] }, "": true, deep: { a: { b: {} } } };
    assertMessage(await send(a, c, { metadata }), { metadata });
    assert.deepEqual((await b.next("new_message")).message.metadata, metadata);
    assert.deepEqual((await ask(b, "history", { conversationId: c })).messages[0].metadata, metadata);
    for (const wrong of [5, "x", [], true, { text: "a\0b" }, { "a\0b": 1 }, { deep: [{ text: "\0" }] }]) {
      await fails(a, "send_message", { conversationId: c, content: "x", metadata: wrong }, "INVALID_PAYLOAD");
    }
  });

  each(STORES_ONLY, "a kind is a short word, text unless something else was said", async (world) => {
    const { a, c } = await pair(world);
    for (const kind of ["text", "image", "video", "audio", "file", "sticker"]) {
      assertMessage(await send(a, c, { kind, ...FILE }), { kind });
    }
    assertMessage(await send(a, c, { kind: null }), { kind: "text" });
    for (const kind of [5, {}, "x".repeat(33), "a\0b"]) {
      await fails(a, "send_message", { conversationId: c, content: "x", kind }, "INVALID_PAYLOAD");
    }
  });

  each(DIALECTS_AND_STORES, "a message without content and file is none", async (world) => {
    const { a, b, c } = await pair(world);
    const rest = V1.as(world, "a");
    for (const payload of [
      {}, { content: "" }, { content: null }, { content: 5 }, { content: {} }, { fileName: "a.png" }, { fileUrl: "" },
    ]) {
      await fails(a, "send_message", { conversationId: c, ...payload }, "INVALID_PAYLOAD");
      await rest.fails("POST", `/conversations/${c}/messages`, payload, "INVALID_PAYLOAD");
    }
    await b.none();
    assert.deepEqual((await ask(b, "history", { conversationId: c })).messages, []);
  });

  each(STORES_ONLY, "a sender who never gave a name has none", async (world) => {
    const { a, b, c } = await pair(world);
    assertMessage(await send(a, c), { senderName: "Ada" });
    const nameless = await person(world, "n");
    const d = await direct(nameless, "b");
    assertMessage(await send(nameless, d), { senderName: null });
    assert.equal((await b.several("new_message", 2))[1].message.senderName, null);
  });
});

describe("limits", BUSY, () => {
  each(DIALECTS_AND_STORES, "text may have 65,536 bytes and no more", async (world) => {
    const { a, b, c } = await pair(world);
    const rest = V1.as(world, "a");
    const longest = "ü".repeat(MAX_TEXT_BYTES / 2);
    await send(a, c, { content: longest });
    assert.equal((await b.next("new_message")).message.content, longest);
    for (const content of [`${longest}x`, "x".repeat(MAX_TEXT_BYTES + 1), "x".repeat(900_000)]) {
      await fails(a, "send_message", { conversationId: c, content }, "TOO_LARGE");
      await rest.fails("POST", `/conversations/${c}/messages`, { content }, "TOO_LARGE");
    }
    await b.none("new_message");
  });

  each(STORES_ONLY, "a REST body over a megabyte is 413", async (world) => {
    const { c } = await pair(world);
    const answer = await V1.as(world, "a").call("POST", `/conversations/${c}/messages`, { content: "x".repeat(1_100_000) });
    assertRestError(answer, "TOO_LARGE");
  });

  each(DIALECTS_AND_STORES, "U+0000 is refused in every text", async (world) => {
    const { a, b, c } = await pair(world);
    const rest = V1.as(world, "a");
    const good = { content: "x", ...FILE };
    for (const key of ["content", "kind", "clientMessageId", "fileUrl", "fileName", "fileType", "replyTo"]) {
      await fails(a, "send_message", { conversationId: c, ...good, [key]: "nul\0" }, "INVALID_PAYLOAD");
      await rest.fails("POST", `/conversations/${c}/messages`, { ...good, [key]: "nul\0" }, "INVALID_PAYLOAD");
    }
    await b.none("new_message");
  });

  each(STORES_ONLY, "file fields have types and limits", async (world) => {
    const { a, b, c } = await pair(world);
    const wrong = [
      { fileUrl: 5 }, { fileUrl: {} }, { fileName: {} }, { fileType: 5 }, { fileSize: "many" }, { fileSize: -1 }, { fileSize: 1.5 },
      { fileSize: 2 ** 53 }, { fileSize: 1e300 },
    ];
    for (const fields of wrong) await fails(a, "send_message", { conversationId: c, ...FILE, ...fields }, "INVALID_PAYLOAD");
    for (const fields of [
      { fileUrl: `https://x/${"y".repeat(20_000)}` }, { fileName: "x".repeat(20_000) }, { fileType: "x".repeat(20_000) },
    ]) {
      await fails(a, "send_message", { conversationId: c, ...FILE, ...fields }, "INVALID_PAYLOAD", "TOO_LARGE");
    }
    await b.none("new_message");
  });

  each(STORES_ONLY, "nothing is named as ignored in token mode", async (world) => {
    const a = await tokenPerson(world, "a");
    const c = await direct(a, "b");
    const ack = await a.ask("send_message", { conversationId: c, content: "x", colour: "red" });
    assert.deepEqual(Object.keys(ack).sort(), ["data", "ok"]);
  }, TOKEN_MODE);

  each(STORES_ONLY, "a packet over a megabyte costs that connection and nothing else", async (world) => {
    const { a, b, room } = await roomOf(world, { b: "MEMBER" });
    await a.upgraded();
    a.socket.io.reconnection(false);
    a.emit("send_message", { conversationId: room, content: "x".repeat(1_500_000) });
    await a.next("(disconnect)");
    const again = await person(world, "a");
    await settle(b);
    await send(again, room);
    await b.next("new_message");
    await b.none("new_message");
  });
});
