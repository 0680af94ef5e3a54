// Which files are taken, and how large they may be.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { bytes, upload, uploaded } from "../support/files.js";
import { BUSY, ONCE, STORES_ONLY, each } from "../support/matrix.js";
import { assertRefused } from "../support/rest.js";

const SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
const HTML = "<!DOCTYPE html><script>alert(1)</script>";

describe("kinds of uploads", BUSY, () => {
  each(STORES_ONLY, "sound, PDF and plain text are taken besides pictures", async (world) => {
    for (const [content, claimed, type] of [
      [bytes("audio/mpeg"), "audio/mpeg", "audio/mpeg"],
      [bytes("audio/ogg"), "audio/ogg;codecs=opus", "audio/ogg"],
      [bytes("audio/wav"), "audio/wave", "audio/wav"],
      // A voice message as browsers record it.
      [bytes("video/webm"), "audio/webm;codecs=opus", "audio/webm"],
      [bytes("video/mp4"), "audio/mp4", "audio/mp4"],
      [bytes("application/pdf"), "application/pdf", "application/pdf"],
      ["günaydın\r\n", "text/plain", "text/plain"],
      ["a;b\n1;2\n", "text/csv", "text/plain"],
      // What a browser says of a type that it does not know.
      ["# Title\n", "", "text/plain"],
      ["x".repeat(100_000) + "ş", "text/plain", "text/plain"],
    ]) {
      const { fileType } = await uploaded(world.rest, content, claimed);
      assert.equal(fileType, type);
    }
  });

  each(STORES_ONLY, "archives, programs, pages and drawings are 415 whatever they claim to be", async (world) => {
    for (const content of [bytes("application/zip"), bytes("application/x-msdownload"), HTML, SVG, `<?xml?>${SVG}`]) {
      for (const claimed of ["", "text/plain", "image/png", "image/svg+xml", "text/html", "application/zip"]) {
        assertRefused(await upload(world.rest, content, claimed), 415, "File type not allowed");
      }
    }
  });

  each(STORES_ONLY, "text with anything else in it is no text", async (world) => {
    for (const content of ["a\0b", "a\x1b[31m", Buffer.from([0x61, 0xff]), Buffer.from([0x61, 0xc5]), "x".repeat(50_000) + "\0"]) {
      assertRefused(await upload(world.rest, content, "text/plain"), 415, "File type not allowed");
    }
  });

  each(ONCE, "the operator says which types are taken", async (world) => {
    const { fileType } = await uploaded(world.rest, bytes("application/zip"), "application/zip");
    assert.equal(fileType, "application/zip");
    assert.equal((await uploaded(world.rest, bytes("image/gif"), "image/gif")).fileType, "image/gif");
    for (const [content, claimed] of [["hi", "text/plain"], [bytes("video/mp4"), "video/mp4"]]) {
      assertRefused(await upload(world.rest, content, claimed), 415, "File type not allowed");
    }
  }, { UPLOAD_TYPES: "application/zip, image/*" });

  each(ONCE, "each kind has a limit of its own", async (world) => {
    for (const [type, limit] of [["image/png", 1_000], ["video/mp4", 2_000], ["audio/ogg", 3_000], ["application/pdf", 4_000]]) {
      assert.equal((await uploaded(world.rest, bytes(type, limit), type)).fileSize, limit);
      assertRefused(await upload(world.rest, bytes(type, limit + 1), type), 413, "File too large");
    }
  }, { MAX_UPLOAD_BYTES: "4000", MAX_UPLOAD_IMAGE_BYTES: "1000", MAX_UPLOAD_VIDEO_BYTES: "2000", MAX_UPLOAD_AUDIO_BYTES: "3000" });

  each(ONCE, "a form that is mostly no file is refused", async (world) => {
    const file = new File([bytes("image/png")], "a.png", { type: "image/png" });
    assertRefused(await world.rest.postMultipart("/api/upload", { note: "x".repeat(300_000), more: "x".repeat(300_000), file }), 400, "Invalid form");
    const { status } = await world.rest.postMultipart("/api/upload", { note: "x".repeat(10_000), file, after: "x".repeat(10_000) });
    assert.equal(status, 200);
  });
});
