// A proxy between a client and its server that can swallow or keep back what the server says, keep clients from moving
// to a WebSocket, and cut all connections.

import net from "node:net";

export class Cutting {
  #sockets = new Set();
  #isDeaf = false;
  /** What is kept back: calls that pass it on. */
  #held = null;
  #holdsOnlyPolls = false;
  /** Requests for a WebSocket that are kept back. */
  #moving = null;

  /** Stands in front of the server at that address. */
  static async before(url) {
    const cutting = new Cutting();
    const { hostname, port } = new URL(url);
    cutting.server = net.createServer((client) => cutting.#relay(client, net.connect(port, hostname)));
    await new Promise((resolve) => cutting.server.listen(0, "127.0.0.1", resolve));
    cutting.url = `http://127.0.0.1:${cutting.server.address().port}`;
    return cutting;
  }

  /** From now on the server hears its clients, and they do not hear it. */
  deafen() {
    this.#isDeaf = true;
  }

  /** From now on what the server says is kept back, or only what it does not say over a WebSocket. */
  hold({ onlyPolls = false } = {}) {
    this.#held = [];
    this.#holdsOnlyPolls = onlyPolls;
  }

  /** Passes on what was kept back, and what is said from now on. */
  release() {
    for (const pass of this.#held) pass();
    this.#held = null;
  }

  /** From now on clients do not get their WebSockets. */
  keepFromMoving() {
    this.#moving = [];
  }

  /** Lets them have them. */
  letMove() {
    for (const pass of this.#moving) pass();
    this.#moving = null;
  }

  /** Ends all connections; new ones work. */
  cut() {
    for (const socket of this.#sockets) socket.destroy();
    this.#isDeaf = false;
  }

  close() {
    this.cut();
    this.server.close();
  }

  #say(server, bytes, asksForWebSocket) {
    if (asksForWebSocket && this.#moving) this.#moving.push(() => server.write(bytes));
    else server.write(bytes);
  }

  /** Lets a client hear, now or later. */
  #hear(isWebSocket, pass) {
    if (this.#held && !(isWebSocket && this.#holdsOnlyPolls)) this.#held.push(pass);
    else pass();
  }

  #relay(client, server) {
    let isWebSocket = false;
    client.on("data", (bytes) => {
      const asksForWebSocket = !isWebSocket && /^upgrade: websocket/im.test(bytes.toString("latin1"));
      isWebSocket ||= asksForWebSocket;
      this.#say(server, bytes, asksForWebSocket);
    });
    server.on("data", (bytes) => {
      if (!this.#isDeaf) this.#hear(isWebSocket, () => client.write(bytes));
    });
    client.on("close", () => server.destroy());
    server.on("close", () => this.#hear(isWebSocket, () => client.destroySoon()));
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on("error", () => {}); // What was cut may have had something to say.
      socket.on("close", () => this.#sockets.delete(socket));
    }
  }
}
