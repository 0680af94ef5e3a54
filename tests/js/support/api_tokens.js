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

/**
 * Every kind of caller by name: what gives the token that each comes with. User 1 is whose token was revoked.
 * @param {() => string} participant gives a token of somebody who takes part in what the tests are about
 */
export function callersBeside(participant) {
  return {
    nobody: () => undefined,
    participant,
    stranger: () => token(9),
    otherGallery: () => token(9, { gallery_id: "gc" }),
    admin: () => token(8, { role: "ADMIN" }),
    program: async (world) => (await makeClientToken(world, ["read", "write", "emit"])).token,
    revoked: async (world) => {
      const { id, token: secret } = await makeUserToken(user(world, 1));
      await user(world, 1).ok("DELETE", `/tokens/${id}`);
      return secret;
    },
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
