// Typing states live six seconds (contract: native, section 3, and README, section 6.9). These tests mostly wait, so
// all of them run at once.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { WAITING, each } from "../support/matrix.js";
import {
  FULL, STORES_ONLY, TRANSPORTS_AND_STORES, ask, fails, pair, person, roomOf, send, settle,
} from "../support/native.js";
import { TTL_MAX_MS, TTL_MS, assertTtl } from "../support/typing.js";

const N_ALTERNATIONS = 50;
/** Starts that come too soon after a stop are told within that time. */
const RETOLD_MS = 2_500;
/** Times that alternations are told that take less than a few seconds. */
const MAX_TOLD = 5;

describe("typing", WAITING, () => {
  each(FULL, "typing is shown to the others and runs out by itself", async (world) => {
    const { a, b, c } = await pair(world);
    const since = performance.now();
    assert.deepEqual(await ask(a, "typing_start", { conversationId: c }), {});
    assert.deepEqual(await b.next("typing"), { conversationId: c, userId: "a", name: "Ada", isTyping: true });
    assert.deepEqual(await b.next("typing", TTL_MAX_MS), { conversationId: c, userId: "a", name: "Ada", isTyping: false });
    assertTtl(performance.now() - since);
    await b.none();
    await a.none();
  });

  each(STORES_ONLY, "a refresh prolongs the state", async (world) => {
    const { a, b, c } = await pair(world);
    await ask(a, "typing_start", { conversationId: c });
    await wait(TTL_MS / 2);
    const refreshed = performance.now();
    await ask(a, "typing_start", { conversationId: c });
    let event;
    do event = await b.next("typing", TTL_MAX_MS);
    while (event.isTyping);
    assertTtl(performance.now() - refreshed);
  });

  each(STORES_ONLY, "stopping is heard once, and never by the typist's own sockets", async (world) => {
    const { a, b, c } = await pair(world);
    const tab = await person(world, "a");
    await settle(a, b, tab);
    await ask(a, "typing_start", { conversationId: c });
    assert.deepEqual(await ask(a, "typing_stop", { conversationId: c }), {});
    assert.deepEqual((await b.several("typing", 2)).map(({ isTyping }) => isTyping), [true, false]);
    await b.none("typing", TTL_MAX_MS);
    await tab.none("typing");
    await a.none("typing");
  });

  each(TRANSPORTS_AND_STORES, "a message ends the typing before it arrives", async (world) => {
    const { a, b, c } = await pair(world);
    await ask(a, "typing_start", { conversationId: c });
    await b.next("typing");
    b.forget();
    await send(a, c);
    await b.next("new_message");
    assert.deepEqual(b.order.filter((name) => ["typing", "new_message"].includes(name)), ["typing", "new_message"]);
    assert.equal((await b.next("typing")).isTyping, false);
    await b.none("typing", TTL_MAX_MS);
  });

  each(TRANSPORTS_AND_STORES, "leaving the room and disconnecting end the typing", async (world) => {
    const { a, b, room } = await roomOf(world, { b: "MEMBER" });
    await ask(a, "typing_start", { conversationId: room });
    await ask(a, "leave_room", { conversationId: room });
    assert.deepEqual((await b.several("typing", 2)).map(({ isTyping }) => isTyping), [true, false]);
    await ask(a, "join_room", { conversationId: room });
    await ask(a, "typing_start", { conversationId: room });
    a.disconnect();
    assert.deepEqual((await b.several("typing", 2)).map(({ isTyping }) => isTyping), [true, false]);
    await b.none("typing");
  });

  each(STORES_ONLY, "everybody in a room is told, each typist apart, and nobody outside", async (world) => {
    const { a, b, c, room } = await roomOf(world, { b: "MEMBER", c: "MEMBER" });
    const outsider = await person(world, "x");
    await settle(a, b, c, outsider);
    await ask(a, "typing_start", { conversationId: room });
    await ask(b, "typing_start", { conversationId: room });
    assert.deepEqual((await c.several("typing", 2)).map(({ userId }) => userId), ["a", "b"]);
    assert.equal((await a.next("typing")).userId, "b");
    assert.equal((await b.next("typing")).userId, "a");
    await fails(outsider, "typing_start", { conversationId: room }, "NOT_FOUND");
    await outsider.none();
  });

  each(STORES_ONLY, "starting and stopping all the time is told a few times, and as it ends", async (world) => {
    const { a, b, c } = await pair(world);
    for (const isLast of [true, false]) {
      b.forget();
      for (let i = 0; i < N_ALTERNATIONS; i += 1) {
        a.emit("typing_start", { conversationId: c });
        a.emit("typing_stop", { conversationId: c });
      }
      if (isLast) await ask(a, "typing_start", { conversationId: c });
      else await ask(a, "typing_stop", { conversationId: c });
      await wait(RETOLD_MS);
      const told = b.all("typing").map(({ isTyping }) => isTyping);
      assert.ok(told.filter((isTyping) => isTyping).length <= MAX_TOLD, `${told}`);
      assert.ok(told.filter((isTyping) => !isTyping).length <= MAX_TOLD, `${told}`);
      assert.equal(told.at(-1), isLast, `${told}`);
    }
  });

  each(STORES_ONLY, "a stop without a start is told to nobody", async (world) => {
    const { a, b, c } = await pair(world);
    await ask(a, "typing_stop", { conversationId: c });
    await send(a, c);
    await b.next("new_message");
    assert.deepEqual(b.all("typing"), []);
  });
});
