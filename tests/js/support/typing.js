// How long "is typing" lives without a refresh (contract: README, section 6.9).

import assert from "node:assert/strict";

export const TTL_MS = 6_000;
/** Within this time it is over. */
export const TTL_MAX_MS = 7_500;

/** It ended by itself after so long. */
export function assertTtl(ms) {
  // Two clocks: allow for their rounding.
  assert.ok(ms > TTL_MS - 50 && ms < TTL_MAX_MS, `stopped after ${Math.round(ms)} ms`);
}
