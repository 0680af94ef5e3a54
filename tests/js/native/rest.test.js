// The REST twin under /api/v1: the same operations, the same bodies, one error shape (contract: native, section 4).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { PNG } from "../support/files.js";
import { BUSY, each } from "../support/matrix.js";
import { assertHas } from "../support/messages.js";
import {
  DIALECTS_AND_STORES, NO_SOCKET, STORES_ONLY, V1, assertConversation, assertKeys, assertMessage, assertParticipant,
  assertRestError, person, range, roomOf, rolesOf, settle,
} from "../support/native.js";
import { OPERATIONS, requestOf, upload } from "../support/native_operations.js";

const JSON_TYPE = { "content-type": "application/json" };

describe("REST", BUSY, () => {
  each(NO_SOCKET, "a whole conversation without a socket", async (world) => {
    const [a, b] = ["a", "b"].map((id) => V1.as(world, id));
    const made = await a.ok("POST", "/conversations", { userId: "b" });
    assertKeys(made, ["conversation", "created"]);
    assert.equal(made.created, true);
    const path = `/conversations/${made.conversation.id}`;
    const messages = [];
    for (const content of ["one", "two", "three"]) {
      const data = await a.ok("POST", `${path}/messages`, { content });
      assertKeys(data, ["message"]);
      assertMessage(data.message, { content, senderId: "a" });
      messages.push(data.message);
    }
    const page = { messages, hasBefore: false, hasAfter: false };
    assert.deepEqual(await b.ok("GET", `${path}/messages`), page);
    const receipt = { conversationId: made.conversation.id, lastReadSeq: 2, unread: 1, unreadTotal: 1 };
    assert.deepEqual(await b.ok("POST", `${path}/read`, { upTo: 2 }), receipt);
    assertConversation((await b.ok("GET", path)).conversation, { unread: 1, lastReadSeq: 2, lastSeq: 3 });
    const list = await b.ok("GET", "/conversations");
    assertKeys(list, ["conversations", "nextCursor"]);
    assertHas(list.conversations[0], { id: made.conversation.id, unread: 1 });
  });

  each(NO_SOCKET, "a whole room without a socket", async (world) => {
    const [a, b, c] = ["a", "b", "c"].map((id) => V1.as(world, id));
    const { conversation } = await a.ok("POST", "/rooms", { name: "Room", description: "D", userIds: ["b"] });
    assertConversation(conversation, { kind: "room", role: "OWNER", participantCount: 2, description: "D" });
    const path = `/conversations/${conversation.id}`;
    assertConversation((await a.ok("PATCH", path, { name: "Renamed" })).conversation, { name: "Renamed", description: "D" });
    const added = await a.ok("POST", `${path}/participants`, { userId: "c", role: "MODERATOR" });
    assertKeys(added, ["participant"]);
    assertParticipant(added.participant, { userId: "c", role: "MODERATOR", online: false });
    const set = await a.ok("PATCH", `${path}/participants/b`, { role: "ADMIN" });
    assertKeys(set, ["participant"]);
    assertParticipant(set.participant, { userId: "b", role: "ADMIN" });
    assert.deepEqual(rolesOf((await c.ok("GET", path)).conversation), { a: "OWNER", b: "ADMIN", c: "MODERATOR" });
    assert.deepEqual(await b.ok("DELETE", `${path}/participants/c`), {});
    await c.fails("GET", path, undefined, "NOT_FOUND");
    await c.fails("POST", `${path}/messages`, { content: "x" }, "NOT_FOUND");
  });

  each(STORES_ONLY, "what REST does is heard on sockets", async (world) => {
    const { a, b, room } = await roomOf(world, { b: "MEMBER" });
    const rest = V1.as(world, "a");
    await rest.ok("PATCH", `/conversations/${room}`, { name: "Renamed" });
    assertHas((await b.next("conversation_updated")).conversation, { id: room, name: "Renamed" });
    await rest.ok("POST", `/conversations/${room}/messages`, { content: "hi" });
    await b.next("new_message");
    await V1.as(world, "b").ok("POST", `/conversations/${room}/read`, {});
    assertHas(await a.next("message_read"), { userId: "b", lastReadSeq: 1 });
    await settle(a, b);
    await rest.ok("POST", `/conversations/${room}/participants`, { userId: "c" });
    assert.equal((await b.next("conversation_updated")).conversation.participantCount, 3);
    await rest.ok("DELETE", `/conversations/${room}/participants/b`);
    assert.equal((await b.next("conversation_removed")).conversationId, room);
    await rest.ok("POST", "/rooms", { name: "Next", userIds: ["b"] });
    assertHas((await b.next("conversation_updated")).conversation, { name: "Next", role: "MEMBER" });
  });

  each(STORES_ONLY, "ids in a path are decoded, whatever they look like", async (world) => {
    const a = V1.as(world, "a");
    const { conversation } = await a.ok("POST", "/rooms", { name: "Room" });
    for (const userId of ["with space", "a/b", "çiğdem", "50%", "a?b#c", "..", "user@example.com"]) {
      await a.ok("POST", `/conversations/${conversation.id}/participants`, { userId });
      const path = `/conversations/${conversation.id}/participants/${encodeURIComponent(userId)}`;
      if (userId === "..") continue; // the URL parser of every client takes it for a step up
      assert.equal((await a.ok("PATCH", path, { role: "ADMIN" })).participant.userId, userId);
      assert.deepEqual(await a.ok("DELETE", path), {});
    }
    for (const id of ["%00", "a%00b", "x".repeat(129), "%ff"]) {
      const { status, body } = await a.call("GET", `/conversations/${id}`);
      assert.ok([400, 404].includes(status), `${id}: ${status} ${JSON.stringify(body)}`);
    }
  });

  each(STORES_ONLY, "the own name can be asked for", async (world) => {
    await person(world, "a", { name: "Ada" });
    const { user } = await V1.as(world, "a").ok("GET", "/users/me");
    assertHas(user, { id: "a", name: "Ada" });
  });

  each(STORES_ONLY, "an upload can be fetched by its link", async (world) => {
    const stored = await V1.as(world, "a").ok("POST", "/uploads", upload());
    const response = await fetch(new URL(stored.url, world.server.url));
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "image/png");
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), PNG);
    const rest = V1.as(world, "a");
    const none = new FormData();
    none.append("note", "no file here");
    await rest.fails("POST", "/uploads", none, "INVALID_PAYLOAD");
    await rest.fails("POST", "/uploads", {}, "INVALID_PAYLOAD");
  });
});

describe("REST errors", BUSY, () => {
  each(DIALECTS_AND_STORES, "without an identity everything is 401", async (world) => {
    const rest = new V1(world.rest);
    const place = { c: "x", m: "y", member: "m", newcomer: "n", tokenId: "t", epoch: "e" };
    // In development mode everybody is an administrator of the directory, also without a name.
    for (const operation of OPERATIONS.filter(({ call, about }) => call && about !== "directory")) {
      await rest.fails(...requestOf(operation, place), "UNAUTHENTICATED");
    }
  });

  each(DIALECTS_AND_STORES, "every error has the one shape, with an id of its request", async (world) => {
    const a = V1.as(world, "a");
    const b = V1.as(world, "b");
    const { conversation } = await a.ok("POST", "/rooms", { name: "Room", userIds: ["b"] });
    const path = `/conversations/${conversation.id}`;
    const errors = [
      await a.fails("POST", "/rooms", {}, "INVALID_PAYLOAD"),
      await a.fails("GET", `${path}/messages?limit=0`, undefined, "INVALID_PAYLOAD"),
      await b.fails("PATCH", path, { name: "x" }, "FORBIDDEN"),
      await b.fails("DELETE", `${path}/participants/a`, undefined, "FORBIDDEN"),
      await a.fails("GET", "/conversations/none", undefined, "NOT_FOUND"),
      await a.fails("POST", `${path}/messages`, { content: "x".repeat(70_000) }, "TOO_LARGE"),
      await new V1(world.rest).fails("GET", "/users/me", undefined, "UNAUTHENTICATED"),
    ];
    assert.equal(new Set(errors.map(({ requestId }) => requestId)).size, errors.length);
  });

  each(STORES_ONLY, "what is no JSON object is 400", async (world) => {
    const rest = V1.as(world, "a");
    const { conversation } = await rest.ok("POST", "/rooms", { name: "Room" });
    const path = `/conversations/${conversation.id}`;
    for (const body of ["", "{bad", "[]", "5", "null", '"text"', "{}{}", '{"a":1,}']) {
      for (const target of ["/rooms", "/conversations", `${path}/messages`, `${path}/participants`, "/tokens"]) {
        const answer = await rest.rest.call("POST", `/api/v1${target}`, body, JSON_TYPE);
        assertRestError(answer, "INVALID_PAYLOAD");
      }
    }
    const deep = `{"content":"x","metadata":${"[".repeat(5_000)}${"]".repeat(5_000)}}`;
    assertRestError(await rest.rest.call("POST", `/api/v1${path}/messages`, deep, JSON_TYPE), "INVALID_PAYLOAD");
    assert.deepEqual((await rest.ok("GET", `${path}/messages`)).messages, []);
    assert.equal((await rest.ok("GET", "/conversations")).conversations.length, 1);
  });

  each(STORES_ONLY, "unknown paths and methods are told as errors of this dialect", async (world) => {
    const rest = V1.as(world, "a");
    await rest.fails("GET", "/no-such-path", undefined, "NOT_FOUND");
    await rest.fails("GET", "/conversations/x/y/z", undefined, "NOT_FOUND");
    const { status } = await rest.call("PUT", "/conversations", {});
    assert.ok([404, 405].includes(status), `${status}`);
  });

  each(STORES_ONLY, "fifty calls at once are all answered", async (world) => {
    const rest = V1.as(world, "a");
    const { conversation } = await rest.ok("POST", "/rooms", { name: "Room" });
    const path = `/conversations/${conversation.id}/messages`;
    const answers = await Promise.all(range(1, 50).map((i) => rest.ok("POST", path, { content: `no ${i}` })));
    assert.deepEqual(answers.map(({ message }) => message.seq).sort((one, other) => one - other), range(1, 50));
  });
});
