// Making and listing conversations (contract: native, section 2).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BUSY, each } from "../support/matrix.js";
import {
  DIALECTS_AND_STORES, FULL, STORES_ONLY, V1, ask, assertConversation, assertKeys, direct, fails, newRoom, pair, person,
  range, send, settle,
} from "../support/native.js";

const BAD_LIMITS = [0, -1, 101, 1.5, "x", {}, true];
const BAD_CURSORS = ["x", "%%%", 5, {}, "a\0b", "eyJhIjoxfQ"];

describe("direct conversations", BUSY, () => {
  each(FULL, "N-02 five sockets at once get one conversation", async (world) => {
    const sockets = await Promise.all(range(1, 5).map(() => person(world, "a")));
    const answers = await Promise.all(sockets.map((client) => ask(client, "create_conversation", { userId: "b" })));
    assert.equal(new Set(answers.map(({ conversation }) => conversation.id)).size, 1);
    assert.deepEqual(answers.map(({ created }) => created).sort(), [false, false, false, false, true]);
    for (const answer of answers) assertKeys(answer, ["conversation", "created"]);
  });

  each(STORES_ONLY, "both users and both ways of asking get the same one", async (world) => {
    const a = await person(world, "a");
    const b = await person(world, "b");
    const rests = ["a", "b"].map((id) => V1.as(world, id));
    const answers = await Promise.all([
      ask(a, "create_conversation", { userId: "b" }),
      ask(b, "create_conversation", { userId: "a" }),
      rests[0].ok("POST", "/conversations", { userId: "b" }),
      rests[1].ok("POST", "/conversations", { userId: "a" }),
    ]);
    assert.equal(new Set(answers.map(({ conversation }) => conversation.id)).size, 1);
    assert.equal(answers.filter(({ created }) => created).length, 1);
    for (const answer of answers) assertKeys(answer, ["conversation", "created"]);
  });

  each(DIALECTS_AND_STORES, "a new conversation has all keys and the name of the other user", async (world) => {
    const a = await person(world, "a", { name: "Ada" });
    const b = await person(world, "b", { name: "Bob" });
    const { conversation, created } = await ask(a, "create_conversation", { userId: "b" });
    assert.equal(created, true);
    assertConversation(conversation, {
      kind: "direct", name: "Bob", description: null, roomType: null, isActive: true, context: null, participantCount: 2,
      lastMessage: null, lastSeq: 0, lastReadSeq: 0, unread: 0,
    });
    const online = conversation.participants.map(({ userId, name, online }) => [userId, name, online]);
    assert.deepEqual(online.sort(), [["a", "Ada", true], ["b", "Bob", true]]);
    const told = await b.next("conversation_updated");
    assertKeys(told, ["conversation"]);
    assertConversation(told.conversation, { id: conversation.id, kind: "direct", name: "Ada", unread: 0 });
  });

  each(STORES_ONLY, "nobody needs to exist before being written to", async (world) => {
    const a = await person(world, "a");
    const { conversation } = await ask(a, "create_conversation", { userId: "never-seen" });
    assertConversation(conversation);
    await send(a, conversation.id, { content: "waiting" });
    const b = await person(world, "never-seen");
    assert.equal(b.session.unreadTotal, 1);
    assert.equal((await ask(b, "list_conversations")).conversations[0].lastMessage.content, "waiting");
  });

  each(STORES_ONLY, "bad user ids are refused", async (world) => {
    const a = await person(world, "a");
    for (const userId of [undefined, null, "", false, {}, [], ["b"], -1, 1.5, 2 ** 53, "x".repeat(129), "a\0b"]) {
      await fails(a, "create_conversation", { userId }, "INVALID_PAYLOAD");
      await V1.as(world, "a").fails("POST", "/conversations", { userId }, "INVALID_PAYLOAD");
    }
    assert.deepEqual(await ask(a, "list_conversations"), { conversations: [], nextCursor: null });
  });
});

describe("the list", BUSY, () => {
  each(DIALECTS_AND_STORES, "newest activity comes first, each with its last message and what is unread", async (world) => {
    const { a, b, c } = await pair(world);
    const room = await newRoom(a, { b: "MEMBER" });
    await send(a, c, { content: "one" });
    await send(a, room, { content: "two" });
    await send(a, room, { content: "three" });
    const own = (await ask(a, "list_conversations")).conversations;
    const { conversations, nextCursor } = await ask(b, "list_conversations", { limit: 100 });
    assert.equal(nextCursor, null);
    for (const conversation of [...own, ...conversations]) assertConversation(conversation);
    assert.deepEqual(own.map(({ id, unread }) => [id, unread]), [[room, 0], [c, 0]]);
    assert.deepEqual(conversations.map(({ id, unread, lastSeq }) => [id, unread, lastSeq]), [[room, 2, 2], [c, 1, 1]]);
    assert.deepEqual(conversations.map(({ lastMessage }) => lastMessage.content), ["three", "one"]);
    assert.equal(conversations[0].role, "MEMBER");
    assert.equal(own[0].role, "OWNER");
    await send(b, c, { content: "four" });
    const after = (await ask(a, "list_conversations")).conversations;
    assert.deepEqual(after.map(({ id, unread }) => [id, unread]), [[c, 1], [room, 0]]);
  });

  each(STORES_ONLY, "the REST list is the same list", async (world) => {
    const { a, b, c } = await pair(world);
    await newRoom(b, { a: "ADMIN" });
    await send(b, c);
    const list = await ask(a, "list_conversations");
    assert.equal(list.conversations.length, 2);
    const rest = V1.as(world, "a");
    assert.deepEqual(await rest.ok("GET", "/conversations"), list);
    const { conversation } = await rest.ok("GET", `/conversations/${c}`);
    assert.deepEqual(conversation, list.conversations[0]);
  });

  each(STORES_ONLY, "cursors lead through everything once, newest first", async (world) => {
    const a = await person(world, "a");
    const ids = [];
    for (const i of range(1, 23)) ids.unshift(await direct(a, `friend-${i}`));
    for (const i of [4, 11]) {
      await send(a, ids[i]);
      ids.unshift(...ids.splice(i, 1));
    }
    const rest = V1.as(world, "a");
    for (const limit of [1, 10, 23, 100]) {
      assert.deepEqual(await walk((cursor) => ask(a, "list_conversations", { limit, cursor }), limit), ids);
      const query = (cursor) => new URLSearchParams({ limit, ...(cursor && { cursor }) });
      assert.deepEqual(await walk((cursor) => rest.ok("GET", `/conversations?${query(cursor)}`), limit), ids);
    }
  });

  each(STORES_ONLY, "fifty come unless another number was asked for", async (world) => {
    const a = await person(world, "a");
    for (const i of range(1, 51)) await direct(a, `friend-${i}`);
    const first = await ask(a, "list_conversations");
    assert.equal(first.conversations.length, 50);
    const second = await ask(a, "list_conversations", { cursor: first.nextCursor });
    assert.deepEqual([second.conversations.length, second.nextCursor], [1, null]);
  });

  each(DIALECTS_AND_STORES, "bad limits and cursors are refused", async (world) => {
    const a = await person(world, "a");
    const rest = V1.as(world, "a");
    for (const limit of BAD_LIMITS) await fails(a, "list_conversations", { limit }, "INVALID_PAYLOAD");
    for (const limit of ["0", "-1", "101", "1.5", "x"]) {
      await rest.fails("GET", `/conversations?limit=${limit}`, undefined, "INVALID_PAYLOAD");
    }
    for (const cursor of BAD_CURSORS) await fails(a, "list_conversations", { cursor }, "INVALID_PAYLOAD");
    await rest.fails("GET", "/conversations?cursor=nonsense", undefined, "INVALID_PAYLOAD");
  });

  each(STORES_ONLY, "a cursor of somebody else shows nothing of theirs", async (world) => {
    const a = await person(world, "a");
    const b = await person(world, "b");
    for (const i of range(1, 3)) await direct(a, `friend-${i}`);
    const { nextCursor } = await ask(a, "list_conversations", { limit: 1 });
    const ack = await b.emitWithAck("list_conversations", { cursor: nextCursor });
    if (ack.ok) assert.deepEqual(ack.data.conversations, []);
    else assert.equal(ack.error.code, "INVALID_PAYLOAD");
  });

  each(STORES_ONLY, "a room that somebody else is in stays out of the list", async (world) => {
    const { a, b, c } = await pair(world);
    const room = await newRoom(a, { x: "MEMBER" });
    await settle(a, b);
    assert.deepEqual((await ask(b, "list_conversations")).conversations.map(({ id }) => id), [c]);
    await fails(b, "join_room", { conversationId: room }, "NOT_FOUND");
    await V1.as(world, "b").fails("GET", `/conversations/${room}`, undefined, "NOT_FOUND");
  });

  each(STORES_ONLY, "participants are named up to fifty, and counted beyond", async (world) => {
    const a = await person(world, "a");
    const userIds = range(1, 60).map((i) => `member-${i}`);
    const { conversation } = await ask(a, "create_room", { name: "Crowd", userIds });
    assertConversation(conversation, { participantCount: 61, role: "OWNER" });
    assert.equal(new Set(conversation.participants.map(({ userId }) => userId)).size, 50);
  });
});

/** Ids of all pages, as the cursors lead through them. */
async function walk(page, limit) {
  const ids = [];
  let cursor;
  do {
    const { conversations, nextCursor } = await page(cursor);
    assert.ok(conversations.length > 0 && conversations.length <= limit, `${conversations.length} of ${limit}`);
    ids.push(...conversations.map(({ id }) => id));
    cursor = nextCursor;
  } while (cursor !== null);
  return ids;
}
