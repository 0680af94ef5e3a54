// Who is writing (contract: gallery, sections 2 and 3; README, section 6.9). These tests mostly wait, so all run at once.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { FULL, STORES_ONLY, TRANSPORTS_AND_STORES, UNKNOWN_UUID, inBothModes, withTokens } from "../support/gallery.js";
import { WAITING } from "../support/matrix.js";
import { assertError } from "../support/messages.js";
import { TTL_MAX_MS, TTL_MS, assertTtl } from "../support/typing.js";

const N_PRESSES = 30;
const STARTED = "user_typing";
const STOPPED = "user_stopped_typing";

/** UA and UB in a room of both, and what is heard of UA there. */
async function pair({ ua, ub }) {
  const room = await ua.roomWith(ub);
  return { room, a: await ua.joined(room), b: await ub.joined(room), typist: { userId: ua.id, roomId: room } };
}

describe("typing", WAITING, () => {
  inBothModes(FULL, "G-08 the others in the room see who types and who stops", async (market) => {
    const { room, a, b, typist } = await pair(market);
    a.emit("typing_start", { roomId: room });
    assert.deepEqual(await b.next(STARTED), typist);
    a.emit("typing_stop", { roomId: room });
    assert.deepEqual(await b.next(STOPPED), typist);
    await b.none();
    await a.none();
  });

  inBothModes(FULL, "G-09 other sockets of the typist hear nothing", async (market) => {
    const { room, a, b, typist } = await pair(market);
    const tab = await market.ua.joined(room);
    a.emit("typing_start", { roomId: room });
    assert.deepEqual(await b.next(STARTED), typist);
    a.emit("typing_stop", { roomId: room });
    assert.deepEqual(await b.next(STOPPED), typist);
    await tab.none();
    await a.none();
  });

  inBothModes(STORES_ONLY, "the room may be named by a text, and each word is acked", async (market) => {
    const { room, a, b, typist } = await pair(market);
    assert.deepEqual(await a.emitWithAck("typing_start", room), { ok: true });
    assert.deepEqual(await b.next(STARTED), typist);
    assert.deepEqual(await a.emitWithAck("typing_stop", room), { ok: true });
    assert.deepEqual(await b.next(STOPPED), typist);
  });

  withTokens(STORES_ONLY, "colleagues in the room see it, nobody outside of it does", async (market) => {
    const { ua2, ub } = market;
    const { room, a, typist } = await pair(market);
    const colleague = await ua2.joined(room);
    const outside = await ub.connect();
    await a.ask("typing_start", { roomId: room });
    assert.deepEqual(await colleague.next(STARTED), typist);
    await a.ask("typing_stop", { roomId: room });
    assert.deepEqual(await colleague.next(STOPPED), typist);
    await outside.none();
  });

  withTokens(STORES_ONLY, "the typist need not be in the room", async (market) => {
    const { room, a, b, typist } = await pair(market);
    const outside = await market.ua.connect();
    await outside.ask("typing_start", { roomId: room });
    assert.deepEqual(await b.next(STARTED), typist);
    await outside.ask("typing_stop", { roomId: room });
    assert.deepEqual(await b.next(STOPPED), typist);
    await a.none();
    await outside.none();
  });

  withTokens(STORES_ONLY, "typing on every press ends once", async (market) => {
    const { room, a, b, typist } = await pair(market);
    const since = performance.now();
    await Promise.all(Array.from({ length: N_PRESSES }, () => a.ask("typing_start", { roomId: room })));
    await a.ask("typing_stop", { roomId: room });
    const seconds = Math.floor((performance.now() - since) / 1_000);
    await b.next(STARTED);
    assert.deepEqual(await b.next(STOPPED), typist);
    await b.none(STOPPED, TTL_MAX_MS);
    const nStarted = b.all(STARTED).length;
    assert.ok(nStarted <= 1 + seconds, `told ${nStarted} times in ${seconds} seconds`);
  });

  inBothModes(TRANSPORTS_AND_STORES, "typing runs out by itself, once", async (market) => {
    const { room, a, b, typist } = await pair(market);
    const since = performance.now();
    a.emit("typing_start", { roomId: room });
    assert.deepEqual(await b.next(STARTED), typist);
    assert.deepEqual(await b.next(STOPPED, TTL_MAX_MS), typist);
    assertTtl(performance.now() - since);
    await b.none();
    await a.none();
  });

  withTokens(STORES_ONLY, "a refresh prolongs the state", async (market) => {
    const { room, a, b, typist } = await pair(market);
    await a.ask("typing_start", { roomId: room });
    await wait(TTL_MS / 2);
    const refreshed = performance.now();
    await a.ask("typing_start", { roomId: room });
    assert.deepEqual(await b.next(STOPPED, TTL_MAX_MS), typist);
    assertTtl(performance.now() - refreshed);
  });

  inBothModes(TRANSPORTS_AND_STORES, "a message ends the typing before it arrives", async (market) => {
    const { room, a, b, typist } = await pair(market);
    await a.ask("typing_start", { roomId: room });
    await b.next(STARTED);
    await market.ua.send(room);
    await b.next("new_message");
    assert.deepEqual(b.order, [STARTED, STOPPED, "new_message"]);
    assert.deepEqual(await b.next(STOPPED), typist);
    await b.none(STOPPED, TTL_MAX_MS);
  });

  withTokens(STORES_ONLY, "so does a file", async (market) => {
    const { room, a, b } = await pair(market);
    await a.ask("typing_start", { roomId: room });
    await b.next(STARTED);
    await market.ua.post(`/${room}/upload`, { fileUrl: "https://minio.example/a.jpg", fileName: "a.jpg" });
    await b.next("new_message");
    assert.deepEqual(b.order, [STARTED, STOPPED, "new_message"]);
  });

  withTokens(STORES_ONLY, "the message of somebody else does not, nor a message in another room", async (market) => {
    const { ua, ua2, ub } = market;
    const { room, a, b } = await pair(market);
    const other = await ua.roomWith(ub);
    await a.ask("typing_start", { roomId: room });
    await b.next(STARTED);
    await ua2.send(room);
    await ub.send(room);
    await ua.send(other);
    await b.several("new_message", 3);
    await b.none(STOPPED);
    assert.deepEqual(await b.next(STOPPED, TTL_MAX_MS), { userId: ua.id, roomId: room });
  });

  withTokens(STORES_ONLY, "leaving the room ends the typing", async (market) => {
    const { room, a, b, typist } = await pair(market);
    await a.ask("typing_start", { roomId: room });
    await a.ask("leave_room", room);
    assert.deepEqual(await b.next(STARTED), typist);
    assert.deepEqual(await b.next(STOPPED), typist);
    await b.none(STOPPED);
  });

  inBothModes(TRANSPORTS_AND_STORES, "disconnecting ends the typing", async (market) => {
    const { room, a, b, typist } = await pair(market);
    await a.ask("typing_start", { roomId: room });
    a.disconnect();
    assert.deepEqual(await b.next(STARTED), typist);
    assert.deepEqual(await b.next(STOPPED), typist);
    await b.none(STOPPED);
  });

  withTokens(STORES_ONLY, "a stop without a start is never invented for others", async (market) => {
    const { ua } = market;
    const { room, a, b } = await pair(market);
    assert.deepEqual(await a.emitWithAck("typing_stop", { roomId: room }), { ok: true });
    await ua.send(room);
    await b.next("new_message");
    assert.equal(b.all(STARTED).length, 0);
    assert.ok(b.all(STOPPED).length <= 1);
  });

  inBothModes(STORES_ONLY, "typing of a stranger is refused and relayed to nobody", async (market) => {
    const { room, a, b } = await pair(market);
    const c = await market.uc.connect();
    for (const payload of [{ roomId: room }, room, "nope", { roomId: UNKNOWN_UUID }]) {
      assertError(await c.emitWithAck("typing_start", payload), "FORBIDDEN");
      assertError(await c.emitWithAck("typing_stop", payload), "FORBIDDEN");
    }
    for (const client of [a, b, c]) await client.none();
  });
});
