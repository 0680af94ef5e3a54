// What administrators of the server see and may do (contract: native, section 4; README, section 8).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { admin, user } from "../support/api_tokens.js";
import { BUSY, each } from "../support/matrix.js";
import { assertHas, assertIso } from "../support/messages.js";
import {
  STORES_ONLY, V1, ask, assertConversation, assertKeys, direct, fails, look, newRoom, person, range, rolesOf, send, settle, tokenPerson,
} from "../support/native.js";
import { TOKEN_MODE } from "../support/token.js";

const SOCKET_KEYS = ["number", "userId", "dialect", "transport", "since"];
const ROOM_KEYS = [
  "id", "name", "roomType", "isActive", "isOpen", "participantCount", "lastSeq", "lastMessageAt", "createdAt",
];
const ROOT = { role: "ADMIN" };

describe("administrators", BUSY, () => {
  each(STORES_ONLY, "see every live socket", async (world) => {
    await tokenPerson(world, "a");
    const b = await world.connect({ auth: { dialect: "native", token: (await userToken(world, "b")).token }, transports: ["polling"] });
    await b.next("session");
    const { sessions, total, nextCursor } = await admin(world).ok("GET", "/admin/sessions");
    assert.deepEqual([sessions.length, total, nextCursor], [2, 2, null]);
    for (const session of sessions) {
      assertKeys(session, SOCKET_KEYS);
      assertIso(session.since);
      assertHas(session, { dialect: "native" });
    }
    assert.deepEqual(sessions.map(({ userId }) => userId), ["a", "b"]);
    assert.equal(sessions[1].transport, "polling");
    const first = await admin(world).ok("GET", "/admin/sessions?limit=1");
    const second = await admin(world).ok("GET", `/admin/sessions?limit=1&cursor=${first.nextCursor}`);
    assert.deepEqual([first.sessions[0].userId, second.sessions[0].userId, second.total], ["a", "b", 2]);
    for (const query of ["limit=0", "limit=101", "cursor=x", "cursor=-1"]) {
      await admin(world).fails("GET", `/admin/sessions?${query}`, undefined, "INVALID_PAYLOAD");
    }
  }, TOKEN_MODE);

  each(STORES_ONLY, "see every room, also of others", async (world) => {
    const a = await tokenPerson(world, "a");
    await direct(a, "b");
    const ids = [];
    for (const i of range(1, 5)) ids.push(await newRoom(a, { [`m${i}`]: "MEMBER" }));
    await send(a, ids[0]);
    const seen = [];
    let cursor = "";
    do {
      const page = await admin(world).ok("GET", `/admin/rooms?limit=2${cursor}`);
      seen.push(...page.rooms);
      cursor = page.nextCursor && `&cursor=${page.nextCursor}`;
    } while (cursor);
    // Some dialects have rooms from the start.
    const made = seen.filter(({ id }) => ids.includes(id));
    assert.equal(made.length, ids.length);
    for (const room of seen) assertKeys(room, ROOM_KEYS);
    for (const room of made) {
      assertHas(room, { name: "The room", roomType: "group", participantCount: 2, isActive: true, isOpen: false });
      assert.equal(room.lastSeq, room.id === ids[0] ? 1 : 0);
    }
  }, TOKEN_MODE);

  each(STORES_ONLY, "are administrators in development mode only if they say so", async (world) => {
    await V1.as(world, "a").fails("GET", "/admin/rooms", undefined, "FORBIDDEN");
    await V1.as(world, "a", { "x-user-role": "ADMIN" }).ok("GET", "/admin/rooms");
  });

  each(STORES_ONLY, "manage rooms of people like an owner, and hear them once they have looked in", async (world) => {
    const owner = await tokenPerson(world, "owner");
    const room = await newRoom(owner, { m: "MEMBER" });
    const root = await tokenPerson(world, "root", ROOT);
    await settle(owner, root);
    await send(owner, room, { content: "unheard" });
    await root.none();
    const { conversation, messages } = await ask(root, "join_room", room);
    assertConversation(conversation, { id: room, role: null, unread: 0, participantCount: 2 });
    assert.equal(messages.length, 1);
    await send(owner, room, { content: "heard" });
    assert.equal((await root.next("new_message")).message.content, "heard");
    await ask(root, "set_role", { conversationId: room, userId: "m", role: "OWNER" });
    assert.deepEqual(rolesOf(await look(owner, room)), { owner: "OWNER", m: "OWNER" });
    await fails(root, "remove_participant", { conversationId: room, userId: "owner" }, "FORBIDDEN");
    await ask(root, "leave_room", room);
    root.forget();
    await send(owner, room, { content: "unheard again" });
    await root.none();
    assert.equal((await ask(root, "list_conversations")).conversations.length, 0);
  }, TOKEN_MODE);

  each(STORES_ONLY, "do not enter direct conversations", async (world) => {
    const a = await tokenPerson(world, "a");
    const c = await direct(a, "b");
    const root = await tokenPerson(world, "root", ROOT);
    for (const event of ["join_room", "history", "mark_read"]) await fails(root, event, { conversationId: c }, "NOT_FOUND");
  }, TOKEN_MODE);
});

/** A USER token of somebody, who exists from then on. */
function userToken(world, id) {
  return user(world, id).ok("POST", "/tokens", { name: "x", type: "USER", permissions: ["read"] });
}

describe("open rooms", BUSY, () => {
  each(STORES_ONLY, "are joined by anybody who knows the id, and only by join_room", async (world) => {
    const [a, n] = [await person(world, "a"), await person(world, "n")];
    const { conversation } = await ask(a, "create_room", { name: "Open", isOpen: true });
    await settle(a, n);
    await fails(n, "history", { conversationId: conversation.id }, "NOT_FOUND");
    await V1.as(world, "n").fails("GET", `/conversations/${conversation.id}`, undefined, "NOT_FOUND");
    assertConversation((await ask(n, "join_room", conversation.id)).conversation, { role: "MEMBER", participantCount: 2 });
    assert.deepEqual(n.order.slice(0, 1), ["ack history"]);
    assertConversation((await a.next("conversation_updated")).conversation, { participantCount: 2, role: "OWNER" });
    await send(n, conversation.id);
    await a.next("new_message");
    await fails(a, "create_room", { name: "x", isOpen: "yes" }, "INVALID_PAYLOAD");
  });
});
