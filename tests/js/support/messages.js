// The message object of the messaging dialect, short ways to send one, and checks that every dialect needs.

import assert from "node:assert/strict";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
/** Every message object has them (contract: README, section 6.12). */
export const POSITION_KEYS = ["seq", "rev"];
/** Exactly the keys of a message, wherever it was written. */
export const MESSAGE_KEYS = [
  "id", "conversationId", "senderId", "receiverId", "content", "type", "fileUrl", "fileName", "fileSize", "fileType",
  "read", "readAt", "createdAt", "updatedAt", "sender", "receiver",
  ...POSITION_KEYS,
];
/** Front ends take ids from here on for their own temporary ones. */
const ID_LIMIT = 10 ** 12;

/** What user 1 sends to user 2; further fields replace or add. */
export function draft(fields = {}) {
  return { conversationId: 42, senderId: 1, receiverId: 2, content: "hi", type: "text", ...fields };
}

/** Sends and gives the stored message from the ack. */
export async function send(client, fields = {}) {
  return (await client.ask("send_message", draft(fields))).message;
}

/** Exactly the keys of a message, each of its type, and `expected` among them. */
export function assertMessage(message, expected = {}, extraKeys = []) {
  assert.deepEqual(Object.keys(message).sort(), [...MESSAGE_KEYS, ...extraKeys].sort());
  assertPositive(message, ["id", ...POSITION_KEYS]);
  assert.ok(message.id < ID_LIMIT, `id ${message.id} looks like a temporary one`);
  for (const key of ["createdAt", "updatedAt"]) assertIso(message[key]);
  for (const [person, id] of [["sender", message.senderId], ["receiver", message.receiverId]]) {
    assert.deepEqual(Object.keys(message[person]).sort(), ["fullName", "id", "profilePicture"]);
    assert.equal(message[person].id, id);
  }
  assertHas(message, expected);
}

/** `expected` is among the fields of `actual`. */
export function assertHas(actual, expected) {
  const found = Object.fromEntries(Object.keys(expected).map((key) => [key, actual?.[key]]));
  assert.deepEqual(found, expected);
}

export function assertIso(text) {
  assert.match(String(text), ISO);
}

export function assertUuid(id) {
  assert.match(String(id), UUID);
}

/** These fields are whole numbers from 1 on. */
export function assertPositive(object, keys = POSITION_KEYS) {
  for (const key of keys) assert.ok(Number.isSafeInteger(object[key]) && object[key] > 0, `${key} is ${object[key]}`);
}

/** The error of an ack: code from the closed list and a text. */
export function assertError(ack, code, message = undefined) {
  assert.deepEqual(Object.keys(ack).sort(), ["error", "ok"], JSON.stringify(ack));
  assert.equal(ack.ok, false);
  assert.equal(ack.error.code, code, JSON.stringify(ack));
  if (message !== undefined) assert.equal(ack.error.message, message);
}

/** A `message_error` event repeats its text, and carries `tempId` only if one was sent. */
export function assertMessageError(event, code, message, tempId = undefined) {
  const expected = { message, error: message, code };
  assert.deepEqual(event, tempId === undefined ? expected : { ...expected, tempId });
}
