// People of the school dialect, who are pairs of id and role, and the verbs of their front end.

import assert from "node:assert/strict";
import { combinationsOf } from "./matrix.js";
import { POSITION_KEYS, assertHas, assertIso, assertPositive, assertUuid } from "./messages.js";
import { token } from "./token.js";

export const { FULL, NO_SOCKET, STORES_ONLY, DIALECTS_AND_STORES, FIXED } = combinationsOf("school");

const MESSAGE_KEYS = ["id", "senderId", "recipientId", "content", "timestamp", "senderRole"];
const HISTORY_KEYS = [...MESSAGE_KEYS, "senderName"];
const ROW_KEYS = [
  "id", "senderId", "senderRole", "recipientId", "recipientRole", "content", "createdAt", "updatedAt", "isRead",
];

/** What teacher 1 sends to student 1; further fields replace or add. */
export function draft(fields = {}) {
  return { senderId: 1, senderRole: "teacher", recipientId: 1, recipientRole: "student", content: "hi", ...fields };
}

/** The draft without that key. */
export function draftWithout(key) {
  return Object.fromEntries(Object.entries(draft()).filter(([name]) => name !== key));
}

/** A token as the front end's own login issues it: no `sub`, the id as a number. */
export function personToken(id, role, claims = {}) {
  return token(id, { sub: undefined, id, email: `${role}.${id}@school.test`, role, ...claims });
}

/** A socket that authenticated as that person. */
export async function person(world, id, role, options = {}) {
  const client = await world.connect(options);
  await client.ask("authenticate", { userId: id, role });
  client.forget();
  return client;
}

/** As `person`, with a token of that person. */
export function tokenPerson(world, id, role, claims = {}) {
  return person(world, id, role, { auth: { token: personToken(id, role, claims) } });
}

/** Sockets of teacher 1 and student 1; nothing sent yet. */
export async function classroom(world) {
  return { t: await person(world, 1, "teacher"), s: await person(world, 1, "student") };
}

/** Sends and gives the stored message from the ack. */
export async function send(client, fields = {}) {
  return (await client.ask("new_message", draft(fields))).message;
}

/** HTTP calls with a token of that person. */
export function restOf(world, id, role, claims = {}) {
  return world.rest.bearer(personToken(id, role, claims));
}

export function postMessage(rest, fields = {}) {
  return rest.post("/api/messages/send", draft(fields));
}

/** Posts and gives the id of the stored message. */
export async function post(rest, fields = {}) {
  const { status, body } = await postMessage(rest, fields);
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(Object.keys(body).sort(), ["messageId", "success"]);
  assert.equal(body.success, true);
  assertUuid(body.messageId);
  return body.messageId;
}

export function getHistory(rest, teacherId, studentId, side = "teacher") {
  return rest.get(`/api/messages/${side}?teacherId=${teacherId}&studentId=${studentId}`);
}

/** Messages of the pair as its teacher (or its student) sees them. */
export async function history(rest, teacherId, studentId, side = "teacher") {
  const { status, body } = await getHistory(rest, teacherId, studentId, side);
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(Object.keys(body).sort(), ["messages", "success"]);
  assert.equal(body.success, true);
  for (const message of body.messages) assertShape(message, HISTORY_KEYS, "timestamp");
  return body.messages;
}

export function getDebug(rest, teacherId, studentId) {
  return rest.get(`/api/debug/messages?teacherId=${teacherId}&studentId=${studentId}&debug=true`);
}

/** Rows of the pair as the debug endpoint shows them to one of the two. */
export async function debugRows(rest, teacherId, studentId) {
  const { status, body } = await getDebug(rest, teacherId, studentId);
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(Object.keys(body).sort(), ["filteredMessages", "success"]);
  assert.equal(body.success, true);
  for (const row of body.filteredMessages) assertShape(row, ROW_KEYS, "createdAt", "updatedAt");
  return body.filteredMessages;
}

/** A string is sent as it is. */
export function patchRead(rest, body) {
  return rest.json("PATCH", "/api/messages/mark-read", body);
}

/** Marks and gives how many became read. */
export async function markRead(rest, messageIds) {
  const { status, body } = await patchRead(rest, { messageIds });
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(body, { success: true, updatedCount: body.updatedCount });
  return body.updatedCount;
}

export async function unreadCount(rest) {
  const { status, body } = await rest.get("/api/messages/unread-count");
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(body, { success: true, unreadCount: body.unreadCount });
  return body.unreadCount;
}

/** Exactly the keys of a message in events and acks, each of its type, and `expected` among them. */
export function assertMessage(message, expected = {}) {
  assertShape(message, MESSAGE_KEYS, "timestamp");
  assertHas(message, expected);
}

/** An error answer over HTTP. */
export function assertDenied(answer, status, error) {
  assert.deepEqual({ status: answer.status, body: answer.body }, { status, body: { success: false, error } });
}

function assertShape(message, keys, ...timeKeys) {
  assert.deepEqual(Object.keys(message).sort(), [...keys, ...POSITION_KEYS].sort());
  assertUuid(message.id);
  assertPositive(message);
  for (const key of timeKeys) assertIso(message[key]);
}
