// API tokens of the chatsphere dialect: issued, read, expired, revoked (contract: chatsphere, section 4).

import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { describe } from "node:test";
import {
  BAD_TOKEN, DIALECTS_AND_STORES, NO_SOCKET, NO_TOKEN, STORES_ONLY, assertIssued, assertRefused, body, each, withTokens,
} from "../support/chatsphere.js";
import { query } from "../support/database.js";
import { eventually } from "../support/eventually.js";
import { BUSY } from "../support/matrix.js";
import { HOUR_S, SECRET, now, token, unsignedToken } from "../support/token.js";

const API_SECRET = "another-secret-of-at-least-32-bytes!";
const FOR_USER = "/api/tokens/user";
const FOR_CLIENT = "/api/tokens/client";
const REVOKED = { message: "Token revoked successfully" };

const revokes = {
  PUT: (rest, tokenId) => rest.call("PUT", `/api/tokens/${tokenId}/revoke`),
  DELETE: (rest, tokenId) => rest.call("DELETE", `/api/tokens/${tokenId}`),
};

describe("issuing tokens", BUSY, () => {
  each(NO_SOCKET, "C-19 a token for a user", async (sphere) => {
    const u = await sphere.user("ali");
    assertRefused(await sphere.rest.post(FOR_USER, {}), 400, "User ID is required");
    assertRefused(await sphere.rest.post(FOR_USER, { userId: "" }), 400, "User ID is required");
    assertRefused(await sphere.rest.post(FOR_USER, { userId: "x" }), 404, "User not found");
    const issued = body(await sphere.rest.post(FOR_USER, { userId: u.id, permissions: {} }), 201);
    assertIssued(issued, {
      user: { id: u.id, username: "ali", role: "MEMBER" },
      days: 30,
      claims: { userId: u.id, username: "ali", role: "MEMBER", type: 1 },
    });
    assert.notEqual(issued.token, u.token);
    assert.notEqual(issued.tokenId, u.tokenId);
    for (const rest of [u.rest, sphere.rest.bearer(issued.token)]) body(await rest.get("/api/rooms"), 200);
  });

  each(NO_SOCKET, "a token for a client application", async (sphere) => {
    const u = await sphere.user("ali");
    for (const wrong of [{}, { userId: u.id }, { email: "a@b.c" }, { userId: u.id, email: "" }]) {
      assertRefused(await sphere.rest.post(FOR_CLIENT, wrong), 400, "User ID and email are required");
    }
    assertRefused(await sphere.rest.post(FOR_CLIENT, { userId: "x", email: "a@b.c" }), 404, "User not found");
    const { permissions, ...issued } = body(await sphere.rest.post(FOR_CLIENT, { userId: u.id, email: "a@b.c" }), 201);
    if (permissions !== undefined) assert.deepEqual(permissions, { fullAccess: true });
    assertIssued(issued, {
      user: { id: u.id, username: "ali", role: "MEMBER" },
      days: 365,
      claims: { userId: u.id, email: "a@b.c", type: 0 },
    });
    assert.deepEqual(body(await sphere.rest.bearer(issued.token).get("/api/messages"), 200), []);
  });

  each(STORES_ONLY, "of a token only the SHA-256 is kept, and when it was last used", async (sphere) => {
    const u = await sphere.user("ali");
    body(await u.rest.get("/api/rooms"), 200);
    const row = await eventually(async () => {
      const rows = await query(sphere.server, "SELECT token_hash, prefix, name, last_used_at FROM api_token");
      assert.equal(rows.length, 1);
      assert.notEqual(rows[0].last_used_at, null);
      return rows[0];
    });
    assert.equal(row.token_hash, createHash("sha256").update(u.token).digest("hex"));
    for (const part of u.token.split(".").slice(1)) assert.equal(JSON.stringify(row).includes(part), false);
    body(await u.rest.get("/api/rooms"), 200);
    const [again] = await query(sphere.server, "SELECT last_used_at FROM api_token");
    assert.deepEqual(again.last_used_at, row.last_used_at, "written again within a minute");
  });
});

describe("reading tokens", BUSY, () => {
  for (const path of ["/api/auth/verify", "/api/tokens/verify"]) {
    each(NO_SOCKET, `GET ${path} says whose token it is`, async (sphere) => {
      const u = await sphere.user("ali");
      const client = await sphere.clientToken(u);
      for (const [type, { token, expiresAt }] of [["USER", u], ["CLIENT", client]]) {
        const answer = body(await sphere.rest.bearer(token).get(path), 200);
        assert.deepEqual(answer, { valid: true, type, userId: u.id, expiresAt });
      }
      assertRefused(await sphere.rest.get(path), 401, NO_TOKEN);
      assertRefused(await sphere.rest.bearer("bad").get(path), 401, BAD_TOKEN);
    });
  }

  each(NO_SOCKET, "the first source with a token counts", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const cookie = (token) => ({ cookie: `theme=dark; user_api_token=${token}` });
    const who = async (rest, query = "") => body(await rest.get(`/api/tokens/verify${query}`), 200).userId;
    assert.equal(await who(sphere.rest, `?token=${u.token}`), u.id);
    assert.equal(await who(v.rest.as(cookie(v.token)), `?token=${u.token}`), u.id);
    assert.equal(await who(u.rest.as(cookie(v.token))), u.id);
    assert.equal(await who(sphere.rest.as(cookie(u.token))), u.id);
    assert.equal(await who(u.rest, "?token=bad"), u.id);
    assertRefused(await sphere.rest.get("/api/tokens/verify?token=bad"), 401, BAD_TOKEN);
    assertRefused(await sphere.rest.bearer("bad").as(cookie(u.token)).get("/api/tokens/verify"), 401, BAD_TOKEN);

    const post = (rest, fields, query = "") => rest.post(`/api/rooms/${R}/messages${query}`, { content: "x", ...fields });
    assert.equal(body(await post(sphere.rest, { token: u.token }), 201).userId, u.id);
    assert.equal(body(await post(v.rest, { token: u.token }), 201).userId, u.id);
    assert.equal(body(await post(v.rest, { token: v.token }, `?token=${u.token}`), 201).userId, u.id);
    assertRefused(await post(u.rest, { token: "bad" }), 401, BAD_TOKEN);
  });

  each(NO_SOCKET, "what is signed by nobody we know proves nothing", async (sphere) => {
    const u = await sphere.user("ali");
    const claims = { sub: undefined, userId: u.id, username: "ali", role: "ADMIN", type: 1 };
    const [head, , signature] = u.token.split(".");
    const forged = Buffer.from(JSON.stringify({ ...claims, exp: 9_999_999_999 })).toString("base64url");
    const bad = ["bad", "a.b.c", unsignedToken(u.id), token(u.id, claims, API_SECRET), `${head}.${forged}.${signature}`];
    for (const text of bad) assertRefused(await sphere.rest.bearer(text).get("/api/rooms"), 401, BAD_TOKEN);
  });

  withTokens(NO_SOCKET, "own front ends mint tokens of both types, in numbers and in words", async (sphere) => {
    const u = await sphere.user("ali");
    await sphere.room(u);
    for (const secret of [SECRET, API_SECRET]) {
      for (const type of [1, "USER"]) {
        const { rest } = minted(sphere, { userId: u.id, username: "ali", role: "MEMBER", type }, secret);
        assert.equal(body(await rest.get("/api/rooms"), 200).length, 1);
        assert.equal(body(await rest.get("/api/auth/verify"), 200).type, "USER");
        assert.equal((await rest.get("/api/messages")).status, 403);
      }
    }
    for (const type of [0, "CLIENT"]) {
      const { rest } = minted(sphere, { userId: u.id, email: "a@b.c", type }, API_SECRET);
      assert.deepEqual(body(await rest.get("/api/messages"), 200), []);
      assert.equal(body(await rest.get("/api/auth/verify"), 200).type, "CLIENT");
      assert.ok(body(await rest.get("/api/rooms"), 200).length >= 2);
      // A login service may have a `type` of its own in its tokens: that makes no program of anybody.
      const login = minted(sphere, { userId: u.id, email: "a@b.c", type }, SECRET);
      assert.equal((await login.rest.get("/api/messages")).status, 403);
    }
  }, { JWT_API_SECRET: API_SECRET });

  for (const [name, secret, env] of [["JWT_SECRET", SECRET, {}], ["JWT_API_SECRET", API_SECRET, { JWT_API_SECRET: API_SECRET }]]) {
    withTokens(STORES_ONLY, `API tokens are signed with ${name}`, async (sphere) => {
      const u = await sphere.user("ali");
      const signed = u.token.split(".").slice(0, 2).join(".");
      assert.equal(createHmac("sha256", secret).update(signed).digest("base64url"), u.token.split(".")[2]);
    }, env);
  }
});

describe("settings of the server this one replaces", BUSY, () => {
  withTokens(STORES_ONLY, "BYPASS_AUTH bypasses nothing", async (sphere) => {
    assertRefused(await sphere.rest.get("/api/rooms"), 401, NO_TOKEN);
    assert.equal(await sphere.refused("/ws?userId=x"), 401);
  }, { BYPASS_AUTH: "true" });
});

describe("tokens that have ended", BUSY, () => {
  for (const [method, revoke] of Object.entries(revokes)) {
    each(NO_SOCKET, `C-17 a token revoked by ${method} is good for nothing and its sockets are closed`, async (sphere) => {
      const u = await sphere.user("ali");
      const other = body(await sphere.rest.post(FOR_USER, { userId: u.id }), 201);
      const socket = await sphere.socket(u);
      const survivor = await sphere.socket({ id: u.id, token: other.token });
      assert.deepEqual(body(await revoke(sphere.rest, u.tokenId), 200), REVOKED);
      assert.equal(await socket.closed(), 1008);
      assertRefused(await u.rest.get("/api/rooms"), 401, BAD_TOKEN);
      assertRefused(await u.rest.get("/api/auth/verify"), 401, BAD_TOKEN);
      body(await sphere.rest.bearer(other.token).get("/api/rooms"), 200);
      await survivor.none();
      assert.ok(survivor.isOpen);
      assertRefused(await revoke(sphere.rest, "no-such-token"), 404, "Token not found");
    });

    withTokens(NO_SOCKET, `with a key ${method} is for the owner, client applications and ADMIN`, async (sphere) => {
      const [u, v] = await sphere.users("ali", "veli");
      const client = await sphere.clientToken(v);
      assertRefused(await revoke(sphere.rest, u.tokenId), 401, NO_TOKEN);
      assertRefused(await revoke(v.rest, u.tokenId), 403, "Forbidden");
      body(await u.rest.get("/api/rooms"), 200);
      for (const { rest } of [client, sphere.admin]) {
        const { tokenId } = body(await u.rest.post(FOR_USER, { userId: u.id }), 201);
        assert.deepEqual(body(await revoke(rest, tokenId), 200), REVOKED);
      }
      assert.deepEqual(body(await revoke(u.rest, u.tokenId), 200), REVOKED);
      assertRefused(await u.rest.get("/api/rooms"), 401, BAD_TOKEN);
    });
  }

  each(NO_SOCKET, "C-18 a token whose row has expired is refused", async (sphere) => {
    const u = await sphere.user("ali");
    body(await u.rest.get("/api/rooms"), 200);
    // Away meanwhile, so that nothing the server remembers can hide what the row says.
    await sphere.server.stop();
    await query(sphere.server, "UPDATE api_token SET expires_at = '2020-01-01T00:00:00.000000+00:00'");
    await sphere.server.start();
    assertRefused(await u.rest.get("/api/rooms"), 401, BAD_TOKEN);
  });

  each(NO_SOCKET, "tokens outlive a restart, also without a configured secret", async (sphere) => {
    const u = await sphere.user("ali");
    await sphere.server.stop();
    await sphere.server.start();
    assert.equal(body(await u.rest.get("/api/auth/verify"), 200).userId, u.id);
  });

  withTokens(NO_SOCKET, "a signed token that has expired is refused", async (sphere) => {
    const u = await sphere.user("ali");
    const claims = { userId: u.id, username: "ali", role: "MEMBER", type: 1 };
    body(await minted(sphere, claims, SECRET).rest.get("/api/rooms"), 200);
    const late = minted(sphere, { ...claims, exp: now() - HOUR_S }, SECRET);
    assertRefused(await late.rest.get("/api/rooms"), 401, BAD_TOKEN);
    assert.equal(await sphere.refused(`/ws?token=${late.token}`), 401);
  });
});

describe("who may issue tokens when there is a key", BUSY, () => {
  withTokens(NO_SOCKET, "C-20 a token for a client application needs the role ADMIN", async (sphere) => {
    const u = await sphere.user("ali");
    const draft = { userId: u.id, email: "a@b.c" };
    const client = await sphere.clientToken(u);
    assertRefused(await u.rest.post(FOR_CLIENT, draft), 403, "Forbidden");
    assertRefused(await client.rest.post(FOR_CLIENT, draft), 403, "Forbidden");
    assertRefused(await sphere.rest.post(FOR_CLIENT, draft), 401, NO_TOKEN);
    body(await sphere.admin.rest.post(FOR_CLIENT, draft), 201);
  });

  withTokens(DIALECTS_AND_STORES, "a token for a user is for that user, client applications and ADMIN", async (sphere) => {
    const [u, v] = await sphere.users("ali", "veli");
    const client = await sphere.clientToken(v);
    assertRefused(await sphere.rest.post(FOR_USER, { userId: u.id }), 401, NO_TOKEN);
    assertRefused(await v.rest.post(FOR_USER, { userId: u.id }), 403, "Forbidden");
    for (const { rest } of [u, client, sphere.admin]) {
      assert.equal(body(await rest.post(FOR_USER, { userId: u.id }), 201).user.id, u.id);
    }
  });
});

/** A token as another program with that secret makes it: no row, and no `sub`. */
function minted(sphere, claims, secret) {
  const text = token("", { sub: undefined, ...claims }, secret);
  return { token: text, rest: sphere.rest.bearer(text) };
}
