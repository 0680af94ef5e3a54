// Messages of the chatsphere dialect over REST (contract: chatsphere, sections 3 and 4).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { MAX_TEXT_BYTES } from "../support/answers.js";
import {
  BAD_TOKEN, DIALECTS_AND_STORES, NO_ACCESS, NO_SOCKET, NO_TOKEN, STORES_ONLY, assertM, assertRefused, body, contents,
  each,
} from "../support/chatsphere.js";
import { BUSY } from "../support/matrix.js";

const NO_CONTENT = "Message content is required";
/** Most messages that one call gives. */
const MAX_MESSAGES = 1000;
const of = (roomId) => `/api/rooms/${roomId}/messages`;

describe("messages over REST", BUSY, () => {
  each(NO_SOCKET, "C-11 a posted message is answered and heard in the same words", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const socket = await sphere.joined(u, R);
    const posted = body(await v.rest.post(of(R), { content: "hi" }), 201);
    assertM(posted, { content: "hi", roomId: R, userId: v.id, user: { id: v.id, username: "veli" }, seq: 1 });
    assert.deepEqual(await socket.next("new_message"), { type: "new_message", message: posted });
    await socket.none();
    assert.deepEqual(await sphere.messages(u, R), [posted]);
  });

  each(NO_SOCKET, "posting looks at the token, then at the content, then at the access", async (sphere) => {
    const [u, v] = await sphere.users("ali", "veli");
    const R = await sphere.room(u);
    const socket = await sphere.joined(u, R);
    const client = await sphere.clientToken(u);
    assertRefused(await sphere.rest.post(of(R), {}), 401, NO_TOKEN);
    assertRefused(await sphere.rest.post(of(R), { content: "x" }), 401, NO_TOKEN);
    assertRefused(await sphere.rest.as({ "x-user-id": u.id }).post(of(R), { content: "x", userId: u.id }), 401, NO_TOKEN);
    for (const wrong of [{}, { content: "" }, { content: null }]) {
      assertRefused(await u.rest.post(of(R), wrong), 400, NO_CONTENT);
      assertRefused(await v.rest.post(of(R), wrong), 400, NO_CONTENT);
      assertRefused(await client.rest.post(of("x"), wrong), 400, NO_CONTENT);
    }
    for (const roomId of [R, "x"]) {
      assertRefused(await v.rest.post(of(roomId), { content: "x" }), 403, NO_ACCESS);
      assertRefused(await v.rest.get(of(roomId)), 403, NO_ACCESS);
    }
    assertRefused(await client.rest.post(of("x"), { content: "x" }), 404, "Room not found");
    await socket.none();
    assert.deepEqual(await sphere.messages(u, R), []);
  });

  each(NO_SOCKET, "a client application reads and writes every room as its user", async (sphere) => {
    const [u, v] = await sphere.users("ali", "veli");
    const R = await sphere.room(u);
    const client = await sphere.clientToken(v);
    const posted = body(await client.rest.post(of(R), { content: "hi" }), 201);
    assertM(posted, { content: "hi", userId: v.id, user: { id: v.id, username: "veli" } });
    assert.deepEqual(body(await client.rest.get(of(R)), 200), [posted]);
  });

  each(NO_SOCKET, "who writes is what the token says", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const posted = body(await u.rest.as({ "x-user-id": v.id }).post(of(R), { content: "hi" }), 201);
    assert.equal(posted.userId, u.id);
  });

  each(NO_SOCKET, "text that is too long or holds U+0000 is not stored", async (sphere) => {
    const { u, R } = await sphere.pair();
    const longest = "ü".repeat(MAX_TEXT_BYTES / 2);
    assert.equal(body(await u.rest.post(of(R), { content: longest }), 201).content, longest);
    for (const [content, status] of [[`${longest}x`, 413], ["x".repeat(1_100_000), 413], ["a\0b", 400]]) {
      const answer = await u.rest.post(of(R), { content });
      assert.equal(answer.status, status);
      assert.deepEqual(Object.keys(answer.body), ["error"]);
    }
    for (const content of [{ text: "x" }, ["x"]]) {
      const { status } = await u.rest.post(of(R), { content });
      assert.ok(status >= 400 && status < 500, `${status}`);
    }
    assert.equal((await sphere.messages(u, R)).length, 1);
  });

  for (const key of ["clientMessageId", "clientId", "client_offset"]) {
    each(STORES_ONLY, `a repeated ${key} gives the first message again`, async (sphere) => {
      const { u, v, R } = await sphere.pair();
      const socket = await sphere.joined(v, R);
      const first = body(await u.rest.post(of(R), { content: "once", [key]: "c-1" }), 201);
      const again = body(await u.rest.post(of(R), { content: "other", [key]: "c-1" }), 201);
      assert.deepEqual(again, first);
      assert.notEqual(body(await v.rest.post(of(R), { content: "of v", [key]: "c-1" }), 201).id, first.id);
      assert.deepEqual((await socket.several("new_message", 2)).map(({ message }) => message.content), ["once", "of v"]);
      await socket.none();
      assert.deepEqual(contents(await sphere.messages(u, R)), ["once", "of v"]);
    });
  }

  each(STORES_ONLY, "messages are paged by their position", async (sphere) => {
    const { u, R } = await sphere.pair();
    const all = await sphere.post(u, R, "1", "2", "3", "4", "5", "6");
    const pages = {
      "": [1, 2, 3, 4, 5, 6],
      "?limit=2": [5, 6],
      "?limit=1000": [1, 2, 3, 4, 5, 6],
      "?beforeSeq=4": [1, 2, 3],
      "?beforeSeq=4&limit=2": [2, 3],
      "?beforeSeq=1": [],
      "?afterSeq=4": [5, 6],
      "?afterSeq=1&limit=2": [2, 3],
      "?afterSeq=6": [],
      "?afterSeq=1&beforeSeq=4": [2, 3],
    };
    for (const [query, seqs] of Object.entries(pages)) {
      const messages = await sphere.messages(u, R, query);
      assert.deepEqual(messages.map(({ seq }) => seq), seqs, query);
      for (const message of messages) assert.deepEqual(message, all[message.seq - 1]);
    }
    for (const query of ["limit=0", "limit=-1", "limit=x", "beforeSeq=x", "afterSeq=-1", "afterSeq=99999999999999999999"]) {
      const { status } = await u.rest.get(`${of(R)}?${query}`);
      assert.ok(status === 200 || status === 400, `${query}: ${status}`);
    }
  });

  each(STORES_ONLY, "of a long room the newest thousand are given", async (sphere) => {
    const { u, R } = await sphere.pair();
    const socket = await sphere.joined(u, R);
    for (let i = 1; i <= MAX_MESSAGES + 5; i += 1) {
      socket.send({ type: "message", userId: u.id, roomId: R, content: String(i) });
    }
    await socket.several("new_message", MAX_MESSAGES + 5, 20_000);
    const messages = await sphere.messages(u, R);
    const newest = Array.from({ length: MAX_MESSAGES }, (_, i) => String(i + 6));
    assert.deepEqual(contents(messages), newest);
  });
});

describe("messages of many rooms", BUSY, () => {
  each(NO_SOCKET, "C-16 only a client application sees all messages", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const Q = await sphere.room(v);
    const [first] = await sphere.post(u, R, "one");
    const [second, third] = await sphere.post(v, Q, "two", "three");
    const client = await sphere.clientToken(u);
    const all = body(await client.rest.get("/api/messages"), 200);
    const rooms = { [R]: await roomOf(sphere, R), [Q]: await roomOf(sphere, Q) };
    const expected = [third, second, first].map((message) => ({ ...message, room: rooms[message.roomId] }));
    assert.deepEqual(all.slice(0, 3), expected);
    for (const message of all) assertM(message, {}, ["room"]);
    assertRefused(await v.rest.get("/api/messages"), 403, "Only client tokens can access all messages");
    assertRefused(await u.rest.get("/api/messages"), 403, "Only client tokens can access all messages");
  });

  each(STORES_ONLY, "all messages need a token", async ({ rest }) => {
    assertRefused(await rest.get("/api/messages"), 401, NO_TOKEN);
    assertRefused(await rest.bearer("bad").get("/api/messages"), 401, BAD_TOKEN);
  });

  each(DIALECTS_AND_STORES, "a query token names this dialect as well as a header does", async (sphere) => {
    const u = await sphere.user("ali");
    const client = await sphere.clientToken(u);
    assert.deepEqual(body(await sphere.rest.get(`/api/messages?token=${client.token}`), 200), []);
    const cookie = sphere.rest.as({ cookie: `user_api_token=${client.token}` });
    assert.deepEqual(body(await cookie.get("/api/messages"), 200), []);
  });

  each(NO_SOCKET, "everybody sees the own messages, newest first", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const Q = await sphere.room(u);
    const [first] = await sphere.post(u, R, "one");
    await sphere.post(v, R, "of v");
    const [second] = await sphere.post(u, Q, "two");
    assert.deepEqual(body(await u.rest.get("/api/messages/user"), 200), [
      { ...second, room: await roomOf(sphere, Q) }, { ...first, room: await roomOf(sphere, R) },
    ]);
    assert.deepEqual(contents(body(await v.rest.get("/api/messages/user"), 200)), ["of v"]);
    assertRefused(await sphere.rest.get("/api/messages/user"), 401, NO_TOKEN);
  });
});

/** A room as it stands beside a message: four keys. */
async function roomOf(sphere, roomId) {
  const { users, ...room } = body(await sphere.rest.get(`/api/rooms/${roomId}`), 200);
  assert.ok(Array.isArray(users));
  return room;
}
