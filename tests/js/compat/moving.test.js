// A stock client that is thrown out while it moves from polling to a WebSocket hears of it.

import assert from "node:assert/strict";
import { once } from "node:events";
import { describe } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { io as current } from "socket.io-client";
import { io as oldest } from "socket.io-client-3.1";
import { makeUserToken } from "../support/api_tokens.js";
import { Cutting } from "../support/cutting.js";
import { ONCE, WAITING, each } from "../support/matrix.js";
import { V1 } from "../support/native.js";

/** Far less than the 45 s after which a client gives up that hears nothing. */
const GONE_MS = 10_000;
/** The time of an answer on this machine, and of a farewell. */
const ANSWERED_MS = 300;
const FAREWELL_MS = 700;

describe("moving to a WebSocket", WAITING, () => {
  for (const [name, io] of Object.entries({ current, oldest })) {
    each(ONCE, `the ${name} client that is thrown out before its last poll has ended hears of it`, async (world) => {
      const a = V1.as(world, "a");
      const { token, id } = await makeUserToken(a);
      const proxy = await Cutting.before(world.server.url);
      try {
        proxy.keepFromMoving();
        const client = await world.connectTo(proxy.url, { io, auth: { token, userId: "a" } });
        const { engine } = client.socket.io;
        await wait(ANSWERED_MS);
        proxy.hold({ onlyPolls: true });
        const upgrading = once(engine, "upgrading");
        proxy.letMove();
        await upgrading;
        await wait(ANSWERED_MS); // the poll is answered, and its answer is on its way
        await a.ok("DELETE", `/tokens/${id}`);
        await wait(2 * FAREWELL_MS);
        assert.equal(engine.transport.name, "polling");
        proxy.release();
        await client.next("(disconnect)", GONE_MS);
      } finally {
        proxy.close();
      }
    });
  }
});
