// Runs one test for every combination of dialect setting, transport and store, each on a server of its own.
//
// Environment: TEST_DATABASE_URL (a PostgreSQL cluster on which databases may be made, see tests/support/postgres.sh),
// SOHBET_BIN (default: the debug build), SOHBET_LOG (RUST_LOG of the servers), SOHBET_GETS_MS (for slow machines),
// SOHBET_TEST_CONCURRENCY. One test alone: node --test --test-name-pattern="M-05.*sqlite" messaging/sending.test.js

import os from "node:os";
import { it } from "node:test";
import { Client } from "./client.js";
import { Rest } from "./rest.js";
import { Server } from "./server.js";
import { token } from "./token.js";

const TRANSPORTS = { default: {}, polling: { transports: ["polling"] }, websocket: { transports: ["websocket"] } };
const STORES = ["sqlite", "postgres"];
const MAX_OUTPUT_CHARS = 6_000;

/** The combinations in which the cases of one dialect run. `fixed` is a server with that dialect configured. */
export function combinationsOf(dialect) {
  const full = { dialect, settings: ["fixed", "auto"], transports: Object.keys(TRANSPORTS), stores: STORES };
  const storesOnly = { ...full, settings: ["fixed"], transports: ["default"] };
  return {
    /** Every combination: what contract/README.md, section 9, asks of a conformance case. */
    FULL: full,
    /** For cases without a client socket. */
    NO_SOCKET: { ...full, transports: ["default"] },
    /** Both stores, the default client. */
    STORES_ONLY: storesOnly,
    /** Both stores and dialect settings, the default client. */
    DIALECTS_AND_STORES: { ...storesOnly, settings: ["fixed", "auto"] },
    /** Both stores, every transport. */
    TRANSPORTS_AND_STORES: { ...storesOnly, transports: full.transports },
    /** For cases marked *fixed* in the contract, and cases that need several dialects: one setting. */
    FIXED: { ...full, settings: ["fixed"] },
    AUTO: { ...full, settings: ["auto"] },
    /** Both stores, the default client, no dialect configured. */
    AUTO_STORES: { ...storesOnly, settings: ["auto"] },
    /** One run, for what neither store nor transport has a part in. */
    ONCE: { ...storesOnly, stores: ["sqlite"] },
  };
}

/** The combinations of `messaging`. */
export const {
  FULL, NO_SOCKET, STORES_ONLY, DIALECTS_AND_STORES, TRANSPORTS_AND_STORES, AUTO, AUTO_STORES, ONCE,
} = combinationsOf("messaging");

/** For `describe`: a server start is mostly computing, so a few at once. */
export const BUSY = { concurrency: Number(process.env.SOHBET_TEST_CONCURRENCY ?? 2 * os.availableParallelism()) };
/** For `describe`: tests that mostly wait, so many at once. */
export const WAITING = { concurrency: 32 };

/**
 * @param {typeof FULL} combinations
 * @param {string} name
 * @param {(world: World) => Promise<void>} test
 * @param {Record<string, string>} [env] further settings of the server
 */
export function each(combinations, name, test, env = {}) {
  for (const setting of combinations.settings) {
    for (const transport of combinations.transports) {
      for (const store of combinations.stores) {
        it(`${name} [${setting} ${transport} ${store}]`, { timeout: 120_000 }, async (t) => {
          const server = await Server.start(store, { DIALECT: setting === "fixed" ? combinations.dialect : "auto", ...env });
          const world = new World(server, { setting, transport, store });
          const fault = await test(world).then(() => world.assertAcksOnce()).catch((error) => error);
          world.close();
          const stopFault = await server.remove().catch((error) => error);
          if (fault ?? stopFault) {
            t.diagnostic(`last output of the server:\n${server.output.slice(-MAX_OUTPUT_CHARS)}`);
            throw fault ?? stopFault;
          }
        });
      }
    }
  }
}

/** One server and the people on it. */
export class World {
  #clients = [];

  constructor(server, { setting, transport, store }) {
    this.server = server;
    this.setting = setting;
    this.transport = transport;
    this.store = store;
    this.rest = new Rest(server.url);
  }

  /** Whether the server has a key: then people need tokens. */
  get hasTokens() {
    return "JWT_SECRET" in this.server.env;
  }

  /** A connected socket with the transport of this run. */
  async connect(options = {}) {
    const client = await Client.connect(this.server.url, { ...TRANSPORTS[this.transport], ...options });
    this.#clients.push(client);
    return client;
  }

  /** The error of a handshake that must be refused. */
  refused(options = {}) {
    return Client.refused(this.server.url, { ...TRANSPORTS[this.transport], ...options });
  }

  /** Starts the server anew on a port that stays its own while it is away. Before anybody connects. */
  async keepPort() {
    await this.server.stop();
    await this.server.reservePort();
    await this.server.start();
    this.rest.url = this.server.url;
  }

  /** A socket in the room of that user. */
  async user(id, options = {}) {
    const client = await this.connect(options);
    await client.ask("join_user_room", id);
    client.forget();
    return client;
  }

  /** As `user`, in token mode: with a token of that user. */
  async tokenUser(id, claims = {}) {
    return this.user(id, { auth: { token: token(id, claims) } });
  }

  /** Sockets of the users 1 and 2, both in their user rooms and in conversation `c`; nothing sent yet. */
  async pair(c = 42) {
    const a = await this.user(1);
    const b = await this.user(2);
    await a.ask("join_conversation", c);
    await b.ask("join_conversation", c);
    await a.next("user_online"); // of user 2: the last thing on its way
    a.forget();
    b.forget();
    return { a, b, c };
  }

  assertAcksOnce() {
    for (const client of this.#clients) client.assertAcksOnce();
  }

  close() {
    for (const client of this.#clients) client.close();
  }
}
