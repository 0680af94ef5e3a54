// Every client in examples/ runs against a server as its first lines say, and ends well.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { Server } from "./support/server.js";

const EXAMPLES = path.resolve(import.meta.dirname, "../../examples");
const RUN_MS = 30_000;
const run = promisify(execFile);

/** Folders with a client that needs nothing but a server. */
async function clients() {
  const found = [];
  for (const entry of await readdir(EXAMPLES, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const files = await readdir(path.join(EXAMPLES, entry.name));
    if (files.includes("client.mjs")) found.push(entry.name);
  }
  return found.sort();
}

describe("examples", () => {
  let copy;

  before(async () => {
    // Beside the packages of the tests, as a user has them beside the client.
    copy = await mkdtemp(path.join(os.tmpdir(), "sohbet-examples-"));
    await cp(EXAMPLES, copy, { recursive: true, filter: (source) => !source.includes("node_modules") });
    await symlink(path.resolve(import.meta.dirname, "node_modules"), path.join(copy, "node_modules"), "dir");
  });

  after(() => rm(copy, { recursive: true, force: true }));

  it("there is a client for every dialect", async () => {
    assert.deepEqual(await clients(), ["chatsphere", "direct", "gallery", "messaging", "native", "school", "starter"]);
  });

  for (const name of ["chatsphere", "direct", "gallery", "messaging", "native", "school", "starter"]) {
    it(`${name} talks and ends`, { timeout: 2 * RUN_MS }, async () => {
      const server = await Server.start("sqlite", { DIALECT: "auto" });
      try {
        const { stdout } = await run(process.execPath, [path.join(copy, name, "client.mjs"), server.url], {
          timeout: RUN_MS,
        });
        assert.match(stdout, /hears/, stdout);
      } finally {
        await server.remove();
      }
    });
  }
});
