// Dialect native: people on it, its objects with exactly their keys, and its REST twin under /api/v1.

import assert from "node:assert/strict";
import { GETS_MS } from "./client.js";
import { eventually } from "./eventually.js";
import { combinationsOf } from "./matrix.js";
import { assertError, assertHas, assertIso, assertPositive } from "./messages.js";
import { token } from "./token.js";

/** Every request is answered within that, whatever else there is to do (contract/native.md). */
export const ANSWER_MS = 10_000;
/** When to say again that somebody types: sooner the others are not told (`RETELL` in src/chat/typing.rs). */
const TYPING_AGAIN_MS = 1_500;

export const {
  FULL, NO_SOCKET, STORES_ONLY, DIALECTS_AND_STORES, TRANSPORTS_AND_STORES, AUTO_STORES, ONCE,
} = combinationsOf("native");

/** Error codes, and the status of each under /api/v1. */
export const STATUS = {
  INVALID_PAYLOAD: 400, UNAUTHENTICATED: 401, FORBIDDEN: 403, NOT_FOUND: 404, CONFLICT: 409, TOO_LARGE: 413,
  RATE_LIMITED: 429, UNAVAILABLE: 503,
};
/** Every way to say that a thing cannot be done to this kind of conversation. */
export const NOT_HERE = ["INVALID_PAYLOAD", "FORBIDDEN", "NOT_FOUND", "CONFLICT"];
export const REFUSED = "Authentication error";

const SESSION_KEYS = ["user", "parties", "role", "epoch", "serverTime", "unreadTotal", "limits"];
const MESSAGE_KEYS = [
  "id", "conversationId", "seq", "rev", "senderId", "senderName", "senderParty", "kind", "content", "file", "metadata",
  "replyTo", "reactions", "clientMessageId", "createdAt", "editedAt", "deletedAt",
];
const FILE_KEYS = ["url", "name", "size", "type", "width", "height", "durationMs"];
const CONVERSATION_KEYS = [
  "id", "kind", "name", "description", "roomType", "isActive", "context", "participants", "participantCount",
  "lastMessage", "lastSeq", "lastRev", "lastReadSeq", "unread", "role", "createdAt", "updatedAt",
];
const CONTEXT_KEYS = ["offerId", "vehicleId", "galleryAId", "galleryBId"];
const PARTICIPANT_KEYS = ["userId", "name", "role", "online", "lastReadSeq", "joinedAt"];
const ERROR_KEYS = new Set(["code", "message", "details", "retryAfterMs", "requestId"]);
const ROLES = ["OWNER", "ADMIN", "MODERATOR", "MEMBER"];
/** Participants that a conversation names. */
const MAX_NAMED = 50;

// People.

/** A socket of that user in development mode; further fields go into `auth`. Its `session` is kept. */
export function person(world, id, auth = {}, options = {}) {
  return connected(world, { userId: id, ...auth }, options);
}

/** As `person`, in token mode: with a JWT of that user. */
export function tokenPerson(world, id, claims = {}, auth = {}) {
  return connected(world, { token: token(id, claims), ...auth });
}

async function connected(world, auth, options = {}) {
  const client = await world.connect({ auth: { dialect: "native", ...auth }, ...options });
  client.session = await client.next("session");
  return client;
}

/** Sockets of a and b in a direct conversation in which nothing was said. */
export async function pair(world) {
  const a = await person(world, "a", { name: "Ada" });
  const b = await person(world, "b", { name: "Bob" });
  const c = await direct(a, "b");
  await settle(a, b);
  return { a, b, c };
}

/** The id of the direct conversation with that user. */
export async function direct(client, userId) {
  return (await ask(client, "create_conversation", { userId })).conversation.id;
}

/** A room of OWNER a with further people: `roomOf(world, { b: "MODERATOR", c: "MEMBER" })`. */
export async function roomOf(world, roles = {}, as = person) {
  const people = { a: await as(world, "a") };
  for (const id of Object.keys(roles)) people[id] = await as(world, id);
  const room = await newRoom(people.a, roles);
  await settle(...Object.values(people));
  return { ...people, room };
}

/** The id of a room whose OWNER is this client. */
export async function newRoom(owner, roles = {}) {
  const { conversation } = await ask(owner, "create_room", { name: "The room", userIds: Object.keys(roles) });
  for (const [userId, role] of Object.entries(roles)) {
    if (role !== "MEMBER") await ask(owner, "set_role", { conversationId: conversation.id, userId, role });
  }
  return conversation.id;
}

/** Waits until nothing is on its way to any of them, and forgets what came. */
export async function settle(...clients) {
  await Promise.all(clients.map((client) => client.none("(nothing has this name)")));
  for (const client of clients) client.forget();
}

/** Waits until the counts that are pushed have come to `unread` in that conversation, and gives that one. */
export async function counted(client, conversationId, unread) {
  let count;
  do count = await client.next("unread");
  while (count.conversationId !== conversationId || count.unread !== unread);
  return count;
}

/**
 * Waits until `b` is told that `a` types in that conversation, and that it ended. What is not stored passes only
 * between servers that hear each other.
 */
export async function typingPasses(a, b, conversationId) {
  await eventually(async () => {
    await ask(a, "typing_start", { conversationId });
    while (!(await b.next("typing", TYPING_AGAIN_MS)).isTyping);
  });
  await ask(a, "typing_stop", { conversationId });
  while ((await b.next("typing")).isTyping);
}

// Requests.

/** The `data` of a request that must succeed, whose ack says nothing else. */
export async function ask(client, event, payload = {}, ms = GETS_MS) {
  const ack = await client.askWithin(ms, event, payload);
  assert.deepEqual(Object.keys(ack).sort(), ["data", "ok"], `${event}: ${JSON.stringify(ack)}`);
  return ack.data;
}

/** A request that must be refused with one of these codes. */
export async function fails(client, event, payload, ...codes) {
  const ack = await client.emitWithAck(event, payload);
  assert.equal(ack.ok, false, `${event} ${JSON.stringify(payload)} was accepted`);
  assert.ok(codes.includes(ack.error.code), `${event} ${JSON.stringify(payload)}: ${JSON.stringify(ack.error)}`);
  assertError(ack, ack.error.code);
  assertText(ack.error.message);
  return ack.error;
}

/** Sends and gives the stored message from the ack. */
export async function send(client, conversationId, fields = {}, ms = GETS_MS) {
  return (await ask(client, "send_message", { conversationId, content: "hi", ...fields }, ms)).message;
}

/** Sends `n` messages without waiting, `no 1`, `no 2`, ..., and waits for all acks. */
export async function sendMany(client, conversationId, n, first = 1) {
  const acks = await Promise.all(Array.from({ length: n }, (_, i) => {
    return client.emitWithin(60_000, "send_message", { conversationId, content: `no ${first + i}` });
  }));
  return acks.map((ack) => {
    assert.equal(ack.ok, true, JSON.stringify(ack));
    return ack.data.message;
  });
}

/** That conversation as this client sees it now. */
export async function look(client, conversationId) {
  return (await ask(client, "join_room", { conversationId })).conversation;
}

/** 1, 2, 3, ... as far as `last`. */
export function range(first, last) {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
}

/** The REST twin, as seen by one caller. */
export class V1 {
  /** @param {import("./rest.js").Rest} rest with the headers of the caller */
  constructor(rest) {
    this.rest = rest;
  }

  /** Somebody in development mode. */
  static as(world, id, headers = {}) {
    return new V1(world.rest.as({ "x-user-id": id, ...headers }));
  }

  /** Somebody with a JWT or an API token. */
  static bearer(world, secret, headers = {}) {
    return new V1(world.rest.bearer(secret).as(headers));
  }

  call(method, path, body = undefined) {
    const isJson = body !== undefined && !(body instanceof FormData);
    return isJson ? this.rest.json(method, `/api/v1${path}`, body) : this.rest.call(method, `/api/v1${path}`, body);
  }

  /** The data of a call that must succeed. */
  async ok(method, path, body = undefined) {
    const answer = await this.call(method, path, body);
    assert.ok(answer.status >= 200 && answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** A call that must be refused with one of these codes. */
  async fails(method, path, body, ...codes) {
    const answer = await this.call(method, path, body);
    assert.ok(codes.includes(answer.body?.error?.code), `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    assertRestError(answer, answer.body.error.code);
    return answer.body.error;
  }
}

/** The one error shape, with the status of its code. */
export function assertRestError(answer, code) {
  assert.equal(answer.status, STATUS[code], JSON.stringify(answer.body));
  assert.deepEqual(Object.keys(answer.body), ["error"]);
  const { error } = answer.body;
  assert.equal(error.code, code);
  assertText(error.message);
  assertText(error.requestId);
  for (const key of Object.keys(error)) assert.ok(ERROR_KEYS.has(key), `key ${key}`);
  assert.match(answer.headers.get("content-type"), /^application\/json/);
}

// Objects: exactly their keys, each of its type, and `expected` among them.

export function assertSession(session, expected = {}) {
  assertKeys(session, SESSION_KEYS);
  assertText(session.user.id);
  assert.ok(session.parties.includes(session.user.id), `parties ${session.parties}`);
  assert.ok(["ADMIN", "MODERATOR", "MEMBER"].includes(session.role), `role ${session.role}`);
  assertText(session.epoch);
  assertIso(session.serverTime);
  assertCount(session.unreadTotal, "unreadTotal");
  assert.ok(Object.keys(session.limits).length > 0, "no limits");
  assertHas(session, expected);
}

export function assertMessage(message, expected = {}) {
  assertKeys(message, MESSAGE_KEYS);
  for (const key of ["id", "conversationId", "senderId", "kind"]) assertText(message[key], key);
  assertPositive(message);
  for (const key of ["senderName", "senderParty", "content", "replyTo", "clientMessageId"]) {
    assert.ok(message[key] === null || typeof message[key] === "string", `${key} is ${message[key]}`);
  }
  if (message.file !== null) assertKeys(message.file, FILE_KEYS);
  assert.ok(message.metadata === null || typeof message.metadata === "object");
  for (const reaction of message.reactions) assertKeys(reaction, ["emoji", "count", "userIds"]);
  assertIso(message.createdAt);
  for (const key of ["editedAt", "deletedAt"]) assertIsoOrNull(message[key]);
  assertHas(message, expected);
}

export function assertConversation(conversation, expected = {}) {
  assertKeys(conversation, CONVERSATION_KEYS);
  assertText(conversation.id);
  assert.ok(["direct", "room"].includes(conversation.kind), `kind ${conversation.kind}`);
  assert.equal(typeof conversation.isActive, "boolean");
  if (conversation.context !== null) assertKeys(conversation.context, CONTEXT_KEYS);
  const { participants, participantCount } = conversation;
  assert.equal(participants.length, Math.min(participantCount, MAX_NAMED));
  for (const participant of participants) assertParticipant(participant);
  if (conversation.lastMessage !== null) {
    assertMessage(conversation.lastMessage, { conversationId: conversation.id, seq: conversation.lastSeq });
  }
  for (const key of ["lastSeq", "lastRev", "lastReadSeq", "unread"]) assertCount(conversation[key], key);
  for (const key of ["createdAt", "updatedAt"]) assertIso(conversation[key]);
  assertHas(conversation, expected);
}

export function assertParticipant(participant, expected = {}) {
  assertKeys(participant, PARTICIPANT_KEYS);
  assertText(participant.userId);
  assert.ok(ROLES.includes(participant.role), `role ${participant.role}`);
  assert.equal(typeof participant.online, "boolean");
  assertCount(participant.lastReadSeq, "lastReadSeq");
  assertIso(participant.joinedAt);
  assertHas(participant, expected);
}

/** Who takes part and as what: `{ a: "OWNER", b: "MEMBER" }`. */
export function rolesOf({ participants }) {
  return Object.fromEntries(participants.map(({ userId, role }) => [userId, role]));
}

export function assertKeys(object, keys) {
  assert.deepEqual(Object.keys(object ?? {}).sort(), [...keys].sort(), JSON.stringify(object));
}

export function assertText(value, what = "text") {
  assert.ok(typeof value === "string" && value !== "", `${what} is ${JSON.stringify(value)}`);
}

export function assertIsoOrNull(value) {
  if (value !== null) assertIso(value);
}

function assertCount(value, what) {
  assert.ok(Number.isSafeInteger(value) && value >= 0, `${what} is ${value}`);
}
