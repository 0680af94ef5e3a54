// Who may do what in token mode: every operation of the dialect for every kind of caller. Open rooms are everybody's;
// rooms of other dialects that are closed are for those who take part, here the users of two galleries.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callersBeside } from "../support/api_tokens.js";
import { galleryRoom } from "../support/gallery.js";
import { BUSY, each } from "../support/matrix.js";
import { DIALECTS_AND_STORES } from "../support/starter.js";
import { TOKEN_MODE, token } from "../support/token.js";

const REFUSED = "Authentication error";
const LIKE = "👍";

const CALLERS = callersBeside(() => token("ua2", { gallery_id: "ga" }));

const all = (outcome) => Object.fromEntries(Object.keys(CALLERS).map((caller) => [caller, outcome]));
const sockets = (outcome) => ({ ...all(outcome), nobody: REFUSED, revoked: REFUSED });
// Not even for whoever runs the server: dealers talk among themselves.
const closed = (done) => ({ ...sockets("NOT_FOUND"), participant: done });
const calls = (outcome) => ({ ...all(outcome), nobody: "401", revoked: "401" });

/** Operation: how it is tried about a message `m` of the closed room `c`, and what comes of it for each caller. */
const OPERATIONS = {
  user_join: [emitting("user_join", () => "ali"), sockets("ok")],
  "user_join {room}, an open one": [emitting("user_join", () => ({ username: "ali", room: "tech" })), sockets("ok")],
  "user_join {room}, a closed one": [emitting("user_join", ({ c }) => ({ username: "ali", room: c })), closed("ok")],
  join_room: [emitting("join_room", () => ({ room: "tech" })), sockets("ok")],
  "join_room, a closed one": [emitting("join_room", ({ c }) => ({ room: c })), closed("ok")],
  send_message: [emitting("send_message", () => ({ message: "x" })), sockets("ok")],
  "send_message to a closed room": [emittingFrom("tech", "send_message", ({ c }) => ({ message: "x", room: c })), closed("ok")],
  private_message: [emitting("private_message", ({ a }) => ({ to: a.id, message: "x" })), sockets("ok")],
  typing: [emitting("typing", () => true), sockets("ok")],
  mark_read: [emitting("mark_read", ({ c, m }) => ({ messageId: m, room: c })), closed("ok")],
  "mark_read without its room": [emitting("mark_read", ({ m }) => ({ messageId: m })), sockets("NOT_FOUND")],
  add_reaction: [emitting("add_reaction", ({ c, m }) => ({ messageId: m, reaction: LIKE, room: c })), closed("ok")],
  remove_reaction: [emitting("remove_reaction", ({ c, m }) => ({ messageId: m, reaction: LIKE, room: c })), closed("ok")],
  load_messages: [emitting("load_messages", () => ({ room: "tech" })), sockets("ok")],
  "load_messages of a closed room": [emitting("load_messages", ({ c }) => ({ room: c })), closed("ok")],
  search_messages: [emitting("search_messages", () => ({ query: "x", room: "tech" })), sockets("ok")],
  "search_messages of a closed room": [emitting("search_messages", ({ c }) => ({ query: "x", room: c })), closed("ok")],
  "hearing a message of a closed room": [hearing, { ...sockets("nothing"), participant: "for us" }],
  "GET /api/messages": [calling(() => "/api/messages"), calls("200 with 0")],
  "GET /api/messages/{room}, a closed one": [
    calling(({ c }) => `/api/messages/${c}`), { ...calls("200 with 0"), participant: "200 with 1" },
  ],
  "GET /api/users": [calling(() => "/api/users"), calls("200 with 1")],
  "GET /api/rooms": [calling(() => "/api/rooms"), calls("200 with 4")],
};

describe("access in starter", BUSY, () => {
  it("every operation has an outcome for every caller", () => {
    for (const [operation, [, outcomes]] of Object.entries(OPERATIONS)) {
      assert.deepEqual(Object.keys(outcomes).sort(), Object.keys(CALLERS).sort(), operation);
    }
  });

  for (const [operation, [attempt, outcomes]] of Object.entries(OPERATIONS)) {
    each(DIALECTS_AND_STORES, `${operation} is done by whom it concerns`, async (world) => {
      const place = await aPlace(world);
      const found = {};
      for (const [name, tokenOf] of Object.entries(CALLERS)) found[name] = await attempt(world, await tokenOf(world), place);
      assert.deepEqual(found, outcomes);
    }, TOKEN_MODE);
  }
});

/** A closed room `c` with a message `m`, somebody who writes there, and a socket `a` of somebody else in the lobby. */
async function aPlace(world) {
  const { ua, room: c } = await galleryRoom(world);
  const write = async (content) => (await ua.send(c, { content })).id;
  const a = await connected(world, token("a"));
  await a.ask("user_join", "a");
  return { a, c, m: await write("x"), write };
}

/** By socket: `ok`, the code of the refusal, or why there is no socket. */
function emitting(event, payload) {
  return emittingFrom(undefined, event, payload);
}

/** As `emitting`, for a socket that is in an open room. */
function emittingFrom(room, event, payload) {
  return async (world, secret, place) => {
    const client = await connected(world, secret);
    if (client instanceof Error) return client.message;
    if (room) await client.ask("join_room", { room });
    const ack = await client.emitWithAck(event, payload(place));
    client.close();
    return ack.ok ? "ok" : ack.error.code;
  };
}

async function hearing(world, secret, { c, write }) {
  const client = await connected(world, secret);
  if (client instanceof Error) return client.message;
  await client.emitWithAck("join_room", { room: c });
  await write("for us");
  await client.none("(anything)");
  const [heard] = client.all("receive_message");
  client.close();
  return heard?.message ?? "nothing";
}

/** The status, and how long the list is that came. */
function calling(path) {
  return async (world, secret, place) => {
    const rest = world.rest.as({ "x-sohbet-dialect": "starter" });
    const { status, body } = await (secret ? rest.bearer(secret) : rest).get(path(place));
    return status === 200 ? `${status} with ${body.length}` : String(status);
  };
}

function connected(world, secret) {
  return world.connect({ auth: { token: secret, dialect: "starter" } }).catch((error) => error);
}
