// Proxies that let a WebSocket begin and then break it: the stock client goes on polling, as with the Node server.

import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { describe } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { io as current } from "socket.io-client";
import { io as oldest } from "socket.io-client-3.1";
import { ONCE, WAITING, each } from "../support/matrix.js";
import { draft } from "../support/messages.js";

/** Polling behind a proxy takes its time on a busy machine. */
const ANSWER_MS = 10_000;

/** What becomes of a WebSocket, when its side has sent so much. */
const WAYS = {
  "after the answer to its request": (proxied) => proxied.cutAfter(0),
  "after its probe": (proxied) => proxied.cutAfter(1),
  "by swallowing everything": (proxied) => proxied.swallow(),
};

describe("proxies that break WebSockets", WAITING, () => {
  for (const [way, breakIt] of Object.entries(WAYS)) {
    for (const [name, io] of Object.entries({ current, oldest })) {
      each(ONCE, `${way}, the ${name} client goes on polling`, async (world) => {
        const b = await world.user(2);
        const proxy = await Proxy.start(new URL(world.server.url).port, breakIt);
        const a = await world.connectTo(proxy.url, { io });
        try {
          await a.ask("join_user_room", 1);
          await wait(1_000); // the probe has failed or hangs
          assert.ok(proxy.nBroken > 0, "it never tried");
          for (let number = 0; number < 5; number += 1) {
            await a.askWithin(ANSWER_MS, "send_message", draft({ content: `to ${number}` }));
            assert.equal((await b.next("new_message", ANSWER_MS)).content, `to ${number}`);
            await b.askWithin(ANSWER_MS, "send_message", draft({ senderId: 2, receiverId: 1, content: `back ${number}` }));
            assert.equal((await a.next("new_message", ANSWER_MS)).content, `back ${number}`);
          }
          assert.equal(a.socket.io.engine.transport.name, "polling");
          await a.none("(disconnect)");
        } finally {
          await proxy.stop();
        }
      });
    }
  }
});

/** Between clients and a server; each WebSocket through it breaks. */
class Proxy {
  nBroken = 0;
  #sockets = new Set();

  static async start(port, breakIt) {
    const proxy = new Proxy();
    proxy.server = net.createServer((client) => proxy.#carry(client, net.connect(port, "127.0.0.1"), breakIt));
    proxy.server.listen(0, "127.0.0.1");
    await once(proxy.server, "listening");
    proxy.url = `http://127.0.0.1:${proxy.server.address().port}`;
    return proxy;
  }

  async stop() {
    for (const socket of this.#sockets) socket.destroy();
    this.server.close();
    await once(this.server, "close");
  }

  #carry(client, server, breakIt) {
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ]) {
      this.#sockets.add(socket);
      socket.on("error", () => {}).on("close", () => other.destroy());
    }
    let broken;
    client.on("data", (bytes) => {
      if (broken) return broken.sent(bytes);
      server.write(bytes);
      if (/^upgrade: websocket/im.test(bytes.toString("latin1"))) {
        this.nBroken += 1;
        broken = new Broken(client, server, breakIt);
      }
    });
    server.on("data", (bytes) => {
      if (!broken?.isDeaf) client.write(bytes);
      broken?.answered();
    });
  }
}

/** A WebSocket that breaks. */
class Broken {
  isDeaf = false;
  #client;
  #server;
  #nFrames;

  constructor(client, server, breakIt) {
    this.#client = client;
    this.#server = server;
    breakIt(this);
  }

  cutAfter(nFrames) {
    this.#nFrames = nFrames;
  }

  swallow() {
    this.#nFrames = Number.POSITIVE_INFINITY;
  }

  /** The answer to the request has passed. */
  answered() {
    if (this.#nFrames === Number.POSITIVE_INFINITY) this.isDeaf = true;
    if (this.#nFrames === 0) setImmediate(() => this.#client.destroy());
  }

  /** The client has sent a frame. */
  sent(bytes) {
    if (this.isDeaf) return;
    this.#server.write(bytes);
    this.#nFrames -= 1;
    if (this.#nFrames === 0) setImmediate(() => this.#client.destroy());
  }
}
