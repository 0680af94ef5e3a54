// Which links to files a message may carry.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { pathOf, uploaded } from "../support/files.js";
import { BUSY, ONCE, STORES_ONLY, each } from "../support/matrix.js";
import { assertError, draft, send } from "../support/messages.js";
import { assertRefused } from "../support/rest.js";
import { TOKEN_MODE, token } from "../support/token.js";

/** What is refused everywhere: it runs something, or hides where it leads. */
const NEVER = [
  "javascript:alert(1)",
  "JavaScript:alert(1)",
  "java\nscript:alert(1)",
  "data:text/html,<script>alert(1)</script>",
  "file:///etc/passwd",
  "blob:https://chat.example.com/x",
  "//evil.test/a.png",
  "/\\evil.test/a.png",
  "https://minio.example.com@evil.test/a.png",
];
const FOREIGN = ["https://evil.test/a.png", "https://minio.example.com.evil.test/a.png", "http://minio.example.com:9001/a.png"];

describe("links in messages", BUSY, () => {
  each(STORES_ONLY, "in development any web address is taken", async (world) => {
    const a = await world.user(1);
    for (const fileUrl of ["https://minio.example.com:9000/bucket/a.jpg", "http://10.0.0.1/a.png", "/uploads/a.png"]) {
      assert.equal((await send(a, { fileUrl })).fileUrl, fileUrl);
    }
    await assertAllRefused(world, a, world.rest, NEVER);
  });

  each(STORES_ONLY, "elsewhere only our own files and the named hosts are taken", async (world) => {
    const a = await world.tokenUser(1);
    const rest = world.rest.bearer(token(1));
    const { url } = await uploaded(rest);
    for (const fileUrl of [url, pathOf(url), "https://minio.example.com:9000/bucket/a.jpg", "https://cdn.example.com/a.jpg"]) {
      assert.equal((await send(a, { fileUrl })).fileUrl, fileUrl);
    }
    await assertAllRefused(world, a, rest, [...NEVER, ...FOREIGN, `https://evil.test${pathOf(url)}`]);
  }, { ...TOKEN_MODE, FILE_URL_HOSTS: "minio.example.com:9000, cdn.example.com" });

  each(ONCE, "links begin with the public address, and only those are ours", async (world) => {
    const a = await world.tokenUser(1);
    const { url } = await uploaded(world.rest.bearer(token(1)));
    assert.match(url, /^https:\/\/chat\.example\.com\/base\/uploads\/[0-9a-f]{32}\.png$/);
    assert.equal((await send(a, { fileUrl: url })).fileUrl, url);
    const elsewhere = new URL(pathOf(url).replace("/base", ""), world.server.url).href;
    assertError(await a.emitWithAck("send_message", draft({ fileUrl: elsewhere })), "INVALID_PAYLOAD");
  }, { ...TOKEN_MODE, PUBLIC_URL: "https://chat.example.com/base/" });
});

async function assertAllRefused(world, client, rest, links) {
  const before = (await client.ask("send_message", draft({ content: "before" }))).message;
  for (const fileUrl of links) {
    assertError(await client.emitWithAck("send_message", draft({ fileUrl })), "INVALID_PAYLOAD");
    const posted = await rest.post("/api/messages", { senderId: 1, receiverId: 2, content: "hi", fileUrl });
    assertRefused(posted, 400, "File URL not allowed");
  }
  const after = (await client.ask("send_message", draft({ content: "after" }))).message;
  assert.equal(after.seq, before.seq + 1, "something was stored");
}
