// A posted message: what is answered, who hears it, what the room shows afterwards (contract: gallery, sections 3 and 4.5).

import assert from "node:assert/strict";
import { describe } from "node:test";
import {
  BASES, DIALECTS_AND_STORES, FULL, NO_SOCKET, STORES_ONLY, TRANSPORTS_AND_STORES, inBothModes, inDevelopment, withTokens,
} from "../support/gallery.js";
import { assertInvalid, assertListed, assertNamedRow, assertRow, dataOf } from "../support/gallery_shapes.js";
import { BUSY } from "../support/matrix.js";
import { assertHas, assertIso } from "../support/messages.js";

const PREVIEW_CHARS = 100;
const KINDS = ["text", "file", "system", "offer_update"];
const N_AT_ONCE = 40;

/** G-05: both are in the room, UA writes. */
async function assertHeardByBoth({ ua, ub }) {
  const room = await ua.roomWith(ub);
  const clients = [await ua.joined(room), await ub.joined(room)];
  const message = dataOf(await ua.post(`/${room}/messages`, { content: "Merhaba" }));
  assertRow(message, {
    room_id: room, sender_id: ua.id, message_type: "text", content: "Merhaba", file_url: null, file_name: null,
    file_size: null, file_type: null, read_at: null, read_by: null, metadata: null, seq: 1,
  });
  for (const client of clients) {
    assert.deepEqual(await client.next("new_message"), { roomId: room, message });
    await client.none();
  }
}

/** G-10: UA sent two, UB sent one. */
async function assertCounted({ ua, ub }) {
  const room = await ua.roomWith(ub);
  await ua.send(room);
  await ua.send(room);
  await ub.send(room, { content: "Tamam" });
  for (const [dealer, unread] of [[ua, 1], [ub, 2]]) {
    const item = await dealer.listed(room);
    assertListed(item, {
      room_type: "support", offer_id: null, vehicle_id: null, gallery_a_id: ua.gallery, gallery_b_id: ub.gallery,
      is_active: true, closed_at: null, last_message_preview: "Tamam", gallery_a_name: null, gallery_b_name: null,
      vehicle_brand: null, vehicle_model: null, vehicle_price: null, vehicle_title: null, unread_count: unread,
    });
    assertIso(item.last_message_at);
  }
}

describe("sending", BUSY, () => {
  inBothModes(FULL, "G-05 a message is heard once by everybody in the room, the sender's own socket included", assertHeardByBoth);

  inBothModes(FULL, "G-06 the other gallery hears it without joining, the own gallery does not", async ({ ua, ua2, ub }) => {
    const room = await ua.roomWith(ub);
    const colleague = await ua2.connect();
    const b = await ub.connect();
    const message = await ua.send(room);
    assert.deepEqual(await b.next("new_message"), { roomId: room, message });
    await b.none();
    await colleague.none();
  });

  inBothModes(NO_SOCKET, "G-10 the list counts what the other gallery wrote", assertCounted);

  inBothModes(FULL, "G-20 the same under all addresses", async ({ ua, ub }) => {
    for (const base of BASES.slice(1)) {
      const dealers = { ua: ua.at(base), ub: ub.at(base) };
      await assertHeardByBoth(dealers);
      await assertCounted(dealers);
    }
  });

  inBothModes(NO_SOCKET, "G-21 the preview has a hundred characters", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    await ua.send(room, { content: "ğ".repeat(300) });
    for (const dealer of [ua, ub]) assert.equal((await dealer.listed(room)).last_message_preview, "ğ".repeat(PREVIEW_CHARS));
    await ua.send(room, { content: "🚗".repeat(300) });
    assert.equal((await ua.find(room)).last_message_preview, "🚗".repeat(PREVIEW_CHARS));
  });

  inBothModes(NO_SOCKET, "G-22 a text needs content, a kind must be known, others need no content", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const post = (body) => ua.post(`/${room}/messages`, body);
    assertInvalid(await post({}), "content", "Message content is required");
    assertInvalid(await post({ content: "x", messageType: "bogus" }), "messageType");
    const row = dataOf(await post({ messageType: "offer_update", metadata: { x: 1 } }));
    assertRow(row, { message_type: "offer_update", content: null, metadata: { x: 1 } });
    assert.equal((await ua.messages(room)).length, 1);
  });
});

describe("messages", BUSY, () => {
  withTokens(STORES_ONLY, "users may send all four kinds, and metadata stays what it was", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const b = await ub.connect();
    const metadata = { offer: { price: 850000.5, currency: "₺" }, tags: ["a", null, true], empty: {} };
    for (const messageType of KINDS) {
      const message = await ua.send(room, { messageType, metadata });
      assertRow(message, { message_type: messageType, content: "Merhaba", metadata });
      assert.deepEqual(await b.next("new_message"), { roomId: room, message });
    }
    for (const messageType of KINDS.slice(1)) {
      assertRow(await ua.send(room, { messageType, content: undefined }), { message_type: messageType, content: null });
    }
    assert.equal((await ua.messages(room)).length, KINDS.length * 2 - 1);
  });

  withTokens(STORES_ONLY, "text is kept as it was sent", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const texts = ["  spaces  ", "a\nb\tc", "çğıöşü 🚗", "<b>&amp;</b>", "'; DROP TABLE message; --", "0", "null"];
    for (const content of texts) assert.equal((await ua.send(room, { content })).content, content);
    assert.deepEqual((await ub.messages(room)).map(({ content }) => content), texts);
  });

  withTokens(STORES_ONLY, "a message moves the room: time, preview and change", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const before = await ua.find(room);
    assertHas(before, { last_message_at: null, last_message_preview: null, messages: [] });
    await ua.send(room, { content: "first" });
    const first = await ub.find(room);
    assert.equal(first.last_message_preview, "first");
    assertIso(first.last_message_at);
    assert.ok(first.updated_at >= before.updated_at);
    assert.ok(first.last_message_at >= before.created_at);
    await ua.send(room, { messageType: "system", content: undefined });
    const second = await ub.find(room);
    assert.equal(second.last_message_preview, "first");
    assert.ok(second.last_message_at >= first.last_message_at);
    assert.equal(second.created_at, before.created_at);
  });

  withTokens(TRANSPORTS_AND_STORES, "what many write at once is heard by all in one order and once", async ({ ua, ua2, ub }) => {
    const room = await ua.roomWith(ub);
    const clients = [await ua.joined(room), await ua2.joined(room), await ub.joined(room)];
    const outside = await ub.connect();
    const senders = [ua, ub, ua2];
    const all = Array.from({ length: N_AT_ONCE }, (_, i) => senders[i % senders.length].send(room, { content: `${i}` }));
    const rows = (await Promise.all(all)).sort((one, other) => one.seq - other.seq);
    assert.deepEqual(rows.map(({ seq }) => seq), rows.map((_, i) => i + 1));
    for (const client of clients) {
      const heard = await client.several("new_message", rows.length);
      assert.deepEqual(heard.map(({ message }) => message), rows);
      await client.none();
    }
    const ofOthers = rows.filter((row) => row.sender_id !== ub.id);
    const heard = await outside.several("new_message", ofOthers.length);
    assert.deepEqual(heard.map(({ message }) => message), ofOthers);
    await outside.none();
    const stored = await ua.messages(room);
    assert.deepEqual(stored.map(({ id }) => id), rows.map(({ id }) => id));
  });

  withTokens(STORES_ONLY, "the row of the answer is the row of the lists", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const { seq, rev, ...sent } = await ua.send(room, { metadata: { x: 1 } });
    const { first_name, last_name, seq: storedSeq, rev: storedRev, ...stored } = (await ub.messages(room))[0];
    assert.deepEqual(stored, sent);
    assert.deepEqual([storedSeq, storedRev], [seq, rev]);
    assert.deepEqual([first_name, last_name], [null, null]);
  });

  withTokens(STORES_ONLY, "a refused message leaves nothing behind and is heard by nobody", async ({ ua, ub, uc }) => {
    const room = await ua.roomWith(ub);
    const clients = [await ua.joined(room), await ub.joined(room)];
    const before = await ua.find(room);
    await ua.post(`/${room}/messages`, { content: "" });
    await ua.post(`/${room}/messages`, { content: "x", messageType: "bogus" });
    await uc.post(`/${room}/messages`, { content: "x" });
    await ua.post("/nope/messages", { content: "x" });
    assert.deepEqual(await ua.find(room), before);
    for (const client of clients) await client.none();
  });
});

describe("names", BUSY, () => {
  const names = {
    "Ayşe Yılmaz": ["Ayşe", "Yılmaz"],
    "Ayşe Nur Yılmaz": ["Ayşe Nur", "Yılmaz"],
    Ayşe: ["Ayşe", null],
  };
  for (const [name, [first_name, last_name]] of Object.entries(names)) {
    withTokens(STORES_ONLY, `the display name ${name} is split at its last space`, async ({ ua, ub }) => {
      const room = await ua.roomWith(ub);
      await ua.claiming({ name }).send(room);
      const { data } = (await ub.get(`/${room}/messages`)).body;
      for (const row of [...data, ...(await ub.messages(room))]) assertNamedRow(row, { sender_id: ua.id, first_name, last_name });
    });
  }

  inDevelopment(DIALECTS_AND_STORES, "the name in the directory is split likewise", async ({ ua, ub, directory }) => {
    await directory.write("user", ua.id, { name: "Mehmet Ali Demir", galleryId: ua.gallery });
    const room = await ua.roomWith(ub);
    await ua.send(room);
    await ub.send(room);
    const [mine, other] = await ub.messages(room);
    assertNamedRow(mine, { first_name: "Mehmet Ali", last_name: "Demir" });
    assertNamedRow(other, { first_name: null, last_name: null });
  });
});
