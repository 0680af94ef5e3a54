// The same message posted twice (contract: README, section 6.5).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { NO_SOCKET, STORES_ONLY, inBothModes, withTokens } from "../support/gallery.js";
import { assertInvalid, dataOf } from "../support/gallery_shapes.js";
import { BUSY } from "../support/matrix.js";

const CLIENT_ID_KEYS = ["clientMessageId", "clientId", "client_offset"];
const N_AT_ONCE = 50;
const FILE = { fileUrl: "https://minio.example/a.jpg", fileName: "a.jpg" };

describe("repeats", BUSY, () => {
  for (const key of CLIENT_ID_KEYS) {
    inBothModes(STORES_ONLY, `a repeated ${key} gives the first row again and is told once`, async ({ ua, ub }) => {
      const room = await ua.roomWith(ub);
      const clients = [await ua.joined(room), await ub.joined(room)];
      const first = await ua.send(room, { [key]: "the-same" });
      assert.deepEqual(await ua.send(room, { [key]: "the-same", content: "another text" }), first);
      for (const client of clients) {
        assert.deepEqual(await client.next("new_message"), { roomId: room, message: first });
        await client.none();
      }
      assert.equal((await ua.messages(room)).length, 1);
      assert.equal((await ub.listed(room)).last_message_preview, "Merhaba");
      assert.equal(await ub.unread(room), 1);
    });
  }

  withTokens(STORES_ONLY, "files are repeated likewise", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const b = await ub.joined(room);
    const upload = async () => dataOf(await ua.post(`/${room}/upload`, { ...FILE, clientMessageId: "f-1" }));
    const first = await upload();
    assert.deepEqual(await upload(), first);
    await b.next("new_message");
    await b.none();
  });

  withTokens(STORES_ONLY, "a form is repeated likewise, wherever its fields stand", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const file = () => new File(["%PDF-1.4 a"], "a.pdf", { type: "application/pdf" });
    const upload = async (fields) => dataOf(await ua.postMultipart(`/${room}/upload`, fields));
    for (const name of CLIENT_ID_KEYS) {
      const first = await upload({ [name]: name, file: file() });
      assert.deepEqual(await upload({ file: file(), title: "more", [name]: name }), first);
    }
    assert.equal((await ua.messages(room)).length, 3);
    for (const clientMessageId of ["", "x".repeat(129)]) {
      assertInvalid(await ua.postMultipart(`/${room}/upload`, { file: file(), clientMessageId }), "clientMessageId");
    }
    assert.equal((await ua.messages(room)).length, 3);
  });

  withTokens(NO_SOCKET, "many repeats at once are one message", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const rows = await Promise.all(Array.from({ length: N_AT_ONCE }, () => ua.send(room, { clientMessageId: "many" })));
    for (const row of rows) assert.deepEqual(row, rows[0]);
    assert.equal((await ua.messages(room)).length, 1);
  });

  withTokens(STORES_ONLY, "a client id belongs to its sender and its room", async ({ ua, ua2, ub }) => {
    const [room, other] = [await ua.roomWith(ub), await ua.roomWith(ub)];
    const fields = { clientMessageId: "shared" };
    const rows = [await ua.send(other, fields)];
    for (const dealer of [ua, ua2, ub]) rows.push(await dealer.send(room, fields));
    assert.equal(new Set(rows.map(({ id }) => id)).size, rows.length);
  });

  withTokens(STORES_ONLY, "without a client id equal messages are two", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const b = await ub.connect();
    const rows = [await ua.send(room), await ua.send(room)];
    assert.deepEqual((await b.several("new_message", 2)).map(({ message }) => message), rows);
    assert.notEqual(rows[0].id, rows[1].id);
  });

  withTokens(STORES_ONLY, "client ids, rooms and read marks outlive a restart of the server", async ({ world, ua, ub }) => {
    const room = await ua.roomWith(ub);
    const first = await ua.send(room, { clientMessageId: "c-1" });
    await ub.send(room);
    await ua.post(`/${room}/read`);
    const before = await ua.list();
    await world.server.stop();
    await world.server.start();
    world.rest.url = world.server.url;
    assert.deepEqual(await ua.list(), before);
    assert.deepEqual(await ua.send(room, { clientMessageId: "c-1" }), first);
    assert.equal((await ub.messages(room)).length, 2);
  });
});
