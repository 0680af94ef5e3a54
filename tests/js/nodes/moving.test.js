// Somebody gets another gallery on one server, just when they connect to another one.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { eventually } from "../support/eventually.js";
import { withTokens } from "../support/gallery.js";
import { Holding } from "../support/lossy.js";
import { BUSY, combinationsOf } from "../support/matrix.js";
import { token } from "../support/token.js";

const REDIS = { ...combinationsOf("gallery").FIXED, transports: ["websocket"], stores: ["redis"] };
/** The servers tell each other sooner. */
const TOLD_MS = 500;
/** The stock client waits a second and a half at most before it tries. */
const RECONNECT_MS = 5_000;

describe("a user who is moved", BUSY, () => {
  withTokens(REDIS, "while their socket is let in is there as who they are now", async ({ world, ua, ub, uc, directory }) => {
    const [before, now] = [await ua.roomWith(uc), await ub.roomWith(uc)];
    await directory.write("user", "u", { galleryId: ua.gallery });
    const url = new URL(world.server.store.env.DATABASE_URL);
    const way = await Holding.start(Number(url.port || 5432));
    url.hostname = "127.0.0.1";
    url.port = String(way.port);
    const other = await world.server.join({ DATABASE_URL: url.href });
    try {
      await other.hasMet(world.server);
      way.hold(ua.gallery);
      const connecting = world.connectTo(other.url, { transports: ["websocket"], auth: { token: token("u") } });
      await eventually(() => assert.ok(way.isHolding));
      await directory.write("user", "u", { galleryId: ub.gallery });
      await wait(TOLD_MS);
      way.release();
      const u = await connecting;
      await u.next("(disconnect)");
      await u.next("(reconnect)", RECONNECT_MS);
      await uc.send(before, { content: "not for them" });
      await uc.send(now, { content: "for them" });
      assert.equal((await u.next("new_message")).message.content, "for them");
      await u.none("new_message");
    } finally {
      way.stop();
      await other.remove();
    }
  });
});
