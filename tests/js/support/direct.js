// Users and groups of the direct dialect, and the two events that they send.

import assert from "node:assert/strict";
import { query } from "./database.js";
import { eventually } from "./eventually.js";
import { combinationsOf } from "./matrix.js";
import { POSITION_KEYS, assertHas, assertIso, assertPositive } from "./messages.js";
import { token } from "./token.js";

export const { FULL, STORES_ONLY, DIALECTS_AND_STORES, TRANSPORTS_AND_STORES, FIXED, AUTO_STORES } = combinationsOf("direct");

const CHAT_KEYS = ["senderId", "messageContent", "timestamp", "id", ...POSITION_KEYS];
const ACK_KEYS = ["ok", "id", "timestamp", "delivered"];

/** A socket that registered as that user, and what it has heard since: for whom messages wait. */
export async function registered(world, id, options = {}) {
  const client = await world.connect(options);
  await client.ask("register", id);
  return client;
}

/** A socket that registered as that user, of whom nothing is of interest so far. */
export async function user(world, id, options = {}) {
  const client = await registered(world, id, options);
  client.forget();
  return client;
}

/** Waits until it is in the database that all was told to that user: until then another server tells it again. */
export async function noted(world, id) {
  await eventually(async () => {
    const untold = await query(world.server, `SELECT p.conversation_id FROM participant AS p
      JOIN conversation AS c ON c.id = p.conversation_id AND c.last_seq > p.last_delivered_seq WHERE p.party = '${id}'`);
    assert.deepEqual(untold, []);
  });
}

/** As `user`, with a token of that user. */
export function tokenUser(world, id) {
  return user(world, id, { auth: { token: token(id) } });
}

/** Sends to one person and gives the ack. */
export async function say(client, recipientId, messageContent, fields = {}) {
  const ack = await client.ask("chat", { recipientId, messageContent, ...fields });
  assertSent(ack);
  return ack;
}

/** Sends to a group and gives the ack. */
export async function sayToGroup(client, groupId, messageContent, fields = {}) {
  const ack = await client.ask("groupChat", { groupId, messageContent, ...fields });
  assertSent(ack);
  return ack;
}

/** All of them join the group, the first creates it. */
export async function join(groupId, ...clients) {
  for (const client of clients) await client.ask("joinGroup", groupId);
}

/** Of two servers, each has heard what was done on the other one. */
export async function heardOf(world, ...clients) {
  if (world.hasTwoServers) for (const client of clients) await client.none("(nothing has this name)");
}

/** Sockets of the users 1, 2 and 3, the first two of them in group 5. */
export async function group(world) {
  const [a, b, c] = [await user(world, 1), await user(world, 2), await user(world, 3)];
  await join(5, a, b);
  await heardOf(world, a, b);
  for (const client of [a, b]) client.forget();
  return { a, b, c };
}

/** Exactly the keys of a `chat` event, each of its type, and `expected` among them. */
export function assertChat(event, expected = {}) {
  assertEvent(event, CHAT_KEYS, expected);
}

/** As `assertChat`, for `groupChat`. */
export function assertGroupChat(event, expected = {}) {
  assertEvent(event, ["groupId", ...CHAT_KEYS], expected);
}

/** The ack of a message that was taken; `delivered` says to whom, as its event counts. */
export function assertSent(ack, expected = {}) {
  const { seq, rev, duplicate, ...rest } = ack;
  assert.deepEqual(Object.keys(rest).sort(), [...ACK_KEYS].sort());
  assertPlace(rest);
  assertHas(ack, expected);
}

function assertEvent(event, keys, expected) {
  assert.deepEqual(Object.keys(event).sort(), [...keys].sort());
  assertPlace(event);
  assert.equal(typeof event.senderId, "string");
  assertPositive(event);
  assertHas(event, expected);
}

function assertPlace({ id, timestamp }) {
  assert.ok(typeof id === "string" && id !== "", `id ${id}`);
  assertIso(timestamp);
}
