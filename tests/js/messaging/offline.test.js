// Going offline takes ten seconds: these tests mostly wait, so all of them run at once.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { FULL, STORES_ONLY, WAITING, each } from "../support/matrix.js";

const GRACE_MS = 10_000;
const GRACE_MAX_MS = 12_000;

describe("going offline", WAITING, () => {
  each(FULL, "M-04 a user is offline ten seconds after the last socket is gone", async (world) => {
    const a = await world.user(1);
    const a2 = await world.user(1);
    const c = await world.user(3);
    const b = await world.user(2);

    a.disconnect();
    c.disconnect();
    await wait(3_000);
    await world.user(3);
    await wait(GRACE_MAX_MS - 3_000);
    await b.none("user_offline"); // neither 1, who has another socket, nor 3, who came back
    await b.none("user_online"); // 3 had never left

    const since = performance.now();
    a2.disconnect();
    assert.deepEqual(await b.next("user_offline", GRACE_MAX_MS), { userId: 1 });
    assertGrace(performance.now() - since);
    const ack = await b.ask("join_user_room", 2);
    assert.deepEqual(ack.onlineUsers, [3, 2]);
    await b.none("user_offline");
  });

  each(STORES_ONLY, "leaving the user room is going offline", async (world) => {
    const a = await world.user(1);
    const b = await world.user(2);
    const since = performance.now();
    await a.ask("leave_user_room", 1);
    assert.deepEqual(await b.next("user_offline", GRACE_MAX_MS), { userId: 1 });
    assertGrace(performance.now() - since);
    assert.deepEqual(await a.next("user_offline"), { userId: 1 }); // all sockets, this one too
  });

  each(STORES_ONLY, "joining as somebody else takes the first user offline", async (world) => {
    const a = await world.user(1);
    const b = await world.user(2);
    await a.ask("join_user_room", 3);
    assert.deepEqual(await b.next("user_online"), { userId: 3 });
    assert.deepEqual(await b.next("user_offline", GRACE_MAX_MS), { userId: 1 });
    const late = await world.connect();
    assert.deepEqual((await late.ask("join_user_room", 4)).onlineUsers, [2, 3, 4]);
  });

  each(STORES_ONLY, "a user who is back after going offline comes online again", async (world) => {
    const b = await world.user(2);
    const a = await world.user(1);
    assert.deepEqual(await b.next("user_online"), { userId: 1 });
    a.disconnect();
    assert.deepEqual(await b.next("user_offline", GRACE_MAX_MS), { userId: 1 });
    await world.user(1);
    assert.deepEqual(await b.next("user_online"), { userId: 1 });
  });
});

function assertGrace(ms) {
  // Two clocks: allow for their rounding.
  assert.ok(ms > GRACE_MS - 50 && ms < GRACE_MAX_MS, `offline after ${Math.round(ms)} ms`);
}
