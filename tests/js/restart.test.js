// The server goes away and comes back on the same port with the same store: what a client with default options sees.

import assert from "node:assert/strict";
import { once } from "node:events";
import { describe } from "node:test";
import WebSocket from "ws";
import { Client } from "./support/client.js";
import { BUSY, ONCE, STORES_ONLY, TRANSPORTS_AND_STORES, each } from "./support/matrix.js";
import { draft } from "./support/messages.js";

const RECONNECT_MS = 20_000;
const N = 800;
const BURST = 4;
const SERVICE_RESTART = 1012;
/** Engine.IO's own goodbye. A client may take it for the will of the server that it stay away. */
const CLOSE_PACKET = "1";
const CLOSE = /^transport close$/;
/** A request of a polling client may be on its way at that moment: an error to it, and as good as a close. */
const CLOSE_OR_ERROR = /^transport (close|error)$/;

describe("restart", BUSY, () => {
  each(TRANSPORTS_AND_STORES, "a client stays connected over a restart and no acknowledged message is lost", async (world) => {
    const { a, c } = await start(world);
    const sender = new Sender(a, c);
    await sender.acked(N / 4);
    const stopped = world.server.stop();
    assert.match(await a.next("(disconnect)", RECONNECT_MS), world.transport === "websocket" ? CLOSE : CLOSE_OR_ERROR);
    await stopped;
    await world.server.start();
    await a.next("(reconnect)", RECONNECT_MS);
    assert.equal((await a.emitWithin(RECONNECT_MS, "join_user_room", 1)).ok, true);
    sender.resend();
    await sender.acked(N);
    await assertHistory(world, c, sender);
  });

  each(STORES_ONLY, "after kill -9 every acknowledged message is there once", async (world) => {
    const { a, c } = await start(world);
    const sender = new Sender(a, c);
    await sender.acked(N / 4);
    await world.server.kill();
    await a.next("(disconnect)", RECONNECT_MS);
    await world.server.start();
    const acked = sender.ids();
    const history = await world.rest.messages(c);
    for (const id of acked) assert.equal(history.filter((message) => message.id === id).length, 1);
    await a.next("(reconnect)", RECONNECT_MS);
    sender.resend();
    await sender.acked(N);
    await assertHistory(world, c, sender);
  });

  each(STORES_ONLY, "events that a client emits while the server is away arrive when it is back", async (world) => {
    const { a, c } = await start(world);
    await a.upgraded();
    await world.server.stop();
    await a.next("(disconnect)");
    const answer = new Promise((resolve) => a.socket.emit("send_message", draft({ conversationId: c, content: "late" }), resolve));
    await world.server.start();
    await a.next("(reconnect)", RECONNECT_MS);
    assert.equal((await answer).ok, true);
    assert.deepEqual((await world.rest.messages(c)).map(({ content }) => content), ["late"]);
  });

  each(ONCE, "a WebSocket ends with a close frame and without a packet that says goodbye", async (world) => {
    const frames = [];
    const socket = new WebSocket(`${world.server.url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
    const connected = new Promise((resolve) => {
      socket.on("message", (data) => {
        frames.push(data.toString());
        if (frames.length === 1) socket.send("40");
        if (frames.length === 2) resolve();
      });
    });
    const closed = once(socket, "close");
    await connected;
    await world.server.stop();
    const [code] = await closed;
    assert.equal(code, SERVICE_RESTART);
    assert.equal(frames.includes(CLOSE_PACKET), false, frames.join("\n"));
  });

  each(STORES_ONLY, "a stopping server tells every client within ten seconds, also one that is still on polling", async (world) => {
    const polling = await world.connect({ transports: ["polling"] });
    const websocket = await world.connect({ transports: ["websocket"] });
    const upgraded = await world.connect();
    await upgraded.upgraded();
    const stopped = world.server.stop();
    for (const [client, reason] of [[websocket, CLOSE], [upgraded, CLOSE], [polling, CLOSE_OR_ERROR]]) {
      assert.match(await client.next("(disconnect)", RECONNECT_MS), reason);
      client.close();
    }
    await stopped;
    const error = await Client.refused(world.server.url, { reconnection: false });
    assert.equal(error.message, "xhr poll error");
  });
});

/** User 1, joined, on a server whose port is kept for it. */
async function start(world) {
  await world.keepPort();
  const a = await world.user(1);
  return { a, c: 42 };
}

/** Sends N messages, some every millisecond, each with a client id; those without an ack can be sent again. */
class Sender {
  #answers = new Map();
  #waiting = null;
  #nSent = 0;

  constructor(client, conversationId) {
    this.client = client;
    this.conversationId = conversationId;
    const timer = setInterval(() => {
      for (let i = 0; i < BURST; i += 1) this.#send((this.#nSent += 1));
      if (this.#nSent === N) clearInterval(timer);
    }, 1);
  }

  /** Ids of the messages that were acknowledged so far. */
  ids() {
    return [...this.#answers.values()].map((ack) => ack.message.id);
  }

  /** Sends again what was sent and has no answer. What the client kept while it was away arrives twice then. */
  resend() {
    for (let i = 1; i <= this.#nSent; i += 1) {
      if (!this.#answers.has(i)) this.#send(i);
    }
  }

  /** Waits until so many were acknowledged. */
  acked(n) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.#answers.size} of ${n} acknowledged`)), RECONNECT_MS);
      this.#waiting = () => {
        if (this.#answers.size < n) return;
        clearTimeout(timer);
        this.#waiting = null;
        resolve();
      };
      this.#waiting();
    });
  }

  #send(i) {
    const payload = draft({ conversationId: this.conversationId, content: `no ${i}`, clientMessageId: `client-${i}` });
    this.client.socket.emit("send_message", payload, (ack) => {
      // A server that is about to stop may refuse; then the message is sent again later.
      if (!ack.ok) return;
      this.#answers.set(i, ack);
      this.#waiting?.();
    });
  }
}

/** Every message is in the history exactly once, with the id its ack named, numbered without gaps. */
async function assertHistory(world, c, sender) {
  const history = await world.rest.messages(c);
  const contents = history.map(({ content }) => content).sort();
  assert.deepEqual(contents, Array.from({ length: N }, (_, i) => `no ${i + 1}`).sort());
  assert.deepEqual(history.map(({ seq }) => seq), Array.from({ length: N }, (_, i) => i + 1));
  assert.deepEqual(history.map(({ id }) => id).sort(), sender.ids().sort());
}
