// The script that brings a directory along (examples/gallery/import-directory.mjs).

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { describe } from "node:test";
import { promisify } from "node:util";
import { STORES_ONLY, inDevelopment, withTokens } from "../support/gallery.js";
import { BUSY } from "../support/matrix.js";
import { assertHas } from "../support/messages.js";
import { token } from "../support/token.js";

const EXAMPLE = path.resolve(import.meta.dirname, "../../../examples/gallery");
const run = promisify(execFile);

function importFiles(world, token, ...files) {
  const env = { PATH: process.env.PATH, SOHBET_URL: world.server.url, ...(token && { SOHBET_TOKEN: token }) };
  return run(process.execPath, [path.join(EXAMPLE, "import-directory.mjs"), ...files], { env });
}

function sample(name) {
  return path.join(EXAMPLE, "sample", name);
}

describe("import", BUSY, () => {
  inDevelopment(STORES_ONLY, "files of all kinds become the directory", async ({ world, ua }) => {
    const files = ["gallery", "galleries.csv", "vehicle", "vehicles.json", "offer", "offers.csv", "user", "users.csv"];
    const { stdout } = await importFiles(world, undefined, ...files.map((word) => (word.includes(".") ? sample(word) : word)));
    assert.match(stdout, /users\.csv: 2 of 2 written as user/);
    const buyer = ua.sending({ "x-user-id": "ayse", "x-gallery-id": "galeri-a" });
    const { id } = await buyer.open({ roomType: "offer", offerId: "teklif-1", vehicleId: "bmw-320i" });
    assertHas(await buyer.listed(id), {
      gallery_a_id: "galeri-b", gallery_a_name: 'Öz "Oto" Galeri', gallery_b_name: "Galeri A, Kadıköy",
      vehicle_title: "BMW 320i", vehicle_price: 850000,
    });
    await ua.sending({ "x-user-id": "mehmet" }).send(id); // of the gallery that the file says
    assertHas((await buyer.messages(id))[0], { first_name: "Mehmet Ali", last_name: "Demir" });
  });

  withTokens(STORES_ONLY, "it needs a token of somebody who may, and says what it could not write", async ({ world, ua }) => {
    const admin = token("admin", { role: "ADMIN" });
    const dir = await mkdtemp(path.join(os.tmpdir(), "sohbet-import-"));
    try {
      const file = path.join(dir, "galleries.csv");
      await writeFile(file, "id,name\r\ng-1,One\r\ng-2,\r\n,Nobody\r\n");
      for (const refused of [undefined, ua.token()]) {
        await assert.rejects(importFiles(world, refused, "gallery", file), ({ code, stdout }) => code === 1 && / 0 of 3 /.test(stdout));
      }
      await assert.rejects(importFiles(world, admin, "gallery", file), ({ code, stdout, stderr }) => {
        assert.match(stdout, / 1 of 3 /);
        assert.match(stderr, /gallery g-2: name is required/);
        assert.match(stderr, /it has no id/);
        return code === 1;
      });
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});
