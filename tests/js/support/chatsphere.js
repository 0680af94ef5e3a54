// People, rooms, tokens and plain sockets of the chatsphere dialect, and the shapes of its answers.

import assert from "node:assert/strict";
import { combinationsOf, each as eachWorld } from "./matrix.js";
import { POSITION_KEYS, assertHas, assertIso, assertPositive, assertUuid } from "./messages.js";
import { Plain, newRoomOf, newUser } from "./plain.js";
import { TOKEN_MODE, token } from "./token.js";

export const { FULL, NO_SOCKET, STORES_ONLY, DIALECTS_AND_STORES } = combinationsOf("chatsphere");

export const NO_ACCESS = "You don't have access to this room";
export const NO_TOKEN = "Unauthorized: No token provided";
export const BAD_TOKEN = "Unauthorized: Invalid token";
export const NOT_SAVED = "Failed to save message";
export const DAY_MS = 24 * 3600 * 1000;
const M_KEYS = ["id", "content", "createdAt", "updatedAt", "userId", "roomId", "user"];
const M2_KEYS = [...M_KEYS, "username", "userImage"];

/**
 * As `each` of the matrix, with the people and rooms of this dialect.
 * @param {(sphere: Sphere) => Promise<void>} test
 */
export function each(combinations, name, test, env = {}) {
  eachWorld(combinations, name, async (world) => {
    const sphere = new Sphere(world);
    try {
      await test(sphere);
    } finally {
      sphere.close();
    }
  }, env);
}

/** As `each`, on servers that have a key and let everybody make users. */
export function withTokens(combinations, name, test, env = {}) {
  each(combinations, name, test, { ...TOKEN_MODE, OPEN_SIGN_UP: "true", ...env });
}

/** One server, seen by front ends of this dialect. */
export class Sphere {
  #sockets = [];

  constructor(world) {
    this.world = world;
    this.server = world.server;
    this.rest = world.rest;
  }

  /** A new user, and what they call with: `rest`. */
  async user(username) {
    const user = await newUser(this.world, username);
    return { ...user, rest: this.rest.bearer(user.token) };
  }

  users(...usernames) {
    return Promise.all(usernames.map((username) => this.user(username)));
  }

  /** The id of a new room in which these users are; the first one made it. */
  room(...users) {
    return newRoomOf(this.world, ...users);
  }

  /** Users ali and veli, and the room of both. */
  async pair() {
    const [u, v] = await this.users("ali", "veli");
    return { u, v, R: await this.room(u, v) };
  }

  /** Somebody whom a login service calls ADMIN; needs a key. */
  get admin() {
    return this.signed("root", { username: "root", role: "ADMIN" });
  }

  /** Somebody with a token of a login service. */
  signed(id, claims = {}) {
    const jwt = token(id, claims);
    return { id, token: jwt, rest: this.rest.bearer(jwt) };
  }

  /** A token for a client application, owned by `user`: `{token, tokenId, expiresAt, user, rest}`. */
  async clientToken(user) {
    const rest = this.world.hasTokens ? this.admin.rest : this.rest;
    const issued = body(await rest.post("/api/tokens/client", { userId: user.id, email: "app@example.com" }), 201);
    return { ...issued, rest: this.rest.bearer(issued.token) };
  }

  /** Posts messages over REST and gives them. */
  async post(user, roomId, ...contents) {
    const messages = [];
    for (const content of contents) {
      messages.push(body(await user.rest.post(`/api/rooms/${roomId}/messages`, { content }), 201));
    }
    return messages;
  }

  /** The messages of a room, oldest first. */
  async messages(user, roomId, query = "") {
    return body(await user.rest.get(`/api/rooms/${roomId}/messages${query}`), 200);
  }

  /** A plain socket. */
  async open(path = "/", options = {}) {
    const socket = await Plain.open(this.world, path, options);
    this.#sockets.push(socket);
    return socket;
  }

  refused(path, options = {}) {
    return Plain.refused(this.world, path, options);
  }

  /** A plain socket of that user, opened as front ends do it. */
  socket(user, options = {}) {
    return this.open(`/ws?token=${user.token}&userId=${user.id}`, options);
  }

  /** A plain socket of that user who has joined a room. */
  async joined(user, roomId) {
    const socket = await this.socket(user);
    await join(socket, user.id, roomId);
    return socket;
  }

  /** As `joined`, in the second spelling. */
  async joinedAgain(user, roomId) {
    const socket = await this.socket(user);
    socket.send({ type: "join_room", roomId });
    await socket.next("message_history");
    socket.forget();
    return socket;
  }

  /** Somebody is no member of that room any longer. */
  async remove(user, roomId) {
    body(await this.admin.rest.call("DELETE", `/api/rooms/${roomId}/users/${user.id}`), 200);
  }

  close() {
    for (const socket of this.#sockets) socket.close();
  }
}

/** Joins a room and waits until the server has answered. */
export async function join(socket, userId, roomId) {
  socket.send({ type: "join", userId, roomId });
  await socket.next("previous_messages");
  socket.forget();
}

/** The body of an answer that must have this status. */
export function body(answer, status) {
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  return answer.body;
}

/** An error answer: the text and nothing else. */
export function assertRefused(answer, status, error) {
  assert.deepEqual({ status: answer.status, body: answer.body }, { status, body: { error } });
}

/** An `error` frame with that text, or with any. */
export async function assertErrorFrame(socket, message = undefined) {
  const frame = await socket.next("error");
  assert.deepEqual(Object.keys(frame).sort(), ["message", "type"]);
  if (message === undefined) assert.ok(typeof frame.message === "string" && frame.message !== "");
  else assert.equal(frame.message, message);
}

/** Exactly the keys of M, each of its type, and `expected` among them. */
export function assertM(message, expected = {}, extraKeys = []) {
  assertMessageObject(message, [...M_KEYS, ...extraKeys], expected);
}

/** As `assertM`, for the second spelling. */
export function assertM2(message, expected = {}) {
  assertMessageObject(message, M2_KEYS, expected);
  assertHas(message, { username: message.user.username, userImage: null });
}

/** The `new_message` frame of the second spelling: M, and the fields of M2 beside it. */
export function assertSpread(frame, expected = {}) {
  const { type, message, ...spread } = frame;
  assert.equal(type, "new_message");
  assertM(message, expected);
  assertM2({ seq: message.seq, rev: message.rev, ...spread }, message);
}

function assertMessageObject(message, keys, expected) {
  assert.deepEqual(Object.keys(message).sort(), [...keys, ...POSITION_KEYS].sort());
  assertUuid(message.id);
  for (const key of ["createdAt", "updatedAt"]) assertIso(message[key]);
  assertPositive(message);
  assert.deepEqual(Object.keys(message.user).sort(), ["id", "username"]);
  assert.equal(message.user.id, message.userId);
  assertHas(message, expected);
}

/** What a call that issues a token answers, and what the token itself says. */
export function assertIssued(issued, { user, days, claims }) {
  assert.deepEqual(Object.keys(issued).sort(), ["expiresAt", "token", "tokenId", "user"]);
  assert.deepEqual(issued.user, user);
  assert.equal(typeof issued.tokenId, "string");
  assertIso(issued.expiresAt);
  const expiresAtMs = Date.parse(issued.expiresAt);
  const offMs = expiresAtMs - (Date.now() + days * DAY_MS);
  assert.ok(Math.abs(offMs) < 60_000, `${days} days and ${offMs} ms ahead`);
  assert.equal(issued.token.split(".").length, 3);
  const said = JSON.parse(Buffer.from(issued.token.split(".")[1], "base64url"));
  assertHas(said, claims);
  assert.ok(Math.abs(said.exp * 1000 - expiresAtMs) < 1000, `exp ${said.exp}, expiresAt ${issued.expiresAt}`);
}

export function contents(messages) {
  return messages.map(({ content }) => content);
}
