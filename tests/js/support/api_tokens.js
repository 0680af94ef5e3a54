// API tokens as the people make them who need them (contract: native, section 4).

import assert from "node:assert/strict";
import { V1, assertText } from "./native.js";
import { token } from "./token.js";

/** All that a token can be allowed. */
export const PERMISSIONS = ["read", "write", "emit", "directory", "onBehalfOf", "admin"];

/** What an administrator sees of the REST twin, in token mode. */
export function admin(world) {
  return V1.bearer(world, token("root", { role: "ADMIN" }));
}

/** What that user sees of it, in token mode. */
export function user(world, id, claims = {}) {
  return V1.bearer(world, token(id, claims));
}

/** A new USER token that somebody makes for themselves: `{token, id, prefix, ...}`. */
export async function makeUserToken(owner, permissions = ["read", "write"], more = {}) {
  return made(await owner.ok("POST", "/tokens", { name: "my script", type: "USER", permissions, ...more }));
}

/** A new CLIENT token, made by an administrator. */
export async function makeClientToken(world, permissions, more = {}) {
  return made(await admin(world).ok("POST", "/tokens", { name: "a program", type: "CLIENT", permissions, ...more }));
}

/** A token that was of that user, and no longer opens anything. */
export async function revokedToken(world, id) {
  const made = await makeUserToken(user(world, id));
  await user(world, id).ok("DELETE", `/tokens/${made.id}`);
  return made.token;
}

/**
 * Kinds of callers by name: what gives the token that each comes with. User 1 is whose token was revoked.
 * @param {() => string} participant gives a token of somebody who takes part in what the tests are about
 */
export function callersBeside(participant) {
  return {
    nobody: async () => undefined,
    participant: async () => participant(),
    stranger: async () => token(9),
    otherGallery: async () => token(9, { gallery_id: "gc" }),
    admin: async () => token(8, { role: "ADMIN" }),
    program: async (world) => (await makeClientToken(world, ["read", "write", "emit"])).token,
    revoked: (world) => revokedToken(world, 1),
  };
}

function made(answer) {
  assert.match(answer.token, /^sbt_.{32,}$/);
  assertText(answer.id);
  assertText(answer.prefix);
  assert.ok(answer.token.startsWith(answer.prefix) && answer.prefix.length <= 16, `prefix ${answer.prefix}`);
  return answer;
}

/** The auth object of a native handshake with that secret. */
export function authOf(secret, more = {}) {
  return { auth: { dialect: "native", token: secret, ...more } };
}
