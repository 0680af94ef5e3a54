// A proxy between a client and its server that can swallow or keep back what the server says, and cut all connections.

import net from "node:net";

export class Cutting {
  #sockets = new Set();
  #isDeaf = false;
  /** What is kept back: by whom it is to be heard, and what. */
  #held = null;

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

  /** From now on what the server says is kept back. */
  hold() {
    this.#held = [];
  }

  /** Passes on what was kept back, and what is said from now on. */
  release() {
    for (const [client, bytes] of this.#held) client.write(bytes);
    this.#held = null;
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

  #hear(client, bytes) {
    if (this.#held) this.#held.push([client, bytes]);
    else if (!this.#isDeaf) client.write(bytes);
  }

  #relay(client, server) {
    client.on("data", (bytes) => server.write(bytes));
    server.on("data", (bytes) => this.#hear(client, bytes));
    for (const [socket, other] of [[client, server], [server, client]]) {
      this.#sockets.add(socket);
      socket.on("error", () => {}); // What was cut may have had something to say.
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
  }
}
