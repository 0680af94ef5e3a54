// Files in a room: a reference to an object storage, or the file itself (contract: gallery, section 4.6).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { PNG } from "../support/files.js";
import { DIALECTS_AND_STORES, FULL, STORES_ONLY, inBothModes, withTokens } from "../support/gallery.js";
import { assertInvalid, assertRefused, assertRow, dataOf } from "../support/gallery_shapes.js";
import { BUSY } from "../support/matrix.js";

const PREVIEW_CHARS = 100;
const PICTURE = {
  fileUrl: "https://minio.example/chat/arac-goruntusu.jpg",
  fileName: "arac-goruntusu.jpg",
  fileSize: 1024000,
  fileType: "image/jpeg",
};

describe("files", BUSY, () => {
  inBothModes(FULL, "G-07 a file is a message of the room", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const clients = [await ua.joined(room), await ub.joined(room)];
    const message = dataOf(await ua.post(`/${room}/upload`, PICTURE));
    assertRow(message, {
      room_id: room, sender_id: ua.id, message_type: "file", content: null, file_url: PICTURE.fileUrl,
      file_name: PICTURE.fileName, file_size: PICTURE.fileSize, file_type: PICTURE.fileType, metadata: null,
      read_at: null, read_by: null,
    });
    for (const client of clients) {
      assert.deepEqual(await client.next("new_message"), { roomId: room, message });
      await client.none();
    }
    assert.equal((await ub.listed(room)).last_message_preview, `File: ${PICTURE.fileName}`);
  });

  withTokens(STORES_ONLY, "size and type may be missing", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const { fileUrl, fileName } = PICTURE;
    const message = dataOf(await ua.post(`/${room}/upload`, { fileUrl, fileName }));
    assertRow(message, { message_type: "file", file_url: fileUrl, file_name: fileName, file_size: null, file_type: null });
  });

  withTokens(STORES_ONLY, "a long name is cut in the preview and nowhere else", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const fileName = `${"ğ".repeat(196)}.jpg`;
    const message = dataOf(await ua.post(`/${room}/upload`, { ...PICTURE, fileName }));
    assert.equal(message.file_name, fileName);
    assert.equal((await ub.listed(room)).last_message_preview, `File: ${fileName}`.slice(0, PREVIEW_CHARS));
  });

  withTokens(DIALECTS_AND_STORES, "a file without its address or its name is refused", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const b = await ub.joined(room);
    for (const field of ["fileUrl", "fileName"]) {
      for (const value of [undefined, null, "", 5, {}, [], "a\0b"]) {
        assertInvalid(await ua.post(`/${room}/upload`, { ...PICTURE, [field]: value }), field);
      }
    }
    for (const [field, values] of [["fileSize", [{}, [], -1, "many"]], ["fileType", [5, {}, "a\0b"]]]) {
      for (const value of values) assertInvalid(await ua.post(`/${room}/upload`, { ...PICTURE, [field]: value }), field);
    }
    assert.deepEqual(await ua.messages(room), []);
    await b.none();
  });

  withTokens(STORES_ONLY, "an address that a browser would run is refused", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    for (const fileUrl of ["javascript:alert(1)", "data:text/html,<script>alert(1)</script>"]) {
      assertInvalid(await ua.post(`/${room}/upload`, { ...PICTURE, fileUrl }), "fileUrl");
    }
  });

  inBothModes(STORES_ONLY, "a file as multipart form is stored here and can be fetched", async ({ world, ua, ub }) => {
    const room = await ua.roomWith(ub);
    const b = await ub.connect();
    const file = new File([PNG], "araba 1.png", { type: "image/png" });
    const message = dataOf(await ua.postMultipart(`/${room}/upload`, { file }));
    assertRow(message, {
      sender_id: ua.id, message_type: "file", content: null, file_name: "araba 1.png", file_size: PNG.length,
      file_type: "image/png",
    });
    assert.deepEqual(await b.next("new_message"), { roomId: room, message });
    await b.none();
    assert.equal((await ub.listed(room)).last_message_preview, "File: araba 1.png");
    const response = await fetch(new URL(message.file_url, world.server.url));
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "image/png");
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), PNG);
  });

  withTokens(STORES_ONLY, "a form without a file is refused, as is the file of a stranger", async ({ ua, ub, uc, loner }) => {
    const room = await ua.roomWith(ub);
    assertInvalid(await ua.postMultipart(`/${room}/upload`, { title: "no file" }));
    const file = new File([PNG], "a.png", { type: "image/png" });
    assertRefused(await uc.postMultipart(`/${room}/upload`, { file }), "FORBIDDEN", "Access denied");
    assertRefused(await ua.postMultipart("/nope/upload", { file }), "NOT_FOUND", "Room not found");
    assertInvalid(await loner.postMultipart(`/${room}/upload`, { file }), undefined, "User information not found");
    assert.deepEqual(await ua.messages(room), []);
  });
});
