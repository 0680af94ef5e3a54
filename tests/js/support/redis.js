// A Redis of one's own, which a test may kill, stop for a while and start again.

import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import tls from "node:tls";
import { promisify } from "node:util";
import { freePort, start } from "./processes.js";

const START_MS = 5_000;
const SERVER = ["redis-server", "valkey-server"].find((name) => {
  return process.env.PATH.split(path.delimiter).some((folder) => existsSync(path.join(folder, name)));
}) ?? "redis-server";

export class Redis {
  #process = null;

  /** A running one, on a free port. */
  static async start(options) {
    const redis = await Redis.prepare(options);
    await redis.start();
    return redis;
  }

  /**
   * One that does not run yet.
   * @param {{ password?: string, certificate?: Certificate }} [options] with a certificate it speaks TLS alone
   */
  static async prepare(options = {}) {
    const redis = new Redis();
    Object.assign(redis, options);
    redis.port = await freePort();
    return redis;
  }

  get url() {
    const password = this.password ? `:${encodeURIComponent(this.password)}@` : "";
    return `${this.certificate ? "rediss" : "redis"}://${password}127.0.0.1:${this.port}`;
  }

  /** Starts it; again on the same port. */
  async start() {
    const options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    if (this.password) options.push("--requirepass", this.password);
    if (this.certificate) {
      const { ca, cert, key } = this.certificate;
      options.push("--port", "0", "--tls-port", String(this.port), "--tls-auth-clients", "no");
      options.push("--tls-ca-cert-file", ca, "--tls-cert-file", cert, "--tls-key-file", key);
    } else {
      options.push("--port", String(this.port));
    }
    this.#process = start(SERVER, options, { stdio: "ignore" });
    const failed = once(this.#process, "error").then(([error]) => {
      throw new Error(`${SERVER} could not be started: ${error.message}`);
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
  async command(...words) {
    const socket = await this.#connect();
    try {
      if (this.password) await answer(socket, ["AUTH", this.password]);
      return await answer(socket, words);
    } finally {
      socket.destroy();
    }
  }

  async #connect() {
    const place = { port: this.port, host: "127.0.0.1" };
    if (!this.certificate) return net.connect(place);
    return tls.connect({ ...place, ca: await readFile(this.certificate.ca) });
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

  /** Ends it, if it runs. */
  async kill() {
    if (!this.#process || this.#process.exitCode !== null || this.#process.signalCode !== null) return;
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

/** The raw answer to one command on a connection. */
function answer(socket, words) {
  return new Promise((resolve, reject) => {
    const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("Redis hung up")));
    socket.once("data", (data) => resolve(data.toString()));
    socket.write(`*${words.length}\r\n${parts.join("")}`);
  });
}

/** A certificate for 127.0.0.1, and that of who signed it. Nobody knows them who is not told. */
export class Certificate {
  static async make() {
    const certificate = new Certificate();
    certificate.dir = await mkdtemp(path.join(os.tmpdir(), "sohbet-tls-"));
    const file = (name) => path.join(certificate.dir, name);
    Object.assign(certificate, { ca: file("ca.crt"), cert: file("redis.crt"), key: file("redis.key") });
    const signer = ["-CA", certificate.ca, "-CAkey", file("ca.key")];
    await request(certificate.ca, file("ca.key"), "CA:TRUE", []);
    await request(certificate.cert, certificate.key, "CA:FALSE", ["-addext", "subjectAltName=IP:127.0.0.1", ...signer]);
    return certificate;
  }

  async remove() {
    await rm(this.dir, { recursive: true, force: true });
  }
}

async function request(cert, key, constraint, further) {
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const names = ["-subj", `/CN=Sohbet test ${constraint}`, "-addext", `basicConstraints=critical,${constraint}`];
  await promisify(execFile)("openssl", ["req", "-x509", ...kind, "-keyout", key, "-out", cert, ...names, ...further]);
}
