// The first moment of a native socket, and who it belongs to (contract: native, section 1, and README, section 3).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BUSY, each } from "../support/matrix.js";
import { assertHas } from "../support/messages.js";
import {
  DIALECTS_AND_STORES, FULL, REFUSED, STORES_ONLY, V1, ask, assertSession, direct, fails, person, send, settle, tokenPerson,
} from "../support/native.js";
import { HOUR_S, OTHER_SECRET, TOKEN_MODE, now, token, unsignedToken } from "../support/token.js";

describe("session", BUSY, () => {
  each(FULL, "N-01 every socket gets one session", async (world) => {
    const a = await person(world, "a", { name: "Ada" });
    const b = await person(world, "b");
    for (const [client, id] of [[a, "a"], [b, "b"]]) {
      assertSession(client.session, { unreadTotal: 0, role: "MEMBER", parties: [id] });
      assert.equal(client.session.user.id, id);
      await client.none();
    }
    assert.equal(a.session.user.name, "Ada");
    assert.equal(a.session.epoch, b.session.epoch);
  });

  each(STORES_ONLY, "ids of the handshake may be numbers and leave as text", async (world) => {
    const a = await person(world, 7);
    assert.equal(a.session.user.id, "7");
    const b = await person(world, "8");
    const c = await direct(a, 8);
    assertHas(await send(b, c), { senderId: "8", conversationId: c });
  });

  each(STORES_ONLY, "the epoch outlives a restart, and unreadTotal is exact", async (world) => {
    const a = await person(world, "a");
    for (const other of ["b", "c"]) {
      const b = await person(world, other);
      const c = await direct(b, "a");
      await send(b, c);
      await send(b, c);
      await send(a, c);
    }
    const { epoch } = a.session;
    a.close();
    await world.server.stop();
    await world.server.start();
    const again = await person(world, "a");
    assertSession(again.session, { epoch, unreadTotal: 4 });
  });

  each(STORES_ONLY, "a socket hears its conversations without joining one", async (world) => {
    const a = await person(world, "a");
    const old = await direct(a, "b");
    const b = await person(world, "b");
    const made = await direct(a, "b");
    assert.equal(made, old);
    const room = (await ask(a, "create_room", { name: "Later", userIds: ["b"] })).conversation.id;
    await settle(a, b);
    await send(a, old);
    await send(a, room);
    assert.deepEqual((await b.several("new_message", 2)).map(({ message }) => message.conversationId), [old, room]);
    await b.none("new_message");
  });

  each(DIALECTS_AND_STORES, "words of other dialects, and our own in the wrong direction, are unknown", async (world) => {
    const a = await person(world, "a");
    const words = ["chat", "join_user_room", "authenticate", "user_join", "typing", "session", "new_message", "unread", "error"];
    for (const word of words) {
      const ack = await a.emitWithAck(word, { conversationId: "x" });
      assert.deepEqual(ack, { ok: false, error: { code: "UNKNOWN_EVENT", message: `Unknown event: ${word}` } });
    }
    await a.none();
  });

  each(DIALECTS_AND_STORES, "nobody connects without an identity", async (world) => {
    for (const auth of [
      {}, { userId: "" }, { userId: null }, { userId: {} }, { userId: "x".repeat(129) }, { userId: "a\0b" }, { name: "Ada" },
    ]) {
      const error = await world.refused({ auth: { dialect: "native", ...auth } });
      assert.deepEqual([error.message, error.data], [REFUSED, undefined], JSON.stringify(auth));
    }
    const rest = new V1(world.rest);
    await rest.fails("GET", "/conversations", undefined, "UNAUTHENTICATED");
    await rest.fails("POST", "/rooms", { name: "Nobody's" }, "UNAUTHENTICATED");
  });

  each(STORES_ONLY, "who says so is an administrator in development mode", async (world) => {
    const a = await person(world, "a", { role: "ADMIN" });
    assertSession(a.session, { role: "ADMIN" });
    const b = await person(world, "b", { role: "emperor" });
    assertSession(b.session, { role: "MEMBER" });
  });
});

describe("handshake with tokens", BUSY, () => {
  const bad = {
    "no token": {},
    "an asserted id": { auth: { userId: "a" } },
    "a bad token": { auth: { token: "bad" } },
    "an empty token": { auth: { token: "" } },
    "an expired token": { auth: { token: token("a", { exp: now() - HOUR_S }) } },
    "a token of tomorrow": { auth: { token: token("a", { nbf: now() + HOUR_S }) } },
    "a token of another key": { auth: { token: token("a", {}, OTHER_SECRET) } },
    "a token without signature": { auth: { token: unsignedToken("a") } },
    "a token without a user": { auth: { token: token("a", { sub: undefined }) } },
    "a token in the query": { query: { token: token("a") } },
    "an API token nobody made": { auth: { token: `sbt_${"x".repeat(43)}` } },
  };
  each(DIALECTS_AND_STORES, "bad handshakes are refused without data", async (world) => {
    for (const [what, { auth, ...options }] of Object.entries(bad)) {
      const error = await world.refused({ auth: { dialect: "native", ...auth }, ...options });
      assert.deepEqual([error.message, error.data], [REFUSED, undefined], what);
    }
  }, TOKEN_MODE);

  each(DIALECTS_AND_STORES, "the token says who somebody is", async (world) => {
    const a = await tokenPerson(world, "a", { name: "Ada", role: "ADMIN" });
    assertSession(a.session, { role: "ADMIN", parties: ["a"] });
    assertHas(a.session.user, { id: "a", name: "Ada" });
    const dealer = await tokenPerson(world, "d", { gallery_id: "ga" });
    assert.deepEqual([...dealer.session.parties].sort(), ["d", "gallery:ga"]);
    const bearer = await world.connect({
      auth: { dialect: "native" }, extraHeaders: { authorization: `Bearer ${token("b")}` }, transports: ["polling"],
    });
    assert.equal((await bearer.next("session")).user.id, "b");
  }, TOKEN_MODE);

  each(STORES_ONLY, "what a payload says about the sender does not count", async (world) => {
    const a = await tokenPerson(world, "a");
    const b = await tokenPerson(world, "b");
    const c = await direct(a, "b");
    await settle(a, b);
    const ack = await a.ask("send_message", { conversationId: c, content: "x", senderId: "a", userId: "a" });
    assert.equal(ack.data.message.senderId, "a");
    const forged = await a.emitWithAck("send_message", { conversationId: c, content: "forged", senderId: "b" });
    if (forged.ok) assert.equal(forged.data.message.senderId, "a");
    else assert.equal(forged.error.code, "FORBIDDEN");
    assert.equal(b.all("new_message").every(({ message }) => message.senderId === "a"), true);
  }, TOKEN_MODE);

  each(STORES_ONLY, "REST asks for a valid token", async (world) => {
    const expired = token("a", { exp: now() - HOUR_S });
    for (const rest of [new V1(world.rest), V1.as(world, "a"), V1.bearer(world, "bad"), V1.bearer(world, expired)]) {
      await rest.fails("GET", "/users/me", undefined, "UNAUTHENTICATED");
    }
    const { user } = await V1.bearer(world, token("a", { name: "Ada" })).ok("GET", "/users/me");
    assertHas(user, { id: "a", name: "Ada" });
  }, TOKEN_MODE);

  each(STORES_ONLY, "a conversation of others does not exist in token mode either", async (world) => {
    const a = await tokenPerson(world, "a");
    const c = await direct(a, "b");
    const stranger = await tokenPerson(world, "s");
    await fails(stranger, "history", { conversationId: c }, "NOT_FOUND");
    await fails(stranger, "send_message", { conversationId: c, content: "x" }, "NOT_FOUND");
  }, TOKEN_MODE);
});
