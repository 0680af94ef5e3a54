// A Redis of one's own, which a test may kill, stop for a while and start again.

import { once } from "node:events";
import net from "node:net";
import { freePort, start } from "./processes.js";

const START_MS = 5_000;

export class Redis {
  #process = null;

  /** A running one, on a free port. */
  static async start() {
    const redis = new Redis();
    redis.port = await freePort();
    await redis.start();
    return redis;
  }

  get url() {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it; again on the same port. */
  async start() {
    const options = ["--port", String(this.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    this.#process = start("redis-server", options, { stdio: "ignore" });
    const failed = once(this.#process, "error").then(([error]) => {
      throw new Error(`redis-server could not be started: ${error.message}`);
    });
    await Promise.race([this.#answers(), failed]);
  }

  async #answers() {
    for (const end = performance.now() + START_MS; performance.now() < end; ) {
      if ((await this.command("PING").catch(() => "")).startsWith("+PONG")) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error("redis-server does not answer");
  }

  /** The raw answer to one command. */
  command(...words) {
    return new Promise((resolve, reject) => {
      const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
      const socket = net.connect(this.port, "127.0.0.1");
      socket.once("error", reject);
      socket.once("close", () => reject(new Error("Redis hung up")));
      socket.once("data", (data) => {
        socket.destroy();
        resolve(data.toString());
      });
      socket.write(`*${words.length}\r\n${parts.join("")}`);
    });
  }

  /** Listens on a channel; gives a function that ends it and gives what was said. */
  listen(channel) {
    return new Promise((resolve, reject) => {
      const socket = net.connect(this.port, "127.0.0.1");
      let said = "";
      socket.once("error", reject);
      socket.setEncoding("utf8").on("data", (data) => {
        said += data;
      });
      socket.once("data", () => {
        resolve(async () => {
          socket.destroy();
          return [...said.matchAll(/[0-9a-f]{64} \{.*\}/g)].map(([text]) => text);
        });
      });
      socket.write(`SUBSCRIBE ${channel}\r\n`);
    });
  }

  async kill() {
    const exited = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await exited;
  }

  /** It holds its connections, and answers nothing. */
  pause() {
    this.#process.kill("SIGSTOP");
  }

  resume() {
    this.#process.kill("SIGCONT");
  }
}
