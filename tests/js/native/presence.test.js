// Who is online, and who may know (contract: native, sections 2 and 3). Going offline takes ten seconds: these tests
// mostly wait, so all of them run at once.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { WAITING, each } from "../support/matrix.js";
import { assertHas, assertIso } from "../support/messages.js";
import {
  FULL, STORES_ONLY, ask, assertIsoOrNull, assertKeys, direct, fails, look, person, range, roomOf, settle,
} from "../support/native.js";

const GRACE_MS = 10_000;
const GRACE_MAX_MS = 12_000;
const KEYS = ["userId", "online", "lastSeenAt"];

describe("presence", WAITING, () => {
  each(FULL, "N-13 a user is offline ten seconds after the last of three tabs is gone, once", async (world) => {
    const [tab, ...others] = [await person(world, "a"), await person(world, "a"), await person(world, "a")];
    await direct(tab, "b");
    const b = await person(world, "b");
    await settle(b, tab, ...others);
    tab.disconnect();
    await b.none("presence", GRACE_MAX_MS);
    const since = performance.now();
    for (const other of others) other.disconnect();
    const gone = await b.next("presence", GRACE_MAX_MS);
    const ms = performance.now() - since;
    // Two clocks: allow for their rounding.
    assert.ok(ms > GRACE_MS - 50 && ms < GRACE_MAX_MS, `offline after ${Math.round(ms)} ms`);
    assertKeys(gone, KEYS);
    assertHas(gone, { userId: "a", online: false });
    assertIso(gone.lastSeenAt);
    await b.none("presence", 1_000);
  });

  each(STORES_ONLY, "who shares a conversation hears of the first socket, and of no other", async (world) => {
    const b = await person(world, "b");
    await direct(b, "a");
    const stranger = await person(world, "s");
    await settle(b, stranger);
    const a = await person(world, "a");
    const came = await b.next("presence");
    assertKeys(came, KEYS);
    assertHas(came, { userId: "a", online: true });
    assertIsoOrNull(came.lastSeenAt);
    await person(world, "a");
    await b.none("presence");
    await stranger.none();
    assert.equal(a.all("presence").every(({ userId }) => userId !== "a"), true);
  });

  each(STORES_ONLY, "who comes back in time was never away", async (world) => {
    const a = await person(world, "a");
    const c = await direct(a, "b");
    const b = await person(world, "b");
    await settle(a, b);
    a.disconnect();
    await b.none("presence", GRACE_MS / 2);
    assert.equal(onlineIn(await look(b, c), "a"), true);
    await person(world, "a");
    await b.none("presence", GRACE_MAX_MS);
  });

  each(STORES_ONLY, "who comes back after that comes online again", async (world) => {
    const a = await person(world, "a");
    const c = await direct(a, "b");
    const b = await person(world, "b");
    await settle(a, b);
    a.disconnect();
    assertHas(await b.next("presence", GRACE_MAX_MS), { userId: "a", online: false });
    assert.equal(onlineIn(await look(b, c), "a"), false);
    const [away] = (await ask(b, "presence", { userIds: ["a"] })).users;
    assertHas(away, { userId: "a", online: false });
    assertIso(away.lastSeenAt);
    await person(world, "a");
    assertHas(await b.next("presence"), { userId: "a", online: true });
    assert.equal(onlineIn(await look(b, c), "a"), true);
  });

  each(STORES_ONLY, "one can ask about people one shares a conversation with, and about nobody else", async (world) => {
    const { a, b, room } = await roomOf(world, { b: "MEMBER", c: "MEMBER" });
    const stranger = await person(world, "s");
    const { users } = await ask(a, "presence", { userIds: ["b", "c", "s", "no-such-user"] });
    for (const user of users) assertKeys(user, KEYS);
    assert.deepEqual(users.map(({ userId, online }) => [userId, online]).sort(), [["b", true], ["c", true]]);
    assert.deepEqual(await ask(stranger, "presence", { userIds: ["a", "b"] }), { users: [] });
    await ask(a, "remove_participant", { conversationId: room, userId: "b" });
    assert.deepEqual((await ask(b, "presence", { userIds: ["a"] })).users, []);
    assert.deepEqual((await ask(a, "presence", { userIds: ["b"] })).users, []);
  });

  each(STORES_ONLY, "who no longer shares a conversation hears nothing", async (world) => {
    const { a, b, room } = await roomOf(world, { b: "MEMBER" });
    await ask(a, "remove_participant", { conversationId: room, userId: "b" });
    await settle(a, b);
    a.disconnect();
    await b.none("presence", GRACE_MAX_MS);
    await person(world, "a");
    await b.none();
  });

  each(STORES_ONLY, "up to two hundred people at a time", async (world) => {
    const a = await person(world, "a");
    const userIds = range(1, 200).map((i) => `user-${i}`);
    await ask(a, "create_room", { name: "Crowd", userIds });
    const { users } = await ask(a, "presence", { userIds });
    assert.deepEqual(users.map(({ userId }) => userId).sort(), [...userIds].sort());
    assert.equal(users.some(({ online }) => online), false);
    assert.equal(users.every(({ lastSeenAt }) => lastSeenAt === null), true);
    await fails(a, "presence", { userIds: [...userIds, "one-more"] }, "INVALID_PAYLOAD", "TOO_LARGE");
    assert.deepEqual(await ask(a, "presence", { userIds: [] }), { users: [] });
    for (const wrong of [undefined, null, "b", 5, {}, [null], [{}], [""], [1.5], ["x".repeat(129)], ["a\0b"]]) {
      await fails(a, "presence", { userIds: wrong }, "INVALID_PAYLOAD");
    }
  });
});

function onlineIn({ participants }, id) {
  return participants.find(({ userId }) => userId === id).online;
}
