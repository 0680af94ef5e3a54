// The real socket.io-client with the verbs of a test. Everything that arrives is kept in one list, in wire order.

import assert from "node:assert/strict";
import { io as current } from "socket.io-client";
import { Arrivals, GETS_MS } from "./arrivals.js";

export { GETS_MS, QUIET_MS } from "./arrivals.js";
const CONNECT_MS = 10_000;

export class Client extends Arrivals {
  /** Ids of acks the wire brought: the stock client would silently drop a second one. */
  ackIds = [];
  isClosed = false;

  /** `io` is the library: the current socket.io-client, unless it is another one. */
  constructor(url, { io = current, ...options } = {}) {
    super();
    this.socket = io(url, { forceNew: true, ...options });
    this.socket.onAny((name, ...args) => this.arrived(name, args));
    this.socket.io.on("packet", (packet) => {
      if (packet.type === 3) this.ackIds.push(packet.id);
    });
    this.socket.on("disconnect", (reason) => this.arrived("(disconnect)", [reason]));
    this.socket.io.on("reconnect", (attempts) => this.arrived("(reconnect)", [attempts]));
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
        this.arrived(`ack ${name}`, answer, true);
        if (answer.length !== 1) reject(new Error(`the ack of ${name} has ${answer.length} arguments`));
        resolve(answer[0]);
      });
    });
  }

  /** As `emitWithAck`, for what must succeed. */
  async ask(name, ...args) {
    return this.askWithin(GETS_MS, name, ...args);
  }

  /** As `ask`, for what waits behind a burst, or until a server knows what others did. */
  async askWithin(ms, name, ...args) {
    const answer = await this.emitWithin(ms, name, ...args);
    assert.equal(answer?.ok, true, `${name} was answered ${JSON.stringify(answer)}`);
    return answer;
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
    this.isClosed = true;
    this.socket.disconnect();
    this.socket.io.engine?.close();
    this.stopWaiting();
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
}
