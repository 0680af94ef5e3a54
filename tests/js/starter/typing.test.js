// Who is typing: a list for everybody (contract: starter, sections 2 and 3; README, 6.9).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { BUSY, WAITING, each } from "../support/matrix.js";
import { DIALECTS_AND_STORES, FULL, STORES_ONLY, people } from "../support/starter.js";
import { TTL_MAX_MS, TTL_MS, assertTtl } from "../support/typing.js";

describe("typing", BUSY, () => {
  each(FULL, "T-06 everybody gets the list of who types", async (world) => {
    const [a, b] = await people(world, "ali", "veli");
    a.emit("typing", true);
    for (const client of [a, b]) assert.deepEqual(await client.next("typing_users"), ["ali"]);
    a.emit("typing", false);
    for (const client of [a, b]) {
      assert.deepEqual(await client.next("typing_users"), []);
      await client.none();
    }
  });

  each(STORES_ONLY, "an object says the same, two people are two names", async (world) => {
    const [a, b] = await people(world, "ali", "veli");
    assert.deepEqual(await a.ask("typing", { isTyping: true }), { ok: true });
    assert.deepEqual(await b.next("typing_users"), ["ali"]);
    await b.ask("typing", true);
    assert.deepEqual((await a.several("typing_users", 2))[1].sort(), ["ali", "veli"]);
    await a.ask("typing", { isTyping: false });
    assert.deepEqual((await b.several("typing_users", 2))[1], ["veli"]);
  });

  each(DIALECTS_AND_STORES, "before user_join nobody types", async (world) => {
    const [b] = await people(world, "veli");
    const a = await world.connect();
    assert.deepEqual(await a.emitWithAck("typing", true), { ok: true });
    assert.deepEqual(await a.emitWithAck("typing", { isTyping: true }), { ok: true });
    await a.none();
    await b.none();
  });

  each(DIALECTS_AND_STORES, "a message ends the typing before it arrives", async (world) => {
    const [a, b] = await people(world, "ali", "veli");
    await a.ask("typing", true);
    await b.next("typing_users");
    b.forget();
    await a.ask("send_message", { message: "hi" });
    await b.next("receive_message");
    assert.deepEqual(b.order, ["typing_users", "receive_message"]);
    assert.deepEqual(await b.next("typing_users"), []);
  });
});

describe("typing that ends by itself", WAITING, () => {
  each(STORES_ONLY, "after six seconds the name goes from the list, once", async (world) => {
    const [a, b] = await people(world, "ali", "veli");
    const since = performance.now();
    await a.ask("typing", true);
    for (const client of [a, b]) assert.deepEqual(await client.next("typing_users"), ["ali"]);
    for (const client of [a, b]) assert.deepEqual(await client.next("typing_users", TTL_MAX_MS), []);
    assertTtl(performance.now() - since);
    await b.none();
  });

  each(STORES_ONLY, "a refresh prolongs the state, and names stay single", async (world) => {
    const [a, b] = await people(world, "ali", "veli");
    await a.ask("typing", true);
    await wait(TTL_MS / 2);
    const since = performance.now();
    await a.ask("typing", true);
    let list;
    do {
      list = await b.next("typing_users", TTL_MAX_MS);
      assert.ok(list.length <= 1, `${list}`);
    } while (list.length > 0);
    assertTtl(performance.now() - since);
  });
});
