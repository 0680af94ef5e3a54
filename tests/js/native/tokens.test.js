// API tokens: made, listed, used, revoked (contract: native, section 4, and README, section 3).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { PERMISSIONS, admin, authOf, makeClientToken, makeUserToken, user } from "../support/api_tokens.js";
import { eventually } from "../support/eventually.js";
import { BUSY, each } from "../support/matrix.js";
import { assertHas, assertIso } from "../support/messages.js";
import {
  DIALECTS_AND_STORES, FULL, NO_SOCKET, REFUSED, STORES_ONLY, V1, ask, assertText, direct, fails, send, tokenPerson,
} from "../support/native.js";
import { TOKEN_MODE } from "../support/token.js";

const REVOKED_MS = 1_000;
const DAY_MS = 86_400_000;
const KICKED = "io server disconnect";

describe("making API tokens", BUSY, () => {
  each(NO_SOCKET, "a token is shown once, and the list holds no secret", async (world) => {
    const a = user(world, "a");
    const expiresAt = new Date(Date.now() + DAY_MS).toISOString();
    const made = await makeUserToken(a, ["read", "write"], { expiresAt });
    assertHas(made, { name: "my script", type: "USER", permissions: ["read", "write"], expiresAt });
    const answer = await a.call("GET", "/tokens");
    assert.equal(JSON.stringify(answer.body).includes(made.token.slice(made.prefix.length)), false);
    const [listed, ...others] = answer.body.tokens;
    assert.deepEqual(others, []);
    assertHas(listed, {
      id: made.id, name: "my script", type: "USER", permissions: ["read", "write"], prefix: made.prefix, expiresAt, lastUsedAt: null,
    });
    assertIso(listed.createdAt);
    assert.equal("token" in listed, false);
    assert.equal(world.server.output.includes(made.token), false, "a token in the log");
  }, TOKEN_MODE);

  each(STORES_ONLY, "it ends after the usual time when nobody says when", async (world) => {
    const root = admin(world);
    for (const [type, days] of [["USER", 30], ["CLIENT", 365]]) {
      const { expiresAt } = await root.ok("POST", "/tokens", { name: "x", type, permissions: ["read"] });
      const lifetimeMs = Date.parse(expiresAt) - Date.now();
      assert.ok(Math.abs(lifetimeMs - days * DAY_MS) < 60_000, `${type}: ${expiresAt}`);
    }
  }, TOKEN_MODE);

  each(STORES_ONLY, "every one is another, and belongs to who made it", async (world) => {
    const [a, b] = [user(world, "a"), user(world, "b")];
    const made = [await makeUserToken(a), await makeUserToken(a), await makeUserToken(b)];
    assert.equal(new Set(made.map((one) => one.token)).size, 3);
    assert.equal((await a.ok("GET", "/tokens")).tokens.length, 2);
    assert.deepEqual((await b.ok("GET", "/tokens")).tokens.map(({ id }) => id), [made[2].id]);
    await b.fails("DELETE", `/tokens/${made[0].id}`, undefined, "NOT_FOUND", "FORBIDDEN");
    await b.fails("DELETE", "/tokens/no-such-token", undefined, "NOT_FOUND");
    await V1.bearer(world, made[0].token).ok("GET", "/users/me");
  }, TOKEN_MODE);

  each(STORES_ONLY, "fields are checked, permissions are a closed set", async (world) => {
    const root = admin(world);
    const good = { name: "x", type: "USER", permissions: ["read"] };
    const wrong = [
      {}, { name: undefined }, { name: "" }, { name: 5 }, { name: "a\0b" }, { type: undefined }, { type: "user" },
      { type: "ROBOT" }, { type: 1 }, { permissions: undefined }, { permissions: "read" }, { permissions: {} }, { permissions: [5] },
      { permissions: ["read", "fly"] }, { permissions: ["READ"] }, { permissions: ["fullAccess"] }, { expiresAt: "tomorrow" },
      { expiresAt: 5 }, { expiresAt: {} }, { userId: {} }, { userId: "a\0b" }, { userId: "x".repeat(129) },
    ];
    for (const [i, fields] of wrong.entries()) {
      await root.fails("POST", "/tokens", i === 0 ? {} : { ...good, ...fields }, "INVALID_PAYLOAD");
    }
    await root.fails("POST", "/tokens", { ...good, name: "x".repeat(1_000) }, "INVALID_PAYLOAD", "TOO_LARGE");
    assert.deepEqual((await root.ok("GET", "/tokens")).tokens, []);
    for (const permission of PERMISSIONS) {
      assert.deepEqual((await makeClientToken(world, [permission])).permissions, [permission]);
    }
  }, TOKEN_MODE);

  each(DIALECTS_AND_STORES, "only administrators make tokens for programs and others, and allow to administer", async (world) => {
    const member = user(world, "m");
    const body = { name: "x", type: "USER", permissions: ["read"] };
    for (const more of [
      { type: "CLIENT" }, { userId: "a" }, { permissions: ["admin"] }, { permissions: ["directory"] }, { permissions: ["onBehalfOf"] },
    ]) {
      await member.fails("POST", "/tokens", { ...body, ...more }, "FORBIDDEN");
    }
    assert.deepEqual((await member.ok("GET", "/tokens")).tokens, []);
    const made = await admin(world).ok("POST", "/tokens", { ...body, userId: "a" });
    assertHas((await V1.bearer(world, made.token).ok("GET", "/users/me")).user, { id: "a" });
    await member.ok("POST", "/tokens", { ...body, userId: "m" });
  }, TOKEN_MODE);

  each(STORES_ONLY, "a token makes no token that may more than itself", async (world) => {
    const reader = V1.bearer(world, (await makeUserToken(user(world, "a"), ["read"])).token);
    await reader.fails("POST", "/tokens", { name: "x", type: "USER", permissions: ["read"] }, "FORBIDDEN");
    const writer = V1.bearer(world, (await makeUserToken(user(world, "a"), ["write"])).token);
    for (const permissions of [["read"], ["read", "write"]]) {
      await writer.fails("POST", "/tokens", { name: "x", type: "USER", permissions }, "FORBIDDEN");
    }
    await makeUserToken(writer, ["write"]);
  }, TOKEN_MODE);

  each(STORES_ONLY, "nor does one that may administer", async (world) => {
    const bare = V1.bearer(world, (await makeClientToken(world, ["admin"])).token);
    const wanted = (type, permissions, more = {}) => ({ name: "x", type, permissions, ...more });
    for (const permission of PERMISSIONS.filter((permission) => permission !== "admin")) {
      await bare.fails("POST", "/tokens", wanted("CLIENT", [permission]), "FORBIDDEN");
      await bare.fails("POST", "/tokens", wanted("CLIENT", ["admin", permission]), "FORBIDDEN");
    }
    await bare.fails("POST", "/tokens", wanted("USER", ["read", "write"]), "FORBIDDEN");
    await bare.ok("POST", "/tokens", wanted("CLIENT", ["admin"]));
    await user(world, "b").ok("GET", "/users/me");
    const wide = V1.bearer(world, (await makeClientToken(world, ["read", "write", "admin"])).token);
    for (const type of ["USER", "CLIENT"]) {
      await wide.fails("POST", "/tokens", wanted(type, ["read"], { userId: "b" }), "FORBIDDEN");
    }
    const acting = V1.bearer(world, (await makeClientToken(world, ["read", "write", "onBehalfOf", "admin"])).token);
    for (const type of ["USER", "CLIENT"]) await acting.ok("POST", "/tokens", wanted(type, ["read"], { userId: "b" }));
  }, TOKEN_MODE);
});

describe("using API tokens", BUSY, () => {
  each(FULL, "a token opens sockets and REST for its user", async (world) => {
    const { token: secret } = await makeUserToken(user(world, "a"));
    for (const text of [secret, `Bearer ${secret}`]) {
      const client = await world.connect(authOf(text));
      assert.equal((await client.next("session")).user.id, "a");
    }
    const a = await world.connect(authOf(secret));
    const c = await direct(a, "b");
    const b = await tokenPerson(world, "b");
    await send(a, c);
    assertHas((await b.next("new_message")).message, { senderId: "a" });
    const { conversations } = await V1.bearer(world, secret).ok("GET", "/conversations");
    assert.deepEqual(conversations.map(({ id }) => id), [c]);
  }, TOKEN_MODE);

  each(STORES_ONLY, "in development a token counts more than what is claimed beside it", async (world) => {
    const { token: secret } = await makeUserToken(V1.as(world, "a"));
    const a = await world.connect(authOf(secret, { userId: "somebody-else" }));
    assert.equal((await a.next("session")).user.id, "a");
    const { user: me } = await V1.bearer(world, secret, { "x-user-id": "somebody-else" }).ok("GET", "/users/me");
    assert.equal(me.id, "a");
  });

  each(STORES_ONLY, "a token opens other dialects as well", async (world) => {
    const { token: secret } = await makeUserToken(user(world, "7"));
    const client = await world.connect({ auth: { dialect: "messaging", token: secret } });
    assert.equal((await client.next("connected")).userId, 7);
    const { body } = await world.rest.bearer(secret).get("/api/user/me");
    assert.equal(body.user.id, 7);
  }, TOKEN_MODE);

  each(STORES_ONLY, "a token that may only read writes nothing", async (world) => {
    const a = await tokenPerson(world, "a");
    const c = await direct(a, "b");
    await send(a, c);
    const { token: secret } = await makeUserToken(user(world, "a"), ["read"]);
    const reader = await world.connect(authOf(secret));
    assert.equal((await ask(reader, "history", { conversationId: c })).messages.length, 1);
    assert.equal((await ask(reader, "list_conversations")).conversations.length, 1);
    await fails(reader, "send_message", { conversationId: c, content: "x" }, "FORBIDDEN");
    await fails(reader, "create_room", { name: "x" }, "FORBIDDEN");
    await fails(reader, "create_conversation", { userId: "x" }, "FORBIDDEN");
    await fails(reader, "typing_start", { conversationId: c }, "FORBIDDEN");
    const inLobby = await world.connect({ auth: { dialect: "starter", token: secret } });
    assert.equal((await inLobby.emitWithAck("typing", true)).error.code, "FORBIDDEN");
    const rest = V1.bearer(world, secret);
    await rest.ok("GET", `/conversations/${c}/messages`);
    await rest.fails("POST", `/conversations/${c}/messages`, { content: "x" }, "FORBIDDEN");
    await rest.fails("POST", "/rooms", { name: "x" }, "FORBIDDEN");
  }, TOKEN_MODE);

  each(STORES_ONLY, "what is no valid token is refused, and not told apart", async (world) => {
    const { token: secret, prefix } = await makeUserToken(user(world, "a"));
    const wrong = [`${secret}x`, secret.slice(0, -1), secret.toUpperCase(), prefix, "sbt_", `sbt_${"0".repeat(43)}`];
    for (const text of wrong) {
      assert.equal((await world.refused(authOf(text))).message, REFUSED);
      await V1.bearer(world, text).fails("GET", "/users/me", undefined, "UNAUTHENTICATED");
    }
  }, TOKEN_MODE);

  each(STORES_ONLY, "the last use is noted", async (world) => {
    const a = user(world, "a");
    const { token: secret } = await makeUserToken(a);
    await V1.bearer(world, secret).ok("GET", "/users/me");
    const used = await eventually(async () => {
      const { lastUsedAt } = (await a.ok("GET", "/tokens")).tokens[0];
      assertIso(lastUsedAt);
      return lastUsedAt;
    });
    await V1.bearer(world, secret).ok("GET", "/users/me");
    assert.equal((await a.ok("GET", "/tokens")).tokens[0].lastUsedAt, used, "written at most once a minute");
  }, TOKEN_MODE);

  each(STORES_ONLY, "a token ends when it says", async (world) => {
    const expiresAt = new Date(Date.now() + 2_000).toISOString();
    const { token: secret } = await makeUserToken(user(world, "a"), ["read"], { expiresAt });
    const rest = V1.bearer(world, secret);
    await rest.ok("GET", "/users/me");
    await eventually(() => rest.fails("GET", "/users/me", undefined, "UNAUTHENTICATED"));
    assert.ok(Date.now() >= Date.parse(expiresAt), "ended early");
    assert.equal((await world.refused(authOf(secret))).message, REFUSED);
  }, TOKEN_MODE);
});

describe("revoking API tokens", BUSY, () => {
  each(FULL, "revoking closes the live sockets of that token within a second, and nobody else's", async (world) => {
    const a = user(world, "a");
    const [first, second] = [await makeUserToken(a), await makeUserToken(a)];
    const closed = [await world.connect(authOf(first.token)), await world.connect(authOf(first.token))];
    const open = [await world.connect(authOf(second.token)), await tokenPerson(world, "a"), await tokenPerson(world, "b")];
    for (const client of closed) await client.next("session");
    const c = await direct(open[1], "b");
    await a.ok("DELETE", `/tokens/${first.id}`);
    for (const client of closed) assert.equal(await client.next("(disconnect)", REVOKED_MS), KICKED);
    await send(open[2], c);
    for (const client of open) await client.next("new_message");
    for (const client of open) await client.none("(disconnect)");
    assert.equal((await world.refused(authOf(first.token))).message, REFUSED);
    await V1.bearer(world, first.token).fails("GET", "/users/me", undefined, "UNAUTHENTICATED");
    await V1.bearer(world, second.token).ok("GET", "/users/me");
    assert.equal(closed.every((client) => client.all("new_message").length === 0), true);
  }, TOKEN_MODE);

  each(STORES_ONLY, "a token can revoke itself, and revoking again finds nothing or does nothing", async (world) => {
    const { token: secret, id } = await makeUserToken(user(world, "a"));
    await V1.bearer(world, secret).ok("DELETE", `/tokens/${id}`);
    await V1.bearer(world, secret).fails("GET", "/users/me", undefined, "UNAUTHENTICATED");
    const { status } = await user(world, "a").call("DELETE", `/tokens/${id}`);
    assert.ok([200, 204, 404].includes(status), `${status}`);
    const listed = (await user(world, "a").ok("GET", "/tokens")).tokens.find((one) => one.id === id);
    if (listed) assertText(listed.revokedAt);
  }, TOKEN_MODE);

  each(STORES_ONLY, "in development a revoked token ends its sockets, and then counts as absent", async (world) => {
    const a = V1.as(world, "a");
    const { token: secret, id } = await makeUserToken(a);
    const clients = [];
    for (let n = 0; n < world.servers.length; n += 1) clients.push(await world.connect(authOf(secret, { userId: "a" })));
    await a.ok("DELETE", `/tokens/${id}`);
    for (const client of clients) assert.equal(await client.next("(disconnect)", REVOKED_MS), KICKED);
    assert.equal((await world.refused(authOf(secret))).message, REFUSED);
    const other = await world.connect(authOf(secret, { userId: "somebody-else" }));
    assert.equal((await other.next("session")).user.id, "somebody-else");
    await V1.bearer(world, secret).fails("GET", "/users/me", undefined, "UNAUTHENTICATED");
  });

  each(STORES_ONLY, "a socket that is busy is closed all the same, and then does nothing", async (world) => {
    const a = user(world, "a");
    const { token: secret, id } = await makeUserToken(a);
    const client = await world.connect(authOf(secret));
    const watcher = await tokenPerson(world, "a");
    const c = await direct(watcher, "b");
    const flood = setInterval(() => {
      for (let i = 0; i < 20; i += 1) client.socket.volatile.emit("send_message", { conversationId: c, content: "flood" });
    }, 5);
    try {
      await watcher.next("new_message");
      await a.ok("DELETE", `/tokens/${id}`);
      assert.equal(await client.next("(disconnect)", REVOKED_MS), KICKED);
    } finally {
      clearInterval(flood);
    }
    await watcher.none("(nothing has this name)");
    const { messages } = await ask(watcher, "history", { conversationId: c, limit: 1 });
    const isLast = ({ message }) => message.id === messages[0].id;
    while (!watcher.all("new_message").some(isLast)) await watcher.next("new_message");
    watcher.forget();
    await watcher.none("new_message");
    assert.deepEqual((await ask(watcher, "history", { conversationId: c, limit: 1 })).messages, messages);
  }, TOKEN_MODE);
});
