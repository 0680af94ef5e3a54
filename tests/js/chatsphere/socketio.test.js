// The same words as Socket.IO events (contract: chatsphere, sections 1 to 3).

import assert from "node:assert/strict";
import { describe } from "node:test";
import {
  DIALECTS_AND_STORES, FULL, NO_ACCESS, NOT_SAVED, STORES_ONLY, assertM, assertSpread, contents, each, withTokens,
} from "../support/chatsphere.js";
import { BUSY } from "../support/matrix.js";
import { assertError, assertIso } from "../support/messages.js";

const DIALECT = "chatsphere";
const NO_ROOM = "roomId is required";

describe("Socket.IO", BUSY, () => {
  each(FULL, "C-22 Socket.IO and plain sockets hear each other", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const client = await sphere.world.connect({ auth: { dialect: DIALECT, userId: u.id } });
    const plain = await sphere.joined(v, R);
    assert.deepEqual(await client.emitWithAck("join", { roomId: R }), { ok: true, roomId: R, messages: [] });
    assert.deepEqual(client.order, ["join_confirmation", "previous_messages", "ack join"]);
    assert.deepEqual(await client.next("join_confirmation"), { roomId: R });
    assert.deepEqual(await client.next("previous_messages"), { messages: [] });
    client.forget();

    const ack = await client.emitWithAck("message", { roomId: R, content: "x" });
    assert.deepEqual(Object.keys(ack).sort(), ["message", "ok"]);
    const { message } = ack;
    assert.equal(ack.ok, true);
    assertM(message, { content: "x", userId: u.id, roomId: R, user: { id: u.id, username: "ali" } });
    assert.deepEqual(await client.next("new_message"), { message });
    assert.deepEqual(client.order, ["ack message", "new_message"]);
    assert.deepEqual(await plain.next("new_message"), { type: "new_message", message });

    plain.send({ type: "message", userId: v.id, roomId: R, content: "y" });
    const answer = await plain.next("new_message");
    assert.deepEqual(await client.next("new_message"), { message: answer.message });
    const [posted] = await sphere.post(v, R, "z");
    assert.deepEqual(await client.next("new_message"), { message: posted });
    await client.none();
    await plain.several("new_message", 1);
    await plain.none();
  });

  each(DIALECTS_AND_STORES, "the first event decides, and names the user", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    await sphere.post(u, R, "before");
    const client = await sphere.world.connect();
    const { messages } = await client.ask("join", { userId: v.id, roomId: R });
    assert.deepEqual(contents(messages), ["before"]);
    const { message } = await client.ask("message", { content: "hi" });
    assert.equal(message.userId, v.id);
    assert.deepEqual(await client.ask("leave_room", { roomId: R }), { ok: true });
    client.forget();
    await sphere.post(u, R, "unheard");
    await client.none();
  });

  each(DIALECTS_AND_STORES, "refusals are an error event and an ack with the same words", async (sphere) => {
    const { u, R } = await sphere.pair();
    const client = await sphere.world.connect({ auth: { dialect: DIALECT, userId: u.id } });
    await client.ask("join", { roomId: R });
    client.forget();
    const refused = [
      ["join", {}, NO_ROOM, "INVALID_PAYLOAD"],
      ["join", null, NO_ROOM, "INVALID_PAYLOAD"],
      ["join", { roomId: R, userId: {} }, "userId is invalid", "INVALID_PAYLOAD"],
      ["message", { roomId: R }, NOT_SAVED, "INVALID_PAYLOAD"],
      ["message", { roomId: R, content: "" }, NOT_SAVED, "INVALID_PAYLOAD"],
      ["message", { roomId: "nowhere", content: "x" }, NOT_SAVED, "NOT_FOUND"],
      ["message", { roomId: R, userId: "nope", content: "x" }, NOT_SAVED, "NOT_FOUND"],
    ];
    for (const [name, payload, text, code] of refused) {
      assertError(await client.emitWithAck(name, payload), code, text);
      assert.deepEqual(client.order, ["error", `ack ${name}`]);
      assert.deepEqual(await client.next("error"), { message: text });
      client.forget();
    }
    for (const name of ["zzz", "chat", "authenticate", "join_confirmation", "hello there"]) {
      const ack = await client.emitWithAck(name, { roomId: R });
      assert.deepEqual(ack, { ok: false, error: { code: "UNKNOWN_EVENT", message: `Unknown event: ${name}` } });
    }
    for (const args of [[], [5], ["text"], [[]], [Buffer.from("x")], [{ roomId: {} }], [{ content: { text: "x" } }]]) {
      for (const name of ["join", "message", "join_room", "new_message"]) {
        assertError(await client.emitWithAck(name, ...args), "INVALID_PAYLOAD");
      }
    }
    assertError(await client.emitWithAck("message", { content: "a\0b" }), "INVALID_PAYLOAD");
    assertError(await client.emitWithAck("message", { content: "x".repeat(65_537) }), "TOO_LARGE");
    await client.none("new_message");
    assert.deepEqual(await sphere.messages(u, R), []);
  });

  each(STORES_ONLY, "the second spelling is spoken here too", async (sphere) => {
    const { u, R } = await sphere.pair();
    const client = await sphere.world.connect({ auth: { dialect: DIALECT, userId: u.id } });
    await client.ask("join_room", { roomId: R });
    assert.deepEqual(client.order, ["message_history", "ack join_room"]);
    assert.deepEqual(await client.next("message_history"), { roomId: R, messages: [] });
    await client.ask("new_message", { content: "hi" });
    assertSpread({ type: "new_message", ...(await client.next("new_message")) }, { content: "hi", userId: u.id });
  });

  each(STORES_ONLY, "a repeated client id is answered with the first message", async (sphere) => {
    const { u, R } = await sphere.pair();
    const client = await sphere.world.connect({ auth: { dialect: DIALECT, userId: u.id } });
    await client.ask("join", { roomId: R });
    const first = await client.ask("message", { content: "once", clientMessageId: "c-1" });
    const again = await client.ask("message", { content: "other", clientMessageId: "c-1" });
    assert.equal("duplicate" in first, false);
    assert.deepEqual(again, { ...first, duplicate: true });
    await client.next("new_message");
    await client.none("new_message");
    assert.equal((await sphere.messages(u, R)).length, 1);
  });

  each(DIALECTS_AND_STORES, "a revoked token ends its Socket.IO sockets, and they do not come back", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const client = await sphere.world.connect({ auth: { dialect: DIALECT, token: u.token } });
    const other = await sphere.world.connect({ auth: { dialect: DIALECT, token: v.token } });
    for (const socket of [client, other]) await socket.ask("join", { roomId: R });
    assert.equal((await sphere.rest.call("DELETE", `/api/tokens/${u.tokenId}`)).status, 200);
    assert.equal(await client.next("(disconnect)"), "io server disconnect");
    await sphere.post(v, R, "secret");
    await other.next("new_message");
    await client.none("new_message");
    await other.none("(disconnect)");
  });
});

describe("Socket.IO with a key", BUSY, () => {
  withTokens(DIALECTS_AND_STORES, "the token decides who comes in", async (sphere) => {
    const { u, R } = await sphere.pair();
    const stranger = await sphere.user("can");
    for (const auth of [{}, { token: "bad" }, { userId: u.id }]) {
      assert.equal((await sphere.world.refused({ auth: { dialect: DIALECT, ...auth } })).message, "Authentication error");
    }
    const outside = await sphere.world.connect({ auth: { dialect: DIALECT, token: stranger.token } });
    assertError(await outside.emitWithAck("join", { roomId: R }), "FORBIDDEN", NO_ACCESS);
    assert.deepEqual(outside.order, ["error", "ack join"]);
    assert.deepEqual(await outside.next("error"), { message: NO_ACCESS });
    const inside = await sphere.world.connect({ auth: { dialect: DIALECT, token: u.token } });
    await inside.ask("join", { roomId: R });
    assertError(await inside.emitWithAck("message", { userId: stranger.id, roomId: R, content: "x" }), "FORBIDDEN", "Forbidden");
    const { message } = await inside.ask("message", { roomId: R, content: "hi" });
    assertIso(message.createdAt);
    await outside.none();
    assert.deepEqual(contents(await sphere.messages(u, R)), ["hi"]);
  });

  withTokens(STORES_ONLY, "the token may stand in the query, the header and the cookie", async (sphere) => {
    const { u, R } = await sphere.pair();
    const ways = [
      { query: { token: u.token } },
      { extraHeaders: { authorization: `Bearer ${u.token}` } },
      { extraHeaders: { cookie: `theme=dark; user_api_token=${u.token}` } },
      { auth: { token: `Bearer ${u.token}` } },
    ];
    for (const { auth, ...options } of ways) {
      const client = await sphere.world.connect({ auth: { dialect: DIALECT, ...auth }, ...options });
      await client.ask("join", { roomId: R });
      assert.equal((await client.ask("message", { content: "hi" })).message.userId, u.id);
    }
  });
});
