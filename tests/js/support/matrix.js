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
/** `nodes` and `redis` are two servers on one PostgreSQL, that talk over it or over Redis. */
const STORES = (process.env.SOHBET_TEST_STORES ?? "sqlite,postgres").split(",");
const WITH_TWO_SERVERS = ["nodes", "redis"];
const MAX_OUTPUT_CHARS = 6_000;

/** With two servers each case runs once a store: what a dialect and a transport do is shown with one. */
const HAS_TWO_SERVERS = STORES.some((store) => WITH_TWO_SERVERS.includes(store));

/** The combinations in which the cases of one dialect run. `fixed` is a server with that dialect configured. */
export function combinationsOf(dialect) {
  const settings = HAS_TWO_SERVERS ? ["fixed"] : ["fixed", "auto"];
  const transports = HAS_TWO_SERVERS ? ["default"] : Object.keys(TRANSPORTS);
  const full = { dialect, settings, transports, stores: STORES };
  const storesOnly = { ...full, settings: ["fixed"], transports: ["default"] };
  return {
    /** Every combination: what contract/README.md, section 9, asks of a conformance case. */
    FULL: full,
    /** For cases without a client socket. */
    NO_SOCKET: { ...full, transports: ["default"] },
    /** Both stores, the default client. */
    STORES_ONLY: storesOnly,
    /** Both stores and dialect settings, the default client. */
    DIALECTS_AND_STORES: { ...storesOnly, settings },
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
          const other = WITH_TWO_SERVERS.includes(store) ? await server.join() : undefined;
          await other?.hasMet(server);
          const world = new World(server, { setting, transport, store }, other);
          const fault = await test(world).then(() => world.assertAcksOnce()).catch((error) => error);
          world.close();
          const stopFault = (await other?.remove().catch((error) => error)) ?? (await server.remove().catch((error) => error));
          if (fault ?? stopFault) {
            for (const { output } of [server, other].filter(Boolean)) {
              t.diagnostic(`last output of the server:\n${output.slice(-MAX_OUTPUT_CHARS)}`);
            }
            throw fault ?? stopFault;
          }
        });
      }
    }
  }
}

/** One server, or two on one store, and the people on them. */
export class World {
  #clients = [];
  #nConnected = 0;

  constructor(server, { setting, transport, store }, other = server) {
    this.server = server;
    this.servers = [server, other];
    this.setting = setting;
    this.transport = transport;
    this.store = store;
    this.rest = new Rest(other.url);
  }

  /** Whether clients are on two servers in turn: what one server says of the other may come a moment later. */
  get hasTwoServers() {
    return this.servers[0] !== this.servers[1];
  }

  /** Whether the server has a key: then people need tokens. */
  get hasTokens() {
    return "JWT_SECRET" in this.server.env;
  }

  /** A connected socket with the transport of this run; of two servers each in turn. */
  async connect(options = {}) {
    const { url } = this.servers[this.#nConnected % 2];
    this.#nConnected += 1;
    return this.connectTo(url, { ...TRANSPORTS[this.transport], ...options });
  }

  /** A connected socket that comes to the servers by another way. */
  async connectTo(url, options) {
    const client = await Client.connect(url, options);
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
