// A plain WebSocket of dialect chatsphere: JSON frames with a `type`, kept in wire order like the arrivals of a Client.

import assert from "node:assert/strict";
import WebSocket from "ws";
import { GETS_MS, QUIET_MS } from "./client.js";

export class Plain {
  /** Frames that came, in order; `taken` once a test has looked at one. */
  log = [];
  #waiting = new Set();

  constructor(url) {
    this.socket = new WebSocket(url);
    this.socket.on("message", (data, isBinary) => {
      const arrival = { frame: isBinary ? data : JSON.parse(data), at: performance.now(), taken: false };
      this.log.push(arrival);
      for (const look of this.#waiting) look();
    });
  }

  /** An open socket of that server; `path` with its query. */
  static async open(world, path) {
    const plain = new Plain(new URL(path, world.server.url.replace(/^http/, "ws")));
    await new Promise((resolve, reject) => {
      plain.socket.once("open", resolve);
      plain.socket.once("error", reject);
    });
    return plain;
  }

  send(frame) {
    this.socket.send(JSON.stringify(frame));
  }

  /** The next frame of that type which no `next` has given yet. */
  next(type, ms = GETS_MS) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.log.find((arrival) => !arrival.taken && arrival.frame.type === type);
        if (!found) return;
        found.taken = true;
        done(() => resolve(found.frame));
      };
      const timer = setTimeout(() => done(() => reject(new Error(`no ${type} within ${ms} ms\n${this}`))), ms);
      const done = (then) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        then();
      };
      this.#waiting.add(look);
      look();
    });
  }

  async several(type, n, ms = GETS_MS) {
    const all = [];
    while (all.length < n) all.push(await this.next(type, ms));
    return all;
  }

  /** Waits until nothing has come for a while, then fails if a frame of that type was not taken. */
  async none(type, ms = QUIET_MS) {
    const start = performance.now();
    let quietMs;
    while ((quietMs = performance.now() - Math.max(start, this.log.at(-1)?.at ?? 0)) < ms) {
      await new Promise((resolve) => setTimeout(resolve, Math.ceil(ms - quietMs)));
    }
    const found = this.log.filter((arrival) => !arrival.taken && arrival.frame.type === type);
    assert.deepEqual(found.map((arrival) => arrival.frame), [], `${this}`);
  }

  close() {
    this.socket.close();
  }

  toString() {
    const lines = this.log.slice(-30).map(({ at, frame }) => `  ${Math.round(at)} ${JSON.stringify(frame).slice(0, 300)}`);
    return `received by a plain socket:\n${lines.join("\n") || "  nothing"}`;
  }
}

/** A user of chatsphere, made as its front ends do: `{id, token}`. */
export async function newUser(world, username) {
  const { status, body } = await world.rest.post("/api/users", { username });
  assert.equal(status, 201, JSON.stringify(body));
  return { id: body.user.id, token: body.token };
}

/** The id of a chatsphere room in which these users are; the first one made it. */
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
