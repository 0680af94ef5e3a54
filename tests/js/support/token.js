// HS256 tokens as a login service would make them.

import { createHmac } from "node:crypto";

export const SECRET = "a-secret-for-tests-of-at-least-32-bytes";
/** The key of somebody else. */
export const OTHER_SECRET = "another-secret-of-at-least-32-bytes";
/** More than clocks of two machines may differ by. */
export const HOUR_S = 3600;

/** The environment of a server in token mode. */
export const TOKEN_MODE = { JWT_SECRET: SECRET };

/** The time as tokens count it: seconds since 1970. */
export function now() {
  return Math.floor(Date.now() / 1000);
}

/** A token for that user, valid for an hour; further claims replace or add, `undefined` removes. */
export function token(userId, claims = {}, secret = SECRET) {
  const iat = now();
  return signed({ alg: "HS256", typ: "JWT" }, { sub: String(userId), iat, exp: iat + HOUR_S, ...claims }, secret);
}

/** The same claims without a signature: what a careless verifier takes for valid. */
export function unsignedToken(userId) {
  return `${part({ alg: "none", typ: "JWT" })}.${part({ sub: String(userId), exp: now() + HOUR_S })}.`;
}

function signed(header, claims, secret) {
  const text = `${part(header)}.${part(claims)}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

function part(value) {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
