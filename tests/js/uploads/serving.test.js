// How stored files are shown.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { PNG, bytes, uploaded } from "../support/files.js";
import { BUSY, ONCE, STORES_ONLY, each } from "../support/matrix.js";

const SANDBOX = /default-src 'none'.*sandbox/;

describe("stored files", BUSY, () => {
  each(STORES_ONLY, "a picture is shown inline and can do nothing else", async (world) => {
    const { url } = await uploaded(world.rest, PNG, "image/png", "çiçek 🌸 (1)'.png");
    const { status, headers } = await fetch(url);
    assert.equal(status, 200);
    assert.equal(headers.get("content-type"), "image/png");
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.match(headers.get("content-security-policy"), SANDBOX);
    assert.equal(headers.get("content-length"), `${PNG.length}`);
    const disposition = headers.get("content-disposition");
    assert.match(disposition, /^inline; filename="[ -~]*"; filename\*=UTF-8''[!-~]*$/);
    assert.equal(decodeURIComponent(disposition.split("''")[1]), "çiçek 🌸 (1)'.png");
  });

  each(STORES_ONLY, "everything but pictures and sound is only downloaded", async (world) => {
    for (const [content, claimed, type] of [
      [bytes("application/pdf"), "application/pdf", "application/pdf"],
      ["hi", "text/plain", "text/plain; charset=utf-8"],
    ]) {
      const { url } = await uploaded(world.rest, content, claimed, "a.b");
      const { headers } = await fetch(url);
      assert.equal(headers.get("content-disposition"), "attachment; filename=\"a.b\"; filename*=UTF-8''a.b");
      assert.equal(headers.get("content-type"), type);
    }
    for (const type of ["audio/ogg", "video/mp4"]) {
      const { url } = await uploaded(world.rest, bytes(type), type);
      assert.match((await fetch(url)).headers.get("content-disposition"), /^inline;/);
    }
  });

  each(ONCE, "drawings and pages are never shown inline, even if the operator takes them", async (world) => {
    for (const [content, type] of [["<svg onload='alert(1)'/>", "image/svg+xml"], ["<html><b>hi</b></html>", "text/html"]]) {
      const { url, fileType } = await uploaded(world.rest, content, type);
      assert.equal(fileType, type);
      const { headers } = await fetch(url);
      assert.match(headers.get("content-disposition"), /^attachment;/);
      assert.match(headers.get("content-security-policy"), SANDBOX);
    }
  }, { UPLOAD_TYPES: "*/*" });

  each(STORES_ONLY, "parts of a file can be fetched", async (world) => {
    const file = Buffer.concat([bytes("video/mp4"), Buffer.alloc(200_000, "0123456789")]);
    const { url } = await uploaded(world.rest, file, "video/mp4");
    const get = async (range, more = {}) => {
      const response = await fetch(url, { headers: { range, ...more } });
      return [response.status, response.headers.get("content-range"), Buffer.from(await response.arrayBuffer())];
    };
    const n = file.length;
    assert.deepEqual(await get("bytes=0-1"), [206, `bytes 0-1/${n}`, file.subarray(0, 2)]);
    assert.deepEqual(await get("bytes=100000-"), [206, `bytes 100000-${n - 1}/${n}`, file.subarray(100_000)]);
    assert.deepEqual(await get("bytes=-7"), [206, `bytes ${n - 7}-${n - 1}/${n}`, file.subarray(-7)]);
    assert.deepEqual((await get("bytes=0-1,4-5")).slice(0, 2), [200, null]);
    assert.deepEqual((await get(`bytes=${n}-`)).slice(0, 2), [416, `bytes */${n}`]);
    assert.deepEqual((await get("bytes=0-1", { "if-range": '"other"' })).slice(0, 2), [200, null]);
    const whole = await fetch(url);
    assert.equal(whole.headers.get("accept-ranges"), "bytes");
    assert.deepEqual(Buffer.from(await whole.arrayBuffer()), file);
  });

  each(STORES_ONLY, "who has a file does not fetch it again", async (world) => {
    const { url } = await uploaded(world.rest);
    const etag = (await fetch(url)).headers.get("etag");
    assert.match(etag, /^"[0-9a-f]{64}"$/);
    const again = await fetch(url, { headers: { "if-none-match": `W/${etag}` } });
    assert.deepEqual([again.status, await again.text()], [304, ""]);
    assert.equal((await fetch(url, { headers: { "if-none-match": '"other"' } })).status, 200);
    const head = await fetch(url, { method: "HEAD" });
    assert.deepEqual([head.status, head.headers.get("content-length"), await head.text()], [200, `${PNG.length}`, ""]);
    assert.equal((await fetch(url, { method: "DELETE" })).status, 405);
  });

  each(STORES_ONLY, "names of files cannot be guessed", async (world) => {
    const names = [];
    for (let i = 0; i < 5; i += 1) names.push(new URL((await uploaded(world.rest)).url).pathname);
    // 128 random bits; the first digits would be alike if the time were in them.
    for (const name of names) assert.match(name, /^\/uploads\/[0-9a-f]{32}\.png$/);
    assert.equal(new Set(names.map((name) => name.slice(9, 13))).size > 1, true);
  });
});
