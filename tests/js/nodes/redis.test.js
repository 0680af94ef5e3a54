// Ways to reach Redis: with a password, over TLS, and when it comes later than the servers.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BUSY, World } from "../support/matrix.js";
import { ask, direct, person, send, settle, typingPasses } from "../support/native.js";
import { Certificate, Redis } from "../support/redis.js";
import { Server } from "../support/server.js";

const WORLD = { setting: "fixed", transport: "websocket", store: "nodes" };

describe("redis", BUSY, () => {
  it("a password", async () => {
    const redis = await Redis.start({ password: "p/s: w@rd" });
    await between(redis, {}, hearEachOther);
  });

  it("TLS, with a certificate that SSL_CERT_FILE vouches for", async () => {
    const certificate = await Certificate.make();
    try {
      const redis = await Redis.start({ certificate });
      await between(redis, { SSL_CERT_FILE: certificate.ca }, hearEachOther);
    } finally {
      await certificate.remove();
    }
  });

  it("TLS, with a certificate that nobody vouches for: nothing is said", async () => {
    const [certificate, another] = [await Certificate.make(), await Certificate.make()];
    try {
      const redis = await Redis.start({ certificate });
      await between(redis, { SSL_CERT_FILE: another.ca }, async (world) => {
        assert.match(await redis.command("PUBSUB", "CHANNELS"), /^\*0\r\n/);
        for (const { output } of world.servers) assert.match(output, /Redis cannot be heard/);
      });
    } finally {
      await Promise.all([certificate.remove(), another.remove()]);
    }
  });

  it("servers that start before Redis work, and hear each other when it is there", async () => {
    const redis = await Redis.prepare();
    await between(redis, {}, async (world) => {
      const { a, b, c } = await pairApart(world);
      const first = await send(a, c, { content: "without" });
      assert.equal((await b.next("new_message", 3_000)).message.id, first.id);
      await redis.start();
      await typingPasses(a, b, c);
    });
  });
});

/** A test on two servers with that Redis between them. */
async function between(redis, settings, test) {
  const server = await Server.start("nodes", { DIALECT: "native", REDIS_URL: redis.url, ...settings });
  const other = await server.join();
  const world = new World(server, WORLD, other);
  try {
    await test(world);
    for (const { output } of world.servers) assert.ok(!redis.password || !output.includes("w@rd"), "the password is in no log");
  } finally {
    world.close();
    await other.remove();
    await server.remove();
    await redis.kill();
  }
}

async function hearEachOther(world) {
  await world.server.hasMet(world.servers[1]);
  const { a, b, c } = await pairApart(world);
  await typingPasses(a, b, c);
}

async function pairApart(world) {
  const [a, b] = [await person(world, "a"), await person(world, "b")];
  const c = await direct(a, "b");
  await settle(a, b);
  return { a, b, c };
}
