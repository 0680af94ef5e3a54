// For what the server does by itself, some time after it has answered.

import { setTimeout as wait } from "node:timers/promises";

const EVENTUALLY_MS = 8_000;
const RETRY_MS = 50;

/** What `look` gives as soon as it does not fail. It fails as `look` does if that takes too long. */
export async function eventually(look) {
  const end = performance.now() + EVENTUALLY_MS;
  for (;;) {
    try {
      return await look();
    } catch (fault) {
      if (performance.now() > end) throw fault;
    }
    await wait(RETRY_MS);
  }
}
