// A plain WebSocket of dialect chatsphere, and who opens one. Frames are kept in wire order, by their `type`.

import assert from "node:assert/strict";
import { once } from "node:events";
import { WebSocket } from "ws";
import { Arrivals, GETS_MS } from "./arrivals.js";

const CONNECT_MS = 10_000;

export class Plain extends Arrivals {
  #outcome;

  /**
   * @param {import("./matrix.js").World} world
   * @param {string} path with its query
   * @param {import("ws").ClientOptions} [options] `headers`, `origin`, `autoPong`
   */
  constructor(world, path, options = {}) {
    super();
    this.id = `a plain socket on ${path}`;
    const url = world.server.url.replace(/^http/, "ws") + path;
    this.socket = new WebSocket(url, { handshakeTimeout: CONNECT_MS, ...options });
    this.socket.on("message", (data, isBinary) => this.#heard(data, isBinary));
    this.socket.on("close", (code) => this.arrived("(close)", [code]));
    this.#outcome = new Promise((resolve) => {
      this.socket.once("open", () => resolve("open"));
      this.socket.once("unexpected-response", (request, response) => {
        request.destroy();
        resolve(response.statusCode);
      });
      this.socket.on("error", resolve); // of an open socket: its close follows
    });
  }

  /** An open socket of that server. */
  static async open(world, path, options) {
    const plain = new Plain(world, path, options);
    const outcome = await plain.#outcome;
    assert.equal(outcome, "open", `the upgrade of ${path} gave ${outcome}`);
    return plain;
  }

  /** The HTTP status with which the server refuses the upgrade. */
  static async refused(world, path, options) {
    const plain = new Plain(world, path, options);
    const outcome = await plain.#outcome;
    plain.close();
    assert.equal(typeof outcome, "number", `the upgrade of ${path} gave ${outcome}`);
    return outcome;
  }

  /** An object goes as JSON; texts and buffers are sent as they are. */
  send(frame) {
    this.socket.send(typeof frame === "string" || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
  }

  /** The code with which the server closes the connection. */
  closed(ms = GETS_MS) {
    return this.next("(close)", ms);
  }

  /** Waits for a ping of the server. */
  async pinged(ms) {
    await once(this.socket, "ping", { signal: AbortSignal.timeout(ms) });
  }

  get isOpen() {
    return this.socket.readyState === WebSocket.OPEN;
  }

  /** Is gone without a word. */
  close() {
    this.socket.terminate();
    this.stopWaiting();
  }

  #heard(data, isBinary) {
    const text = data.toString();
    const frame = isBinary ? undefined : parsed(text);
    if (typeof frame?.type === "string") this.arrived(frame.type, [frame]);
    else this.arrived(isBinary ? "(binary)" : "(text)", [text]);
  }
}

/** A user, made as front ends do: `{id, username, role, token, tokenId, expiresAt}`. */
export async function newUser(world, username) {
  const { status, body } = await world.rest.post("/api/users", { username });
  assert.equal(status, 201, JSON.stringify(body));
  const { user, ...issued } = body;
  return { ...user, ...issued };
}

/** The id of a room in which these users are; the first one made it. */
export async function newRoomOf(world, ...users) {
  const rest = world.rest.bearer(users[0].token);
  const { status, body } = await rest.post("/api/rooms", { name: "Common room", userId: users[0].id });
  assert.equal(status, 201, JSON.stringify(body));
  for (const { id } of users.slice(1)) {
    const answer = await rest.post(`/api/rooms/${body.id}/users`, { userId: id });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
  }
  return body.id;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
