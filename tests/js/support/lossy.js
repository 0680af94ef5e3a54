// Ways to Redis and PostgreSQL on which something can get lost, or comes late.

import { once } from "node:events";
import net from "node:net";

/** How what Redis hands on begins, in its protocol. */
const HANDED_ON = /^(\*3|>3)\r\n\$7\r\nmessage\r\n/;

/** A way to a server on this machine. */
class Way {
  #sockets = new Set();

  static async start(port) {
    const way = new this();
    way.server = net.createServer((near) => way.#carry(near, net.connect(port, "127.0.0.1")));
    way.server.listen(0, "127.0.0.1");
    await once(way.server, "listening");
    way.port = way.server.address().port;
    return way;
  }

  stop() {
    this.server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #carry(near, far) {
    const connection = {};
    for (const [from, to] of [[near, far], [far, near]]) {
      this.#sockets.add(from.setNoDelay());
      from.on("error", () => {}).once("close", () => to.destroy());
      from.on("data", (data) => {
        if (this.passes(data, connection, from === far && to)) to.write(data);
      });
    }
  }
}

/** What others say over Redis can get lost; everything else passes. */
export class Lossy extends Way {
  isLosing = false;
  nLost = 0;

  passes(data) {
    if (!this.isLosing || !HANDED_ON.test(data.toString("latin1", 0, 64))) return true;
    this.nLost += 1;
    return false;
  }
}

/** Connections can be made to swallow everything, without telling either end. Later ones work. */
export class Swallowing extends Way {
  #nSwallowed = 0;

  swallow() {
    this.#nSwallowed += 1;
  }

  passes(_, connection) {
    connection.since ??= this.#nSwallowed;
    return connection.since === this.#nSwallowed;
  }
}

/** Answers can be held back for a while, on each connection from the first on that has a text in it. */
export class Holding extends Way {
  #text;
  #held = [];

  hold(text) {
    this.#text = text;
  }

  get isHolding() {
    return this.#held.length > 0;
  }

  release() {
    this.#text = undefined;
    for (const [asker, answer] of this.#held.splice(0)) asker.write(answer);
  }

  passes(data, connection, asker) {
    if (!asker || this.#text === undefined) return true;
    connection.isHeld ||= data.includes(this.#text);
    if (connection.isHeld) this.#held.push([asker, data]);
    return !connection.isHeld;
  }
}
