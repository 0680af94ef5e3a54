// Rooms, messages and errors of the gallery dialect, key by key (contract: gallery, sections 3 and 4).

import assert from "node:assert/strict";
import { POSITION_KEYS, assertHas, assertIso, assertPositive, assertUuid } from "./messages.js";

const ROOM_KEYS = [
  "id", "room_type", "offer_id", "vehicle_id", "gallery_a_id", "gallery_b_id", "is_active", "closed_at",
  "last_message_at", "last_message_preview", "created_at", "updated_at",
];
const LISTED_KEYS = [
  ...ROOM_KEYS, "gallery_a_name", "gallery_b_name", "vehicle_brand", "vehicle_model", "vehicle_price", "vehicle_title",
  "unread_count",
];
const ROW_KEYS = [
  "id", "room_id", "sender_id", "message_type", "content", "file_url", "file_name", "file_size", "file_type", "read_at",
  "read_by", "metadata", "created_at",
];
const NAME_KEYS = ["first_name", "last_name"];

/** The status of each error code. */
const STATUS = {
  BAD_REQUEST: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  PAYLOAD_TOO_LARGE: 413,
  VALIDATION_ERROR: 422,
  INTERNAL_SERVER_ERROR: 500,
};

/** `data` of a success: these two keys and nothing else. */
export function dataOf({ status, body }) {
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(Object.keys(body).sort(), ["data", "success"]);
  assert.equal(body.success, true);
  return body.data;
}

/** What reading and deleting are answered with. */
export function assertDone({ status, body }, message) {
  assert.deepEqual({ status, body }, { status: 200, body: { success: true, message } });
}

/** An error of that code and text, without details; without a text any. */
export function assertRefused(answer, code, message = undefined) {
  const error = errorOf(answer, code, message);
  assert.equal("details" in error, false, JSON.stringify(error));
}

/** A wrong field: 422 that names it; without a field, whatever the details. */
export function assertInvalid(answer, field = undefined, message = undefined) {
  const error = errorOf(answer, "VALIDATION_ERROR", message);
  if (field !== undefined) assert.deepEqual(error.details, { field });
}

/** The `error` of an answer in the shape of the dialect. There is never a `message` beside it. */
export function errorOf({ status, body }, code, message = undefined) {
  assert.equal(status, STATUS[code], JSON.stringify(body));
  assert.deepEqual(Object.keys(body).sort(), ["error", "success"], JSON.stringify(body));
  assert.equal(body.success, false);
  const keys = Object.keys(body.error).filter((key) => key !== "details");
  assert.deepEqual(keys.sort(), ["code", "message"], JSON.stringify(body));
  assert.equal(body.error.code, code);
  assert.ok(typeof body.error.message === "string" && body.error.message !== "", JSON.stringify(body));
  if (message !== undefined) assert.equal(body.error.message, message);
  return body.error;
}

/** Exactly the 13 keys of a message and its position, each of its type, and `expected` among them. */
export function assertRow(row, expected = {}) {
  assertRowKeys(row, expected, []);
}

/** As `assertRow`, for rows in lists: with the two names. */
export function assertNamedRow(row, expected = {}) {
  assertRowKeys(row, expected, NAME_KEYS);
}

function assertRowKeys(row, expected, nameKeys) {
  assert.deepEqual(Object.keys(row).sort(), [...ROW_KEYS, ...POSITION_KEYS, ...nameKeys].sort());
  assertUuid(row.id);
  for (const key of ["room_id", "sender_id", "message_type"]) assert.equal(typeof row[key], "string", key);
  assertPositive(row);
  for (const key of ["content", "file_url", "file_name", "file_type", "read_by", ...nameKeys]) {
    assert.ok(row[key] === null || typeof row[key] === "string", `${key} is ${row[key]}`);
  }
  assert.ok(row.file_size === null || typeof row.file_size === "number", `file_size is ${row.file_size}`);
  assert.ok(typeof row.metadata === "object" && !Array.isArray(row.metadata), `metadata is ${row.metadata}`);
  assertIso(row.created_at);
  if (row.read_at !== null) assertIso(row.read_at);
  assertHas(row, expected);
}

/** Exactly the 12 keys of a room, each of its type, and `expected` among them. */
export function assertRoom(room, expected = {}) {
  assertRoomKeys(room, expected, ROOM_KEYS);
}

/** As `assertRoom`, for items of the list: exactly 19 keys. */
export function assertListed(item, expected = {}) {
  assertRoomKeys(item, expected, LISTED_KEYS);
  for (const key of ["gallery_a_name", "gallery_b_name", "vehicle_brand", "vehicle_model", "vehicle_title"]) {
    assert.ok(item[key] === null || typeof item[key] === "string", `${key} is ${item[key]}`);
  }
  assert.ok(item.vehicle_price === null || typeof item.vehicle_price === "number", `price is ${item.vehicle_price}`);
  assert.ok(Number.isSafeInteger(item.unread_count) && item.unread_count >= 0, `unread is ${item.unread_count}`);
}

/** As `assertRoom`, for a room with its messages. */
export function assertOpened(room, expected = {}) {
  assertRoomKeys(room, expected, [...ROOM_KEYS, "messages"]);
  for (const row of room.messages) assertNamedRow(row, { room_id: room.id });
}

function assertRoomKeys(room, expected, keys) {
  assert.deepEqual(Object.keys(room).sort(), [...keys].sort());
  assertUuid(room.id);
  assert.ok(["offer", "vehicle", "support"].includes(room.room_type), room.room_type);
  for (const key of ["gallery_a_id", "gallery_b_id"]) assert.equal(typeof room[key], "string", key);
  for (const key of ["offer_id", "vehicle_id", "last_message_preview"]) {
    assert.ok(room[key] === null || typeof room[key] === "string", `${key} is ${room[key]}`);
  }
  assert.equal(typeof room.is_active, "boolean");
  for (const key of ["created_at", "updated_at"]) assertIso(room[key]);
  for (const key of ["closed_at", "last_message_at"]) if (room[key] !== null) assertIso(room[key]);
  assertHas(room, expected);
}
