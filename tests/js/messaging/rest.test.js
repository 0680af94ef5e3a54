// The REST calls of the dialect, answer by answer (contract: messaging, section 6).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { AUTO_STORES, BUSY, DIALECTS_AND_STORES, FULL, NO_SOCKET, STORES_ONLY, each } from "../support/matrix.js";
import { assertHas, assertIso, assertMessage, draft, send } from "../support/messages.js";
import { assertRefused } from "../support/rest.js";

const ITEM_KEYS = [
  "id", "otherUserId", "otherUserName", "otherUserProfilePicture", "lastMessage", "unreadCount", "lastMessageAt",
];

describe("REST conformance", BUSY, () => {
  each(FULL, "M-14 the list of conversations counts unread messages of the receiver only", async (world) => {
    const a = await world.user(1);
    await send(a, { content: "first" });
    const last = await send(a, { content: "second" });
    for (const [userId, otherUserId, unreadCount] of [[1, 2, 0], [2, 1, 2]]) {
      const [item, ...others] = await world.rest.conversations(userId);
      assert.deepEqual(others, []);
      assert.deepEqual(Object.keys(item).sort(), [...ITEM_KEYS].sort());
      assert.deepEqual(item, {
        id: last.conversationId,
        otherUserId,
        otherUserName: "Unknown User",
        otherUserProfilePicture: null,
        lastMessage: { content: "second", type: "text", createdAt: last.createdAt },
        unreadCount,
        lastMessageAt: last.createdAt,
      });
    }
  });

  each(FULL, "M-15 a posted form is delivered to both with its tempId", async (world) => {
    const { a, b, c } = await world.pair();
    const fields = { senderId: "1", receiverId: "2", conversationId: String(c), content: "x", tempId: "1700000000000" };
    const { status, body } = await world.rest.postMultipart("/api/messages", fields);
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(Object.keys(body).sort(), ["message", "success"]);
    assert.equal(body.success, true);
    const expected = { conversationId: c, senderId: 1, receiverId: 2, content: "x", type: "text", tempId: 1700000000000 };
    assertMessage(body.message, expected, ["tempId"]);
    for (const client of [a, b]) {
      assert.deepEqual(await client.next("new_message"), body.message);
      await client.none();
    }
  });

  each(FULL, "M-20 incomplete calls are refused with their texts", async (world) => {
    const { a, c } = await world.pair();
    await send(a, { conversationId: c });
    const { rest } = world;
    assertRefused(await rest.get("/api/messages"), 400, "Conversation ID is required");
    assertRefused(await rest.put("/api/messages", {}), 400, "Conversation ID and user ID are required");
    assertRefused(await rest.get("/api/messages/conversations"), 400, "User ID is required");
    const foreign = await rest.post("/api/messages", draft({ conversationId: 999, content: "nowhere" }));
    assertRefused(foreign, 404, "Conversation not found");
    assert.equal((await rest.messages(c)).length, 1);
    assert.deepEqual(await rest.messages(999), []);
  });

  each({ ...NO_SOCKET, settings: ["fixed"] }, "M-23 health is ok and has an uptime", async (world) => {
    const { status, body } = await world.rest.get("/health");
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(body).sort(), ["ok", "uptime"]);
    assert.equal(body.ok, true);
    assert.equal(typeof body.uptime, "number");
  });

  const front = "http://localhost:3000";
  const evil = `${front}.evil.test`;
  each(NO_SOCKET, "M-24 the handshake echoes an allowed origin and no other", async (world) => {
    for (const [path, method] of [["/socket.io/?EIO=4&transport=polling", "GET"], ["/api/messages?conversationId=1", "GET"]]) {
      const good = await world.rest.call(method, path, undefined, { origin: front });
      assert.equal(good.status, 200);
      assert.equal(good.headers.get("access-control-allow-origin"), front);
      assert.equal(good.headers.get("access-control-allow-credentials"), "true");
      assert.match(good.headers.get("vary") ?? "", /\borigin\b/i);
      const bad = await world.rest.call(method, path, undefined, { origin: evil });
      assert.equal(bad.headers.get("access-control-allow-origin"), null);
    }
  }, { FRONTEND_URL: front });

  each(STORES_ONLY, "a preflight is answered 204", async (world) => {
    const asked = { origin: front, "access-control-request-method": "POST", "access-control-request-headers": "content-type" };
    const { status, headers } = await world.rest.call("OPTIONS", "/api/messages", undefined, asked);
    assert.equal(status, 204);
    assert.equal(headers.get("access-control-allow-origin"), front);
    assert.match(headers.get("access-control-allow-methods"), /POST/);
    assert.match(headers.get("access-control-allow-headers"), /content-type/i);
  }, { FRONTEND_URL: `${front}/` });
});

describe("GET /api/messages", BUSY, () => {
  each(DIALECTS_AND_STORES, "the history is ascending, an unknown conversation is empty", async (world) => {
    const a = await world.user(1);
    const first = await send(a, { content: "one" });
    const second = await send(a, { content: "two" });
    const answer = await world.rest.get(`/api/messages?conversationId=${first.conversationId}`);
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body, { success: true, messages: [first, second] });
    const none = await world.rest.get("/api/messages?conversationId=4711");
    assert.deepEqual([none.status, none.body], [200, { success: true, messages: [] }]);
    assertRefused(await world.rest.get("/api/messages?conversationId="), 400, "Conversation ID is required");
  });

  each(STORES_ONLY, "limit, beforeSeq and afterSeq page through the history", async (world) => {
    const a = await world.user(1);
    const all = [];
    for (let i = 1; i <= 6; i += 1) all.push(await send(a, { content: `no ${i}` }));
    const c = all[0].conversationId;
    const pages = {
      "": [1, 2, 3, 4, 5, 6],
      "&limit=2": [5, 6],
      "&limit=1000": [1, 2, 3, 4, 5, 6],
      "&beforeSeq=4": [1, 2, 3],
      "&beforeSeq=4&limit=2": [2, 3],
      "&beforeSeq=1": [],
      "&afterSeq=4": [5, 6],
      "&afterSeq=1&limit=2": [2, 3],
      "&afterSeq=6": [],
      "&afterSeq=1&beforeSeq=4": [2, 3],
    };
    for (const [query, seqs] of Object.entries(pages)) {
      const messages = await world.rest.messages(c, query);
      assert.deepEqual(messages.map(({ seq }) => seq), seqs, query);
      for (const message of messages) assert.deepEqual(message, all[message.seq - 1]);
    }
  });

  each(STORES_ONLY, "senseless page parameters are no internal error", async (world) => {
    const a = await world.user(1);
    const { conversationId: c } = await send(a);
    for (const query of ["limit=0", "limit=-1", "limit=1001", "limit=x", "beforeSeq=x", "afterSeq=-1", "afterSeq=99999999999999999999"]) {
      const { status, body } = await world.rest.get(`/api/messages?conversationId=${c}&${query}`);
      assert.ok(status === 200 || status === 400, `${query}: ${status}`);
      assert.equal(body.success, status === 200, query);
    }
  });
});

describe("POST /api/messages", BUSY, () => {
  each(DIALECTS_AND_STORES, "JSON and urlencoded bodies are as good as a form", async (world) => {
    const b = await world.user(2);
    const fields = { senderId: "1", receiverId: "2", content: "a & b = ü", type: "text", fileSize: "12" };
    const answers = [
      await world.rest.postMultipart("/api/messages", fields),
      await world.rest.postUrlencoded("/api/messages", fields),
      await world.rest.post("/api/messages", { ...fields, senderId: 1, receiverId: 2, fileSize: 12 }),
    ];
    for (const { status, body } of answers) {
      assert.equal(status, 200, JSON.stringify(body));
      assertMessage(body.message, { senderId: 1, receiverId: 2, content: "a & b = ü", type: "text", fileSize: 12 });
      assert.deepEqual(await b.next("new_message"), body.message);
    }
    assert.deepEqual(answers.map(({ body }) => body.message.seq), [1, 2, 3]);
  });

  each(STORES_ONLY, "tempId becomes a number if it is numeric", async (world) => {
    for (const [sent, back] of [["17", 17], [17, 17], ["temp_17", "temp_17"]]) {
      const { body } = await world.rest.post("/api/messages", draft({ tempId: sent, content: `${typeof sent} ${sent}` }));
      assert.equal(body.message.tempId, back);
    }
    const { body } = await world.rest.post("/api/messages", draft());
    assert.equal("tempId" in body.message, false);
  });

  each(DIALECTS_AND_STORES, "incomplete messages are refused with their texts", async (world) => {
    const post = (fields) => world.rest.post("/api/messages", { conversationId: 42, ...fields });
    const people = "Sender ID and receiver ID are required";
    const content = "Message content is required";
    assertRefused(await post({ receiverId: 2, content: "hi" }), 400, people);
    assertRefused(await post({ senderId: 1, content: "hi" }), 400, people);
    assertRefused(await post({ senderId: "", receiverId: "", content: "hi" }), 400, people);
    assertRefused(await post({ senderId: 1, receiverId: 2 }), 400, content);
    assertRefused(await post({ senderId: 1, receiverId: 2, content: "" }), 400, content);
    assertRefused(await world.rest.postMultipart("/api/messages", { senderId: "1", receiverId: "2" }), 400, content);
    assert.deepEqual(await world.rest.conversations(1), []);
  });

  each(STORES_ONLY, "a file needs no text", async (world) => {
    const file = { fileUrl: "/u/a.mp4", fileName: "a.mp4", fileSize: "5", fileType: "video/mp4", type: "video" };
    const { status, body } = await world.rest.postMultipart("/api/messages", { senderId: "1", receiverId: "2", ...file });
    assert.equal(status, 200);
    assertMessage(body.message, { ...file, fileSize: 5, content: null });
  });

  each(STORES_ONLY, "an unused id is taken while the pair has no conversation, afterwards it must be the pair's", async (world) => {
    const first = await world.rest.post("/api/messages", draft({ conversationId: 777 }));
    assert.equal(first.status, 200, JSON.stringify(first.body));
    assert.equal(first.body.message.conversationId, 777);
    const other = await world.rest.post("/api/messages", draft({ conversationId: 778 }));
    assertRefused(other, 404, "Conversation not found");
    const foreign = await world.rest.post("/api/messages", draft({ senderId: 3, receiverId: 4, conversationId: 777 }));
    assertRefused(foreign, 404, "Conversation not found");
    assert.equal((await world.rest.messages(777)).length, 1);
  });

  each(STORES_ONLY, "text over the limit is 413, U+0000 is 400", async (world) => {
    const long = await world.rest.post("/api/messages", draft({ content: "x".repeat(65_537) }));
    assert.equal(long.status, 413);
    assert.equal(long.body.success, false);
    const huge = await world.rest.post("/api/messages", draft({ content: "x".repeat(1_100_000) }));
    assert.equal(huge.status, 413);
    assert.equal(huge.body.success, false);
    const nul = await world.rest.post("/api/messages", draft({ content: "a\0b" }));
    assert.equal(nul.status, 400);
    assert.equal(nul.body.success, false);
    const full = await world.rest.post("/api/messages", draft({ content: "ü".repeat(32_768) }));
    assert.equal(full.status, 200);
    assert.equal(full.body.message.content.length, 32_768);
  });
});

describe("PUT /api/messages and the list of conversations", BUSY, () => {
  each(DIALECTS_AND_STORES, "reading over REST tells the room and the other side", async (world) => {
    const { a, b, c } = await world.pair();
    await send(a, { tempId: "temp_1" });
    await b.next("new_message");
    const away = await world.user(1);
    const answer = await world.rest.put("/api/messages", { conversationId: c, userId: "2" });
    assert.deepEqual([answer.status, answer.body], [200, { success: true, updatedCount: 1 }]);
    for (const client of [a, b, away]) {
      const read = await client.next("messages_read");
      assertHas(read, { conversationId: c, userId: 2 });
      assertIso(read.readAt);
      await client.none("messages_read");
    }
    const again = await world.rest.put("/api/messages", { conversationId: String(c), userId: 2 });
    assert.deepEqual(again.body, { success: true, updatedCount: 0 });
    await a.next("messages_read");
    assert.equal((await world.rest.messages(c))[0].read, true);
  });

  each(STORES_ONLY, "incomplete read marks are refused", async (world) => {
    const text = "Conversation ID and user ID are required";
    for (const body of [{ userId: 1 }, { conversationId: 1 }, { conversationId: "", userId: 1 }, [], null]) {
      assertRefused(await world.rest.put("/api/messages", body), 400, text);
    }
  });

  each(STORES_ONLY, "the newest conversation stands on top", async (world) => {
    const a = await world.user(1);
    for (const receiverId of [2, 3, 4, 2]) await send(a, { receiverId, conversationId: 100 + receiverId });
    const others = (await world.rest.conversations(1)).map(({ otherUserId }) => otherUserId);
    assert.deepEqual(others, [2, 4, 3]);
    assert.deepEqual(await world.rest.conversations(99), []);
  });
});

describe("GET /api/user/me", BUSY, () => {
  each(DIALECTS_AND_STORES, "the user is who the header says in development", async (world) => {
    assertRefused(await world.rest.get("/api/user/me"), 401, "Unauthorized");
    const { status, body } = await world.rest.as({ "x-user-id": "5" }).get("/api/user/me");
    assert.equal(status, 200);
    const user = { id: 5, uid: null, phone: null, fullName: null, profilePicture: null };
    assert.deepEqual(body, { success: true, user });
  });
});

describe("surroundings", BUSY, () => {
  each(STORES_ONLY, "unknown paths, wrong methods and bad JSON are JSON errors", async (world) => {
    for (const path of ["/nope", "/api/nope", "/api/messages/nope/nope"]) {
      assertRefused(await world.rest.get(path), 404, "Not Found");
    }
    for (const [method, path] of [["DELETE", "/api/messages"], ["POST", "/api/messages/conversations"], ["GET", "/api/upload"]]) {
      assertJsonError(await world.rest.call(method, path), 405);
    }
    for (const text of ["{", "", "[1", '{"senderId":1,}']) {
      assertJsonError(await world.rest.post("/api/messages", text), 400);
      assertJsonError(await world.rest.put("/api/messages", text), 400);
    }
    assert.equal((await world.rest.get("/health")).status, 200);
  });

  each(AUTO_STORES, "without a fixed dialect health carries the words of all", async (world) => {
    const { status, body } = await world.rest.get("/health");
    assert.equal(status, 200);
    assertHas(body, { ok: true, status: "ok", service: "chat-service" });
    assert.equal(typeof body.uptime, "number");
    assertIso(body.timestamp);
    assert.equal((await world.rest.get("/nope")).status, 404);
  });

  each(DIALECTS_AND_STORES, "the root and the probes answer", async (world) => {
    const root = await world.rest.as({ accept: "application/json" }).get("/");
    assert.equal(root.status, 200);
    assert.deepEqual(Object.keys(root.body).sort(), ["ok", "uptime"]);
    const page = await world.rest.as({ accept: "text/html" }).get("/");
    assert.equal(page.status, 200);
    for (const path of ["/healthz", "/readyz"]) assert.equal((await world.rest.get(path)).status, 200);
  });
});

function assertJsonError({ status, body }, expected) {
  assert.equal(status, expected, JSON.stringify(body));
  assert.deepEqual(Object.keys(body).sort(), ["message", "success"]);
  assert.equal(body.success, false);
  assert.equal(typeof body.message, "string");
}
