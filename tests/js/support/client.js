// The real socket.io-client with the verbs of a test. Everything that arrives is kept in one list, in wire order.

import assert from "node:assert/strict";
import { io as current } from "socket.io-client";

/** "Gets" means within this time. */
export const GETS_MS = Number(process.env.SOHBET_GETS_MS ?? 1000);
/** "Gets nothing" means not within this time after everything else has settled. */
export const QUIET_MS = 300;
const CONNECT_MS = 10_000;

/**
 * @typedef {object} Arrival
 * @property {string} name event name; `ack <event>` for the answer to one of our own
 * @property {any[]} args
 * @property {number} at milliseconds since the process started
 * @property {boolean} taken whether a test has looked at it
 */

export class Client {
  /** @type {Arrival[]} */
  log = [];
  /** Ids of acks the wire brought: the stock client would silently drop a second one. */
  ackIds = [];
  #waiting = new Set();

  /** `io` is the library: the current socket.io-client, unless it is another one. */
  constructor(url, { io = current, ...options } = {}) {
    this.socket = io(url, { forceNew: true, ...options });
    this.socket.onAny((name, ...args) => this.#arrived(name, args));
    this.socket.io.on("packet", (packet) => {
      if (packet.type === 3) this.ackIds.push(packet.id);
    });
    this.socket.on("disconnect", (reason) => this.#arrived("(disconnect)", [reason]));
    this.socket.io.on("reconnect", (attempts) => this.#arrived("(reconnect)", [attempts]));
  }

  /** A connected client. Throws the `connect_error` if the server refuses. */
  static async connect(url, options) {
    const client = new Client(url, options);
    const error = await client.#outcome();
    if (!error) return client;
    client.close();
    // What a transport failed with: the HTTP status, and the answer.
    const { description, context } = error;
    if (description !== undefined) error.message += ` (${description}: ${context?.responseText ?? ""})`;
    throw error;
  }

  /** The `connect_error` of a handshake that must be refused. */
  static async refused(url, options) {
    const client = new Client(url, options);
    const error = await client.#outcome();
    client.close();
    assert.ok(error, "the handshake was accepted");
    return error;
  }

  get id() {
    return this.socket.id;
  }

  emit(name, ...args) {
    this.socket.emit(name, ...args);
  }

  /** Emits with a callback and gives what the callback got: one argument, once. */
  emitWithAck(name, ...args) {
    return this.emitWithin(GETS_MS, name, ...args);
  }

  /** As `emitWithAck`, for what waits behind a burst. */
  emitWithin(ms, name, ...args) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ack of ${name}\n${this}`)), ms);
      this.socket.emit(name, ...args, (...answer) => {
        clearTimeout(timer);
        this.#arrived(`ack ${name}`, answer, true);
        if (answer.length !== 1) reject(new Error(`the ack of ${name} has ${answer.length} arguments`));
        resolve(answer[0]);
      });
    });
  }

  /** As `emitWithAck`, for what must succeed. */
  async ask(name, ...args) {
    const answer = await this.emitWithAck(name, ...args);
    assert.equal(answer?.ok, true, `${name} was answered ${JSON.stringify(answer)}`);
    return answer;
  }

  /** The next event of that name that no `next` has given yet: what has come already, or comes within `ms`. */
  next(name, ms = GETS_MS) {
    const seen = this.#untaken(name)[0];
    if (seen) return Promise.resolve(take(seen));
    return new Promise((resolve, reject) => {
      const waiter = { name, resolve, timer: null };
      waiter.timer = setTimeout(() => {
        this.#waiting.delete(waiter);
        reject(new Error(`no ${name} within ${ms} ms\n${this}`));
      }, ms);
      this.#waiting.add(waiter);
    });
  }

  /** The next `n` events of that name. */
  async several(name, n, ms = GETS_MS) {
    const all = [];
    while (all.length < n) all.push(await this.next(name, ms));
    return all;
  }

  /** Waits until nothing has arrived for `ms`, then fails if an event of that name (of any name) was not taken. */
  async none(name = undefined, ms = QUIET_MS) {
    let quietMs;
    const start = performance.now();
    while ((quietMs = performance.now() - Math.max(start, this.log.at(-1)?.at ?? 0)) < ms) {
      await new Promise((resolve) => setTimeout(resolve, Math.ceil(ms - quietMs)));
    }
    const found = this.#untaken(name);
    assert.equal(found.length, 0, `unexpected ${found.map((arrival) => arrival.name)}\n${this}`);
  }

  /** Names of everything that arrived, in order, since `forget` was last called; events and acks alike. */
  get order() {
    return this.log.map((arrival) => arrival.name);
  }

  /** Every arrival of that name, taken or not. */
  all(name) {
    return this.log.filter((arrival) => arrival.name === name).map((arrival) => arrival.args[0]);
  }

  /** Starts the list anew: what came while a test was being set up is of no interest. */
  forget() {
    this.log = [];
  }

  /** No ack came twice. Every client is asked at the end of its test. */
  assertAcksOnce() {
    assert.equal(new Set(this.ackIds).size, this.ackIds.length, `an ack came twice: ${this.ackIds}`);
  }

  /** Leaves on purpose; the client does not come back by itself. */
  disconnect() {
    this.socket.disconnect();
  }

  /** Waits until the default client has moved from polling to WebSocket. */
  async upgraded() {
    const { engine } = this.socket.io;
    if (engine.transport.name === "websocket") return;
    await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("no upgrade to WebSocket")), CONNECT_MS);
      engine.once("upgrade", () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  close() {
    this.socket.disconnect();
    this.socket.io.engine?.close();
    for (const waiter of this.#waiting) clearTimeout(waiter.timer);
    this.#waiting.clear();
  }

  toString() {
    const lines = this.log.slice(-30).map((arrival) => {
      return `  ${Math.round(arrival.at)} ${arrival.name} ${JSON.stringify(arrival.args).slice(0, 300)}`;
    });
    return `received by ${this.id ?? "a client without connection"}:\n${lines.join("\n") || "  nothing"}`;
  }

  #outcome() {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(new Error("no connection and no refusal")), CONNECT_MS);
      const done = (error) => {
        clearTimeout(timer);
        resolve(error);
      };
      this.socket.once("connect", () => done(undefined));
      this.socket.once("connect_error", done);
    });
  }

  #untaken(name) {
    return this.log.filter((arrival) => !arrival.taken && (name === undefined || arrival.name === name));
  }

  #arrived(name, args, taken = false) {
    const arrival = { name, args, at: performance.now(), taken };
    this.log.push(arrival);
    for (const waiter of this.#waiting) {
      if (waiter.name !== name) continue;
      this.#waiting.delete(waiter);
      clearTimeout(waiter.timer);
      waiter.resolve(take(arrival));
      return;
    }
  }
}

function take(arrival) {
  arrival.taken = true;
  return arrival.args[0];
}
