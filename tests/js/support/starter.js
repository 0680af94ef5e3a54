// People of the starter dialect, and the shapes they hear.

import assert from "node:assert/strict";
import { combinationsOf } from "./matrix.js";
import { POSITION_KEYS, assertHas, assertIso, assertPositive } from "./messages.js";

export const { FULL, FIXED, STORES_ONLY, DIALECTS_AND_STORES, TRANSPORTS_AND_STORES, AUTO_STORES } = combinationsOf("starter");

const RECEIVED_KEYS = ["id", "sender", "senderId", "timestamp", ...POSITION_KEYS];
const ROOM_KEYS = [...RECEIVED_KEYS, "room", "readBy", "reactions"];
const PRIVATE_KEYS = [...RECEIVED_KEYS, "message", "isPrivate"];

/** Connected sockets of people who have joined under these names, one after the other. */
export async function people(world, ...names) {
  const all = [];
  for (const name of names) {
    all.push(await world.connect());
    await all.at(-1).ask("user_join", name);
    for (const client of all) await joinedBy(client, name); // the last that is heard of it
  }
  for (const client of all) client.forget();
  return all;
}

/** As `people`, in room mode: each joins one room, given as `[name, room]`. */
export async function inRooms(world, ...places) {
  const all = [];
  for (const [username, room] of places) {
    const client = await world.connect();
    await client.ask("user_join", { username, room });
    await client.next("user_list");
    for (const other of all.filter((other) => other.room === room)) await joinedBy(other.client, username);
    all.push({ client, room });
  }
  const clients = all.map(({ client }) => client);
  await Promise.all(clients.map((client) => client.none("(anything)"))); // lists of rooms may still be on their way
  for (const client of clients) client.forget();
  return clients;
}

/** As `inRooms`, all in one. */
export function roommates(world, room, ...names) {
  return inRooms(world, ...names.map((name) => [name, room]));
}

async function joinedBy(client, username) {
  while ((await client.next("user_joined")).username !== username);
}

/** Sends and gives the stored message from the ack. */
export async function send(client, payload) {
  return (await client.ask("send_message", payload)).message;
}

/** REST of this dialect, whatever dialect the server is set to. */
export function restOf(world) {
  return world.rest.as({ "x-sohbet-dialect": "starter" });
}

/** A public message: exactly the keys of the sender and ours. */
export function assertReceived(message, expected, passed = ["message"]) {
  assertShape(message, [...RECEIVED_KEYS, ...passed], expected);
}

/** A message of a room. */
export function assertRoomMessage(message, expected = {}) {
  assertShape(message, [...ROOM_KEYS, "message"], expected);
  for (const key of ["readBy", "reactions"]) {
    assert.ok(message[key] !== null && typeof message[key] === "object" && !Array.isArray(message[key]), key);
  }
}

export function assertPrivate(message, expected) {
  assertShape(message, PRIVATE_KEYS, { isPrivate: true, ...expected });
}

/** Ids go strictly up. */
export function assertAscending(messages) {
  for (const [i, { id }] of messages.entries()) {
    assert.ok(i === 0 || id > messages[i - 1].id, `${id} after ${messages[i - 1]?.id}`);
  }
}

export function texts(messages) {
  return messages.map(({ message }) => message);
}

function assertShape(message, keys, expected) {
  assert.deepEqual(Object.keys(message).sort(), [...keys].sort());
  assertPositive(message, ["id", ...POSITION_KEYS]);
  assertIso(message.timestamp);
  assertHas(message, expected);
}
