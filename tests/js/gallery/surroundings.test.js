// Health, preflights, and a store that does not answer (contract: gallery, sections 3, 4 and 4.8; README, section 6.10).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { onCluster } from "../support/database.js";
import { STORES_ONLY, inBothModes, inDevelopment, withTokens } from "../support/gallery.js";
import { errorOf } from "../support/gallery_shapes.js";
import { BUSY } from "../support/matrix.js";
import { assertHas, assertIso } from "../support/messages.js";

const FRONT = "http://localhost:3000";
/** What asks the store may take as long as the server waits for it. */
const OUTAGE_MS = 30_000;
const RETRY_MS = 100;

describe("surroundings", BUSY, () => {
  inBothModes(STORES_ONLY, "health has exactly the three keys of this system", async ({ world }) => {
    const { status, body } = await world.rest.get("/health");
    assert.equal(status, 200);
    const { timestamp, ...rest } = body;
    assert.deepEqual(rest, { status: "ok", service: "chat-service" });
    assertIso(timestamp);
    assert.ok(Math.abs(Date.parse(timestamp) - Date.now()) < 60_000, timestamp);
  });

  inDevelopment(STORES_ONLY, "a browser may send the headers of the front ends and all methods", async ({ world }) => {
    const headers = "authorization,content-type,x-gallery-id,x-user-id";
    for (const [method, path] of [["PUT", "/chats/r/messages/m/read"], ["DELETE", "/api/v1/chats/r"], ["POST", "/api/v1/chat"]]) {
      const answer = await world.rest.call("OPTIONS", path, undefined, {
        origin: FRONT, "access-control-request-method": method, "access-control-request-headers": headers,
      });
      assert.equal(answer.status, 204);
      assert.equal(answer.headers.get("access-control-allow-origin"), FRONT);
      assert.equal(answer.headers.get("access-control-allow-credentials"), "true");
      assert.ok(answer.headers.get("access-control-allow-methods").includes(method), path);
      const allowed = answer.headers.get("access-control-allow-headers").toLowerCase();
      for (const name of headers.split(",")) assert.ok(allowed.includes(name), name);
    }
  });

  withTokens(STORES_ONLY, "an address with ws:// works with the stock client", async ({ world, ua, ub }) => {
    const url = world.server.url.replace("http:", "ws:");
    const room = await ua.roomWith(ub);
    for (const transports of [["polling", "websocket"], ["polling"], ["websocket"]]) {
      const b = await world.connectTo(url, { auth: ub.auth, transports });
      const message = await ua.send(room);
      assert.deepEqual(await b.next("new_message"), { roomId: room, message });
    }
  });

  const postgresOnly = { ...STORES_ONLY, stores: ["postgres"] };
  withTokens(postgresOnly, "without its store it says so, and forgets nothing", async ({ world, ua, ub }) => {
    const room = await ua.roomWith(ub);
    const a = await ua.connect();
    await ua.send(room);
    const database = new URL(world.server.store.env.DATABASE_URL).pathname.slice(1);
    await onCluster(`ALTER DATABASE "${database}" WITH ALLOW_CONNECTIONS false`);
    await onCluster("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", [database]);

    const health = await world.rest.get("/health");
    assert.deepEqual([health.status, health.body], [503, { status: "error", service: "chat-service" }]);
    errorOf(await ua.get(), "INTERNAL_SERVER_ERROR", "An unexpected error occurred");
    const ack = await a.emitWithin(OUTAGE_MS, "join_room", "never seen before");
    assertHas(ack, { ok: false });
    assert.ok(["INTERNAL", "UNAVAILABLE"].includes(ack.error.code), JSON.stringify(ack));
    const event = await a.next("room_joined");
    assert.deepEqual(event, { roomId: "never seen before", success: false, error: "Server error" });

    await onCluster(`ALTER DATABASE "${database}" WITH ALLOW_CONNECTIONS true`);
    while ((await world.rest.get("/health")).status !== 200) await wait(RETRY_MS);
    assert.equal((await ub.messages(room)).length, 1);
  });
});
