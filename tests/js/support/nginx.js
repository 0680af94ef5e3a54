// A real nginx in front of servers, with deploy/nginx.conf as it is: only where it listens, where it logs and the
// servers behind it are others.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { freePort, start } from "./processes.js";

const SHIPPED = path.resolve(import.meta.dirname, "../../../deploy/nginx.conf");
const START_MS = 5_000;
/** Debian keeps nginx where only root looks. */
const PATH = `${process.env.PATH}:/usr/sbin:/usr/local/sbin`;

export class Nginx {
  #process = null;

  /** A running one on a free port of 127.0.0.1, in front of these servers. */
  static async start(servers) {
    const nginx = new Nginx();
    nginx.port = await freePort();
    nginx.dir = await mkdtemp(path.join(os.tmpdir(), "sohbet-nginx-"));
    await mkdir(path.join(nginx.dir, "body"));
    await writeFile(path.join(nginx.dir, "sohbet.conf"), await nginx.#site(servers));
    await writeFile(path.join(nginx.dir, "nginx.conf"), nginx.#main());
    await nginx.#start();
    return nginx;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** What it has written about requests so far. */
  requests() {
    return readFile(path.join(this.dir, "access.log"), "utf8");
  }

  /** What it has complained about. */
  complaints() {
    return readFile(path.join(this.dir, "error.log"), "utf8");
  }

  async stop() {
    const exited = once(this.#process, "exit");
    this.#process.kill("SIGTERM");
    await exited;
    await rm(this.dir, { recursive: true, force: true });
  }

  async #site(servers) {
    let site = await readFile(SHIPPED, "utf8");
    const put = (pattern, n, text) => {
      assert.equal(site.match(pattern)?.length, n, `${pattern} in ${SHIPPED}`);
      let i = 0;
      site = site.replace(pattern, () => text(i++ % servers.length));
    };
    put(/(?<=^ +listen )80(?=;)/gm, 1, () => `127.0.0.1:${this.port}`);
    put(/^ +listen \[::\]:80;\n/gm, 1, () => "");
    put(/(?<=^ +server )10\.0\.0\.\d+:3001/gm, 2 * servers.length, (i) => `127.0.0.1:${servers[i].port}`);
    put(/\/var\/log\/nginx\/sohbet\.log/g, 1, () => path.join(this.dir, "access.log"));
    return site;
  }

  #main() {
    const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    return [
      // Root starts it as somebody who may not read the folder of a test.
      process.getuid() === 0 ? "user root;" : "",
      "daemon off;",
      "worker_processes 2;",
      `pid ${path.join(this.dir, "nginx.pid")};`,
      `error_log ${path.join(this.dir, "error.log")};`,
      "events { worker_connections 1024; }",
      "http {",
      ...kinds.map((kind) => `${kind}_temp_path ${path.join(this.dir, "body")};`),
      `include ${path.join(this.dir, "sohbet.conf")};`,
      "}\n",
    ].join("\n");
  }

  async #start() {
    const main = path.join(this.dir, "nginx.conf");
    const errors = path.join(this.dir, "error.log");
    const options = { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, PATH } };
    this.#process = start("nginx", ["-p", this.dir, "-e", errors, "-c", main], options, "SIGTERM");
    let said = "";
    this.#process.stderr.setEncoding("utf8").on("data", (text) => {
      said += text;
    });
    const failed = Promise.race([
      once(this.#process, "error").then(([error]) => error.message),
      once(this.#process, "exit").then(() => "it has ended"),
    ]);
    const reason = await Promise.race([this.#answers(), failed]);
    if (reason) throw new Error(`nginx could not be started: ${reason}\n${said}`);
  }

  async #answers() {
    for (const end = performance.now() + START_MS; performance.now() < end; ) {
      if (await fetch(`${this.url}/healthz`).then(({ ok }) => ok, () => false)) return undefined;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return "it does not answer";
  }
}
