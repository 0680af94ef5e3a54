// `UPLOADS_ACCESS=signed`: a link holds for a while, and a bare one only for those who may see the file.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { PNG, pathOf, upload, uploaded } from "../support/files.js";
import { BUSY, ONCE, STORES_ONLY, each } from "../support/matrix.js";
import { assertError, draft, send } from "../support/messages.js";
import { assertRefused } from "../support/rest.js";
import { TOKEN_MODE, token } from "../support/token.js";

const SIGNED = { ...TOKEN_MODE, UPLOADS_ACCESS: "signed" };

/** What users see of one file, 1 and 2 who write each other, 3 who does not. */
class Scene {
  constructor(world) {
    this.world = world;
    this.rest = [0, 1, 2, 3].map((id) => (id === 0 ? world.rest : world.rest.bearer(token(id))));
  }

  async status(path, user) {
    return (await this.rest[user].get(path)).status;
  }
}

describe("who uploads", BUSY, () => {
  each(STORES_ONLY, "nobody who is called like a gallery", async (world) => {
    const rest = world.rest.bearer(token("gallery:ga"));
    assertRefused(await upload(rest, PNG, "image/png"), 400, "Invalid data");
    const { status } = await rest.get("/api/messages/conversations?userId=gallery:ga");
    assert.equal(status, 400, "the upload made no user");
  }, TOKEN_MODE);
});

describe("signed links", BUSY, () => {
  each(STORES_ONLY, "a link from the server opens a file, and nothing less does", async (world) => {
    const { rest } = new Scene(world);
    const { url } = await uploaded(rest[1]);
    assert.match(url, /\/uploads\/[0-9a-f]{32}\.png\?exp=\d+&sig=[0-9a-f]{64}$/);
    const response = await fetch(url);
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), PNG);
    assert.match(response.headers.get("cache-control"), /^private, max-age=\d+/);
    const [path, query] = url.split("?");
    const other = (await uploaded(rest[1])).url.split("?")[0];
    for (const forged of [path, `${path}?${query.replace(/exp=./, "exp=9")}`, `${url}0`, url.slice(0, -1), `${other}?${query}`]) {
      const refused = await fetch(forged);
      assertRefused({ status: refused.status, body: await refused.json() }, 401, "Unauthorized");
    }
  }, SIGNED);

  each(STORES_ONLY, "a bare link opens for whom it concerns", async (world) => {
    const scene = new Scene(world);
    const path = pathOf((await uploaded(scene.rest[1])).url);
    const statuses = async () => [await scene.status(path, 1), await scene.status(path, 2), await scene.status(path, 3)];
    assert.deepEqual(await statuses(), [200, 404, 404]);
    const a = await world.tokenUser(1);
    await send(a, { content: null, type: "image", fileUrl: path });
    assert.deepEqual(await statuses(), [200, 200, 404]);
    const again = await scene.rest[2].call("GET", path, undefined, { range: "bytes=0-0" });
    assert.deepEqual([again.status, again.headers.get("cache-control")], [206, "private, no-cache"]);
  }, SIGNED);

  each(STORES_ONLY, "messages carry links that open, and keep one that stays", async (world) => {
    const { rest } = new Scene(world);
    const { url } = await uploaded(rest[1]);
    const [a, b] = [await world.tokenUser(1), await world.tokenUser(2)];
    const sent = await send(a, { content: null, type: "image", fileUrl: url, tempId: "temp-of-a-file" });
    const heard = await b.next("new_message");
    const [listed] = await rest[2].messages(sent.conversationId);
    const posted = await rest[1].post("/api/messages", { senderId: 1, receiverId: 2, type: "image", fileUrl: pathOf(url) });
    for (const { fileUrl } of [sent, heard, listed, posted.body.message]) {
      assert.equal(pathOf(fileUrl), pathOf(url));
      assert.match(fileUrl, /\?exp=\d+&sig=[0-9a-f]{64}$/);
      assert.equal((await fetch(new URL(fileUrl, world.server.url))).status, 200);
    }
    // The signature is not part of what was said: the same send again is the same message.
    const bare = url.split("?")[0];
    const repeat = await a.ask("send_message", draft({ content: null, type: "image", fileUrl: bare, tempId: "temp-of-a-file" }));
    assert.deepEqual([repeat.duplicate, repeat.message.id], [true, sent.id]);
  }, SIGNED);

  each(STORES_ONLY, "who may not see a file cannot show it to get at it", async (world) => {
    const scene = new Scene(world);
    const path = pathOf((await uploaded(scene.rest[1])).url);
    const c = await world.tokenUser(3);
    for (const fileUrl of [path, `${path}?exp=9999999999&sig=${"0".repeat(64)}`, path.replace(/[0-9a-f]{32}/, "0".repeat(32))]) {
      const answer = await c.emitWithAck("send_message", draft({ senderId: 3, fileUrl }));
      assertError(answer, "INVALID_PAYLOAD");
    }
    assert.equal(await scene.status(path, 3), 404);
  }, SIGNED);

  each(STORES_ONLY, "a file that was passed on opens for its new readers", async (world) => {
    const scene = new Scene(world);
    const path = pathOf((await uploaded(scene.rest[1])).url);
    const [a, b] = [await world.tokenUser(1), await world.tokenUser(2)];
    await send(a, { content: null, fileUrl: path });
    const { fileUrl } = await b.next("new_message");
    await send(b, { senderId: 2, receiverId: 3, content: null, fileUrl });
    assert.equal(await scene.status(path, 3), 200);
  }, SIGNED);

  each(ONCE, "a link ends", async (world) => {
    const { rest } = new Scene(world);
    const { url } = await uploaded(rest[1]);
    assert.equal((await fetch(url)).status, 200);
    const expires = Number(new URL(url).searchParams.get("exp")) * 1000;
    while (Date.now() < expires) await new Promise((resolve) => setTimeout(resolve, expires - Date.now() + 1));
    assert.equal((await fetch(url)).status, 401);
  }, { ...SIGNED, UPLOAD_LINK_SECONDS: "1" });

  each(ONCE, "links outlive a restart", async (world) => {
    const { rest } = new Scene(world);
    const { url } = await uploaded(rest[1]);
    await world.server.stop();
    await world.server.start();
    assert.equal((await fetch(new URL(url.slice(url.indexOf("/uploads/")), world.server.url))).status, 200);
  }, SIGNED);
});
