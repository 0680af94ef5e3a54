// HS256 tokens as a login service would make them.

import { createHmac } from "node:crypto";

export const SECRET = "a-secret-for-tests-of-at-least-32-bytes";

/** The environment of a server in token mode. */
export const TOKEN_MODE = { JWT_SECRET: SECRET };

/** A token for that user, valid for an hour; further claims replace or add, `undefined` removes. */
export function token(userId, claims = {}, secret = SECRET) {
  const now = Math.floor(Date.now() / 1000);
  return signed({ alg: "HS256", typ: "JWT" }, { sub: String(userId), iat: now, exp: now + 3600, ...claims }, secret);
}

/** The same claims without a signature: what a careless verifier takes for valid. */
export function unsignedToken(userId) {
  const now = Math.floor(Date.now() / 1000);
  return `${part({ alg: "none", typ: "JWT" })}.${part({ sub: String(userId), exp: now + 3600 })}.`;
}

function signed(header, claims, secret) {
  const text = `${part(header)}.${part(claims)}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

function part(value) {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
