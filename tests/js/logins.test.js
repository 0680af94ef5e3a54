// Logins that others prove, with the client as it is: sessions of Auth.js and Better Auth, and tokens that end and
// are renewed. The host application is a real HTTP server that answers as these libraries do.

import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import http from "node:http";
import { after, describe } from "node:test";
import { draft } from "./support/messages.js";
import { BUSY, FULL, ONCE, TRANSPORTS_AND_STORES, each } from "./support/matrix.js";
import { now, token } from "./support/token.js";

const ORIGIN = "http://app.test";
const REFUSED = "Authentication error";
/** The end of a token, a second in which it is over, and the client's way back. */
const BACK_MS = 12_000;
const END = "2099-01-01T00:00:00.000Z";
const PEOPLE = { ada: { id: "1", name: "Ada", email: "ada@x.test" }, bob: { id: "2", name: "Bob", email: "bob@x.test" } };

/** `/api/auth/session` of Auth.js (with ids, as its session callback adds them) and `/api/auth/get-session` of Better Auth. */
const app = await serve((request) => {
  const cookies = Object.fromEntries((request.headers.cookie ?? "").split("; ").map((cookie) => cookie.split("=")));
  const bearer = request.headers.authorization?.replace("Bearer ", "");
  const betterAuth = PEOPLE[cookies["better-auth.session_token"] ?? bearer];
  const authJs = PEOPLE[cookies["authjs.session-token"]];
  if (request.url === "/api/auth/session") return authJs ? { user: authJs, expires: END } : null;
  const session = { id: "s", userId: betterAuth?.id, expiresAt: END, createdAt: "2026-01-01T00:00:00.000Z" };
  return betterAuth ? { session, user: { ...betterAuth, image: null } } : null;
});
const provider = keyProvider();
const jwks = await serve(() => ({ keys: [provider.jwk] }));
after(() => [app, jwks].forEach(({ server }) => server.close()));

const AUTH_JS = { AUTH_SESSION_URL: `${app.url}/api/auth/session`, FRONTEND_URL: ORIGIN };
const BETTER_AUTH = { AUTH_SESSION_URL: `${app.url}/api/auth/get-session`, FRONTEND_URL: ORIGIN };

describe("logins", BUSY, () => {
  each(FULL, "people with a cookie of Auth.js talk without a token", async (world) => {
    const [ada, bob] = await pair(world, (name) => browser(`authjs.session-token=${name}`));
    await talk(world, ada, bob);
    const forged = await ada.emitWithAck("send_message", draft({ senderId: 2, receiverId: 1 }));
    assert.equal(forged.error.code, "FORBIDDEN");
    for (const cookie of ["authjs.session-token=eve", "better-auth.session_token=ada", ""]) {
      assert.equal((await world.refused(browser(cookie))).message, REFUSED);
    }
  }, AUTH_JS);

  each(TRANSPORTS_AND_STORES, "people with a cookie or a token of Better Auth do, too", async (world) => {
    const [ada, bob] = await pair(world, (name) => {
      return name === "ada" ? browser("better-auth.session_token=ada") : { auth: { token: name } };
    });
    await talk(world, ada, bob);
    assert.equal((await world.refused({ auth: { token: "eve" } })).message, REFUSED);
  }, BETTER_AUTH);

  each(ONCE, "REST knows them by the same cookie", async (world) => {
    const call = (headers) => fetch(`${world.server.url}/api/user/me`, { headers });
    const me = await call({ cookie: "authjs.session-token=ada", origin: ORIGIN });
    assert.equal((await me.json()).user.id, 1);
    assert.equal((await call({ cookie: "authjs.session-token=ada", origin: "http://evil.test" })).status, 401);
    assert.equal((await call({ cookie: "authjs.session-token=eve" })).status, 401);
  }, AUTH_JS);

  each(TRANSPORTS_AND_STORES, "a client whose token ends comes back by itself with the next one", async (world) => {
    let shown = token(1, { exp: now() + 3 });
    const a = await world.connect({ auth: (send) => send({ token: shown }) });
    shown = token(1);
    assert.match(await a.next("(disconnect)", BACK_MS), /^transport (close|error)$/);
    await a.next("(reconnect)", BACK_MS);
    await a.ask("join_user_room", 1);
  }, { JWT_SECRET: "a-secret-for-tests-of-at-least-32-bytes", JWT_LEEWAY_S: "0" });

  each(ONCE, "a client whose token is over stays out", async (world) => {
    const over = token(1, { exp: now() + 3 });
    const a = await world.connect({ auth: { token: over } });
    await a.next("(disconnect)", BACK_MS);
    const error = await new Promise((resolve) => a.socket.on("connect_error", resolve));
    assert.equal(error.message, REFUSED);
  }, { JWT_SECRET: "a-secret-for-tests-of-at-least-32-bytes", JWT_LEEWAY_S: "0" });

  each(TRANSPORTS_AND_STORES, "tokens of an identity provider open the server", async (world) => {
    const [ada, bob] = await pair(world, (name) => ({ auth: { token: `Bearer ${provider.token(PEOPLE[name].id)}` } }));
    await talk(world, ada, bob);
    const other = keyProvider();
    for (const forged of [other.token("1"), provider.token("1", { iss: "https://evil.test/" }), token(1)]) {
      assert.equal((await world.refused({ auth: { token: forged } })).message, REFUSED);
    }
  }, { JWKS_URL: jwks.url, JWT_ISSUER: "https://login.test/" });
});

/** What a browser sends along for a client with `withCredentials`; outside one it must be said. */
function browser(cookie) {
  return { withCredentials: true, extraHeaders: { cookie, origin: ORIGIN } };
}

async function pair(world, options) {
  return [await world.user(1, options("ada")), await world.user(2, options("bob"))];
}

async function talk(world, ada, bob) {
  const content = `from ada over ${world.transport}`;
  await ada.ask("send_message", draft({ senderId: 1, receiverId: 2, content }));
  assert.equal((await bob.next("new_message")).content, content);
}

/** An HTTP server that answers every request with JSON. */
async function serve(answer) {
  const server = http.createServer((request, response) => {
    response.setHeader("content-type", "application/json").end(JSON.stringify(answer(request)));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, url: `http://127.0.0.1:${server.address().port}` };
}

/** Somebody who signs tokens with a key of Ed25519, as Better Auth's and others' do. */
function keyProvider() {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const jwk = { ...publicKey.export({ format: "jwk" }), kid: "k1", alg: "EdDSA", use: "sig" };
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return {
    jwk,
    token(sub, claims = {}) {
      const payload = { sub, iss: "https://login.test/", iat: now(), exp: now() + 3_600, ...claims };
      const text = `${part({ alg: "EdDSA", typ: "JWT", kid: "k1" })}.${part(payload)}`;
      return `${text}.${sign(null, Buffer.from(text), privateKey).toString("base64url")}`;
    },
  };
}
