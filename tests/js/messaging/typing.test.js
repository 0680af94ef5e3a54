// Typing states live six seconds (contract: README, section 6.9): these tests mostly wait, so all of them run at once.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { FULL, STORES_ONLY, TRANSPORTS_AND_STORES, WAITING, each } from "../support/matrix.js";
import { assertError, send } from "../support/messages.js";
import { TTL_MAX_MS, TTL_MS, assertTtl } from "../support/typing.js";

describe("typing", WAITING, () => {
  each(FULL, "M-12 typing is shown to the other and runs out by itself", async (world) => {
    const { a, b, c } = await world.pair();
    const since = performance.now();
    a.emit("typing", typing(c));
    assert.deepEqual(await b.next("user_typing"), { userId: 1, isTyping: true, conversationId: c });
    assert.deepEqual(await b.next("user_typing", TTL_MAX_MS), { userId: 1, isTyping: false, conversationId: c });
    assertTtl(performance.now() - since);
    await b.none();
    await a.none();
  });

  each(STORES_ONLY, "a refresh prolongs the state", async (world) => {
    const { a, b, c } = await world.pair();
    await a.ask("typing", typing(c));
    await wait(TTL_MS / 2);
    const refreshed = performance.now();
    await a.ask("typing", typing(c));
    const stopped = await stop(b);
    assert.deepEqual(stopped, { userId: 1, isTyping: false, conversationId: c });
    assertTtl(performance.now() - refreshed);
  });

  each(STORES_ONLY, "other sockets of the typist hear nothing", async (world) => {
    const { a, b, c } = await world.pair();
    const tab = await world.user(1);
    await tab.ask("join_conversation", c);
    assert.deepEqual(await a.ask("typing", typing(c)), { ok: true });
    await b.next("user_typing");
    await a.ask("typing", typing(c, false));
    assert.equal((await b.next("user_typing")).isTyping, false);
    await tab.none("user_typing");
    await b.none("user_typing", TTL_MAX_MS); // stopped once, not again when the time is over
  });

  each(TRANSPORTS_AND_STORES, "a message ends the typing before it arrives", async (world) => {
    const { a, b, c } = await world.pair();
    await a.ask("typing", typing(c));
    await b.next("user_typing");
    b.forget();
    await send(a, { tempId: "temp_1" });
    await b.next("new_message");
    assert.deepEqual(b.order, ["user_typing", "new_message"]);
    assert.equal((await b.next("user_typing")).isTyping, false);
    await b.none("user_typing", TTL_MAX_MS);
  });

  each(STORES_ONLY, "leaving the conversation ends the typing", async (world) => {
    const { a, b, c } = await world.pair();
    await a.ask("typing", typing(c));
    await a.ask("leave_conversation", c);
    assert.deepEqual((await b.several("user_typing", 2)).map(({ isTyping }) => isTyping), [true, false]);
    await b.none("user_typing");
  });

  each(TRANSPORTS_AND_STORES, "disconnecting ends the typing", async (world) => {
    const { a, b, c } = await world.pair();
    await a.ask("typing", typing(c));
    a.disconnect();
    assert.deepEqual((await b.several("user_typing", 2)).map(({ isTyping }) => isTyping), [true, false]);
    await b.none("user_typing");
  });

  each(STORES_ONLY, "a stop without a start is heard or not, but never invented for others", async (world) => {
    const { a, b, c } = await world.pair();
    await a.ask("typing", typing(c, false));
    await send(a, { tempId: "temp_1" });
    await b.next("new_message");
    assert.equal(b.all("user_typing").every(({ userId, isTyping }) => userId === 1 && !isTyping), true);
    assert.ok(b.all("user_typing").length <= 1);
  });

  each(STORES_ONLY, "ids may be text and the caller need not be in the room", async (world) => {
    const { b, c } = await world.pair();
    const outside = await world.user(1);
    await outside.ask("typing", { conversationId: String(c), userId: "1", isTyping: true });
    assert.deepEqual(await b.next("user_typing"), { userId: 1, isTyping: true, conversationId: c });
  });

  each(STORES_ONLY, "typing without a conversation is refused", async (world) => {
    const { a, b } = await world.pair();
    assertError(await a.emitWithAck("typing", { userId: 1, isTyping: true }), "INVALID_PAYLOAD");
    await b.none("user_typing");
  });
});

function typing(conversationId, isTyping = true) {
  return { conversationId, userId: 1, isTyping };
}

/** The first `user_typing` that says stopped; a server may or may not repeat the refreshes before it. */
async function stop(client) {
  let event;
  do event = await client.next("user_typing", TTL_MAX_MS);
  while (event.isTyping);
  return event;
}
