// A token that ends while its socket lives (contract: native, section 3). These tests mostly wait.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { WAITING, each } from "../support/matrix.js";
import { STORES_ONLY, ask, assertKeys, fails, tokenPerson } from "../support/native.js";
import { HOUR_S, OTHER_SECRET, TOKEN_MODE, now, token, unsignedToken } from "../support/token.js";

/** How long before the end a socket is warned. */
const WARNING_S = 60;
/** Clocks may differ by that much, and a second for the way. */
const LATE_MS = 7_000;

describe("expiry", WAITING, () => {
  each(STORES_ONLY, "a socket is warned a minute before its token ends", async (world) => {
    const exp = now() + WARNING_S + 3;
    const a = await tokenPerson(world, "a", { exp });
    const other = await tokenPerson(world, "b");
    const warning = await a.next("auth_expiring", LATE_MS);
    assertKeys(warning, ["expiresAt"]);
    assert.equal(Date.parse(warning.expiresAt), exp * 1000);
    assert.ok(Date.now() >= (exp - WARNING_S) * 1000 - 1_000, "warned early");
    await a.none("auth_expiring");
    await other.none();
  }, TOKEN_MODE);

  each(STORES_ONLY, "a new token keeps the socket, without one it is closed", async (world) => {
    const exp = now() + 5;
    const [kept, closed] = [await tokenPerson(world, "a", { exp }), await tokenPerson(world, "a", { exp })];
    for (const client of [kept, closed]) await client.next("auth_expiring");
    await ask(kept, "auth_refresh", { token: token("a") });
    await closed.next("(disconnect)", 5_000 + LATE_MS);
    await wait(Math.max(0, exp * 1000 + LATE_MS - Date.now()));
    await kept.none("(disconnect)");
    await ask(kept, "list_conversations");
  }, TOKEN_MODE);

  each(STORES_ONLY, "a new token is of the same user, and valid", async (world) => {
    const a = await tokenPerson(world, "a");
    await fails(a, "auth_refresh", { token: token("b") }, "FORBIDDEN");
    const ofAnotherKey = token("a", {}, OTHER_SECRET);
    const wrong = ["bad", token("a", { exp: now() - HOUR_S }), ofAnotherKey, unsignedToken("a")];
    for (const text of wrong) await fails(a, "auth_refresh", { token: text }, "UNAUTHENTICATED");
    for (const payload of [{}, { token: 5 }, { token: null }, 5]) await fails(a, "auth_refresh", payload, "INVALID_PAYLOAD");
    await ask(a, "list_conversations");
    await a.none("(disconnect)");
  }, TOKEN_MODE);
});
