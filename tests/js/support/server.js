// One real `sohbet serve` with a fresh store, as a child process.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { onCluster } from "./database.js";
import { eventually } from "./eventually.js";
import { Redis } from "./redis.js";

const BINARY = process.env.SOHBET_BIN
  ? path.resolve(process.env.SOHBET_BIN)
  : path.resolve(import.meta.dirname, "../../../target/debug/sohbet");
const MET = "another node is heard";
const LISTENING = /Socket\.IO server running on port (\d+)/;
const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 10_000;
const MAX_OUTPUT_CHARS = 200_000;
/** First starts at a time: more would starve the tests that already run, whose clients wait only a second. */
const MAX_STARTING = 2;

/** A server process and the store it runs on. The store outlives restarts and goes with `remove`. */
export class Server {
  #process = null;
  #output = "";

  /**
   * @param {Store} store
   * @param {Record<string, string>} env settings of this server, on top of a clean environment
   */
  constructor(store, env) {
    this.store = store;
    this.env = env;
    this.port = 0;
  }

  /**
   * A running server on a fresh store.
   * @param {"sqlite" | "postgres" | "nodes" | "redis"} kind the last two: PostgreSQL, prepared for several servers
   * @param {Record<string, string>} [env]
   */
  static async start(kind, env = {}) {
    await starting.enter();
    try {
      const server = new Server(await Store.create(kind), env);
      await server.start().catch(async (error) => {
        await server.remove();
        throw error;
      });
      return server;
    } finally {
      starting.leave();
    }
  }

  /** A second server on the same store, with further settings. It leaves the store alone when it is removed. */
  async join(further = {}) {
    const { dir, env } = this.store;
    const other = new Server({ dir, env, remove: async () => {} }, { ...this.env, ...further });
    await other.start();
    return other;
  }

  /** Waits until each of the two has heard that the other is there. */
  async hasMet(other) {
    await eventually(() => {
      for (const server of [this, other]) assert.ok(server.output.includes(MET), `no other node\n${server.output}`);
    });
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** What the server has written so far, the last part of it. */
  get output() {
    return this.#output;
  }

  /** Starts the process; a second start takes the port of the first, so that clients find it again. */
  async start() {
    const child = spawn(BINARY, ["serve", "--port", String(this.port)], {
      cwd: this.store.dir, // where no `.env` lies
      env: this.#env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = child;
    running.add(child);
    const exited = once(child, "close").finally(() => running.delete(child));
    child.exitedLater = exited.catch(() => {});
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        this.#output = (this.#output + text).slice(-MAX_OUTPUT_CHARS);
      });
    }
    const gone = exited.then(
      ([code, signal]) => `exited with ${signal ?? code} before it listened`,
      (error) => `could not be started: ${error.message}`,
    );
    const outcome = await Promise.race([listening(child), gone, after(START_TIMEOUT_MS, "did not listen in time")]);
    if (typeof outcome !== "number") {
      throw new Error(`the server ${BINARY} ${outcome}\n${this.#output}`);
    }
    this.port = outcome;
  }

  /** Asks for a graceful stop and waits for it. */
  async stop() {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    const late = await Promise.race([child.exitedLater, after(STOP_TIMEOUT_MS, "late")]);
    if (late === "late") {
      await this.kill();
      throw new Error(`the server did not stop within ${STOP_TIMEOUT_MS} ms of SIGTERM`);
    }
    if (child.exitCode !== 0) {
      throw new Error(`the server stopped with ${child.signalCode ?? child.exitCode} instead of 0`);
    }
  }

  /** `kill -9`: what a crash looks like. */
  async kill() {
    this.#process.kill("SIGKILL");
    await this.#process.exitedLater;
  }

  /** Lets the next start of this server be on a port that nobody gets by chance while the server is away. */
  async reservePort() {
    // Below the range from which the kernel hands out ports by itself.
    for (let tries = 0; tries < 100; tries += 1) {
      const port = 10_000 + Math.floor(Math.random() * 10_000);
      if (await isFree(port)) {
        this.port = port;
        return;
      }
    }
    throw new Error("no free port");
  }

  /** Runs a command of the binary on the same store, beside the server. Gives `{stdout, stderr}`. */
  command(...args) {
    return promisify(execFile)(BINARY, args, { cwd: this.store.dir, env: this.#env });
  }

  get #env() {
    return { ...cleanEnvironment(), ...this.store.env, HOST: "127.0.0.1", ...this.env };
  }

  /** Stops the process and throws the store away. */
  async remove() {
    try {
      await this.stop();
    } finally {
      await this.store.remove();
    }
  }
}

/** A temporary directory with an SQLite file or, on the cluster of `TEST_DATABASE_URL`, a database of its own. */
class Store {
  constructor(dir, url, remove) {
    this.dir = dir;
    this.env = { DATABASE_URL: url, DATA_DIR: path.join(dir, "data") };
    this.remove = async () => {
      await remove();
      await rm(dir, { recursive: true, force: true });
    };
  }

  static async create(kind) {
    const newDir = () => mkdtemp(path.join(os.tmpdir(), "sohbet-test-"));
    if (kind === "sqlite") {
      const dir = await newDir();
      return new Store(dir, `sqlite://${path.join(dir, "chat.db")}`, async () => {});
    }
    const name = `sohbet_${randomBytes(8).toString("hex")}`;
    await onCluster(`CREATE DATABASE "${name}"`);
    const url = new URL(process.env.TEST_DATABASE_URL);
    url.pathname = `/${name}`;
    const redis = kind === "redis" ? await Redis.start() : undefined;
    const store = new Store(await newDir(), url.href, async () => {
      await redis?.kill();
      await onCluster(`DROP DATABASE "${name}" WITH (FORCE)`);
    });
    if (redis) Object.assign(store, { redis, env: { ...store.env, REDIS_URL: redis.url } });
    return store;
  }
}

/** Only what a program needs to run: none of the settings that the person at the keyboard happens to have. */
function cleanEnvironment() {
  const kept = ["PATH", "HOME", "TMPDIR", "LANG", "LD_LIBRARY_PATH", "RUST_BACKTRACE"];
  const env = Object.fromEntries(kept.filter((name) => name in process.env).map((name) => [name, process.env[name]]));
  return { ...env, RUST_LOG: process.env.SOHBET_LOG ?? "info" };
}

/** The port, once the server has said that it listens. */
function listening(child) {
  return new Promise((resolve) => {
    let seen = "";
    child.stdout.on("data", function look(text) {
      seen += text;
      const match = LISTENING.exec(seen);
      if (!match) return;
      child.stdout.off("data", look);
      resolve(Number(match[1]));
    });
  });
}

function isFree(port) {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}

function after(ms, value) {
  return new Promise((resolve) => setTimeout(resolve, ms, value).unref());
}

/** Lets a few in at a time, first come, first served. */
class Gate {
  #free;
  #queue = [];

  constructor(places) {
    this.#free = places;
  }

  enter() {
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#queue.push(resolve));
  }

  leave() {
    const next = this.#queue.shift();
    if (next) next();
    else this.#free += 1;
  }
}

const starting = new Gate(MAX_STARTING);

// A test file that dies takes its servers with it.
const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => process.exit(1));
}
