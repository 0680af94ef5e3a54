// `POST /api/upload` and what it stored (contract: messaging, section 6).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { PNG, UPLOAD, bytes } from "../support/files.js";
import { BUSY, DIALECTS_AND_STORES, STORES_ONLY, each } from "../support/matrix.js";
import { assertRefused } from "../support/rest.js";

const MAX_BYTES = 10 * 1024 * 1024;
/** What the seed's front ends send. Further kinds: ../uploads/kinds.test.js. */
const ALLOWED = ["image/jpeg", "image/png", "image/gif", "image/webp", "video/mp4", "video/webm", "video/quicktime"];

describe("uploads", BUSY, () => {
  each(DIALECTS_AND_STORES, "an uploaded picture can be fetched and is the same picture", async (world) => {
    const { status, body } = await upload(world, new File([PNG], "cat picture.png", { type: "image/png" }), "image");
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(Object.keys(body).sort(), ["fileName", "fileSize", "fileType", "message", "success", "url"]);
    const { url, ...rest } = body;
    assert.deepEqual(rest, {
      success: true,
      fileName: "cat picture.png",
      fileSize: PNG.length,
      fileType: "image/png",
      message: "File uploaded successfully",
    });
    const response = await fetch(new URL(url, world.server.url));
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "image/png");
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), PNG);
  });

  each(STORES_ONLY, "an upload outlives a restart", async (world) => {
    const { body } = await upload(world, new File([PNG], "a.png", { type: "image/png" }));
    const path = new URL(body.url, world.server.url).pathname;
    await world.server.stop();
    await world.server.start();
    const response = await fetch(new URL(path, world.server.url));
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), PNG);
  });

  each(STORES_ONLY, "the seven allowed types are taken, others are 415", async (world) => {
    for (const type of ALLOWED) {
      const { status, body } = await upload(world, new File([bytes(type)], "f.bin", { type }));
      assert.deepEqual([status, body.fileType], [200, type], JSON.stringify(body));
    }
    for (const type of ["text/plain", "text/html", "image/svg+xml", "application/octet-stream", "application/pdf", ""]) {
      assertRefused(await upload(world, new File([PNG], "f.bin", { type })), 415, "File type not allowed");
    }
    for (const content of ["bytes", "<script>alert(1)</script>", "%PDF-1.7"]) {
      const lie = new File([content], "lie.png", { type: "image/png" });
      assertRefused(await upload(world, lie), 415, "File type not allowed");
    }
  });

  each(STORES_ONLY, "ten megabytes are taken, more is 413", async (world) => {
    const video = (size) => Buffer.concat([bytes("video/mp4")], size);
    const full = await upload(world, new File([video(MAX_BYTES)], "full.mp4", { type: "video/mp4" }));
    assert.equal(full.status, 200, JSON.stringify(full.body));
    assert.equal(full.body.fileSize, MAX_BYTES);
    for (const size of [MAX_BYTES + 1, MAX_BYTES + 2_000_000]) {
      const file = new File([video(size)], "big.mp4", { type: "video/mp4" });
      assertRefused(await upload(world, file), 413, "File too large");
    }
  });

  each(STORES_ONLY, "a form without a file is refused", async (world) => {
    assertRefused(await world.rest.postMultipart(UPLOAD, { type: "image" }), 400, "No file provided");
    assertRefused(await world.rest.postMultipart(UPLOAD, { file: "just a text" }), 400, "No file provided");
    const { status, body } = await world.rest.post(UPLOAD, {});
    assert.ok(status === 400 || status === 415, `${status}`);
    assert.equal(body.success, false);
  });

  each(STORES_ONLY, "a file name is only a name", async (world) => {
    for (const name of ["../../../evil.png", "a/b\\c.png", "çiçek 🌸.png", "x".repeat(300) + ".png", ".png"]) {
      const { status, body } = await upload(world, new File([PNG], name, { type: "image/png" }));
      assert.equal(status, 200, JSON.stringify(body));
      assert.equal(body.url.includes(".."), false);
      const response = await fetch(new URL(body.url, world.server.url));
      assert.deepEqual(Buffer.from(await response.arrayBuffer()), PNG);
    }
    for (const path of ["/uploads/..%2f..%2fchat.db", "/uploads/%2e%2e/%2e%2e/chat.db", "/uploads/nope.png"]) {
      assert.equal((await world.rest.get(path)).status, 404, path);
    }
  });

  each(STORES_ONLY, "two files of one name do not overwrite each other", async (world) => {
    const first = await upload(world, new File([PNG, "first"], "same.png", { type: "image/png" }));
    const second = await upload(world, new File([PNG, "second"], "same.png", { type: "image/png" }));
    assert.notEqual(first.body.url, second.body.url);
    assert.match(await (await fetch(new URL(first.body.url, world.server.url))).text(), /first$/);
  });
});

function upload(world, file, type = undefined) {
  return world.rest.postMultipart(UPLOAD, type ? { file, type } : { file });
}
