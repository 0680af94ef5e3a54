// Read marks and deleted rooms (contract: gallery, sections 3 and 4.7).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { DIALECTS_AND_STORES, FULL, NO_SOCKET, STORES_ONLY, UNKNOWN_UUID, inBothModes, withTokens } from "../support/gallery.js";
import { assertDone, assertOpened, assertRefused } from "../support/gallery_shapes.js";
import { BUSY } from "../support/matrix.js";
import { assertHas, assertIso } from "../support/messages.js";

const ALL_READ = "All messages marked as read";
const ONE_READ = "Message marked as read";
const DELETED = "Room deleted successfully";

/** UA sent two, UB sent one; UA's socket has heard it all. */
async function talk({ ua, ub }) {
  const room = await ua.roomWith(ub);
  const a = await ua.joined(room);
  const sent = [await ua.send(room), await ua.send(room), await ub.send(room)];
  await a.several("new_message", sent.length);
  a.forget();
  return { room, a, sent };
}

/** Who has read which row, oldest first. */
async function readers(dealer, room) {
  const rows = await dealer.messages(room);
  for (const { read_at, read_by } of rows) assert.equal(read_at === null, read_by === null);
  return rows.map(({ read_by }) => read_by);
}

function assertRead(event, room, reader) {
  assert.deepEqual(Object.keys(event).sort(), ["readAt", "roomId", "userId"]);
  assertHas(event, { roomId: room, userId: reader.id });
  assertIso(event.readAt);
}

describe("reading all", BUSY, () => {
  inBothModes(FULL, "G-11 reading marks what the other gallery wrote, and tells it once", async (market) => {
    const { ua, ub } = market;
    const { room, a } = await talk(market);
    assertDone(await ub.post(`/${room}/read`), ALL_READ);
    const event = await a.next("messages_read");
    assertRead(event, room, ub);
    await a.none();
    assert.deepEqual([await ub.unread(room), await ua.unread(room)], [0, 1]);
    assert.deepEqual(await readers(ua, room), [ub.id, ub.id, null]);
    for (const { read_at } of (await ua.messages(room)).slice(0, 2)) assert.equal(read_at, event.readAt);
  });

  inBothModes(STORES_ONLY, "the other gallery hears it without joining, the own one only in the room", async (market) => {
    const { ua, ua2, ub } = market;
    const { room } = await talk(market);
    const told = [await ua.connect(), await ua2.connect(), await ub.joined(room)];
    const outside = await ub.connect();
    assertDone(await ub.post(`/${room}/read`), ALL_READ);
    for (const client of told) {
      assertRead(await client.next("messages_read"), room, ub);
      await client.none();
    }
    await outside.none();
  });

  withTokens(DIALECTS_AND_STORES, "reading again changes nothing and is not told", async (market) => {
    const { ua, ub } = market;
    const { room, a } = await talk(market);
    assertDone(await ub.post(`/${room}/read`), ALL_READ);
    await a.next("messages_read");
    const before = await ua.messages(room);
    assertDone(await ub.post(`/${room}/read`), ALL_READ);
    assert.deepEqual(await ua.messages(room), before);
    await a.none();
  });

  withTokens(STORES_ONLY, "a colleague reads for the gallery, but not what the gallery wrote", async (market) => {
    const { ua, ua2, ub } = market;
    const { room } = await talk(market);
    assert.equal(await ua2.unread(room), 1);
    assertDone(await ua2.post(`/${room}/read`), ALL_READ);
    assert.deepEqual(await readers(ub, room), [null, null, ua2.id]);
    assert.deepEqual([await ua.unread(room), await ua2.unread(room), await ub.unread(room)], [0, 0, 2]);
    assertDone(await ua.post(`/${room}/read`), ALL_READ);
    assert.deepEqual(await readers(ub, room), [null, null, ua2.id]);
  });

  withTokens(STORES_ONLY, "what comes afterwards is unread", async (market) => {
    const { ua, ub } = market;
    const { room } = await talk(market);
    await ub.post(`/${room}/read`);
    await ua.send(room);
    assert.equal(await ub.unread(room), 1);
    assert.deepEqual(await readers(ua, room), [ub.id, ub.id, null, null]);
  });

  withTokens(STORES_ONLY, "an empty room can be read, in whatever form the call comes", async (market) => {
    const { ua, ub } = market;
    const room = await ua.roomWith(ub);
    const a = await ua.joined(room);
    assertDone(await ub.post(`/${room}/read`), ALL_READ);
    assertDone(await ub.post(`/${room}/read`, {}), ALL_READ);
    assertDone(await ub.call("POST", `/${room}/read`, undefined, { "content-type": "application/json" }), ALL_READ);
    await a.none();
  });
});

describe("reading one", BUSY, () => {
  inBothModes(DIALECTS_AND_STORES, "one message is marked and told once", async (market) => {
    const { ua, ub } = market;
    const { room, a, sent } = await talk(market);
    const b = await ub.joined(room);
    const path = `/${room}/messages/${sent[1].id}/read`;
    assertDone(await ub.put(path), ONE_READ);
    for (const client of [a, b]) assertRead(await client.next("messages_read"), room, ub);
    assert.deepEqual(await readers(ua, room), [null, ub.id, null]);
    assert.equal(await ub.unread(room), 1);
    const before = await ua.messages(room);
    assertDone(await ub.put(path), ONE_READ);
    assert.deepEqual(await ua.messages(room), before);
    for (const client of [a, b]) await client.none();
  });

  withTokens(STORES_ONLY, "a message of the own gallery is not marked", async (market) => {
    const { ua, ua2, ub } = market;
    const { room, a, sent } = await talk(market);
    for (const dealer of [ua, ua2]) assertDone(await dealer.put(`/${room}/messages/${sent[0].id}/read`), ONE_READ);
    assert.deepEqual(await readers(ub, room), [null, null, null]);
    await a.none();
  });

  withTokens(STORES_ONLY, "one after the other is as good as all", async (market) => {
    const { ua, ub } = market;
    const { room, a, sent } = await talk(market);
    for (const { id } of sent) assertDone(await ub.put(`/${room}/messages/${id}/read`), ONE_READ);
    assert.equal(await ub.unread(room), 0);
    await a.several("messages_read", 2);
    assertDone(await ub.post(`/${room}/read`), ALL_READ);
    await a.none();
    assert.deepEqual(await readers(ua, room), [ub.id, ub.id, null]);
  });

  withTokens(STORES_ONLY, "a message that is not in that room is not found", async (market) => {
    const { ua, ub } = market;
    const { room, sent } = await talk(market);
    const other = await ua.roomWith(ub);
    for (const path of [`/${other}/messages/${sent[0].id}`, `/${room}/messages/${UNKNOWN_UUID}`, `/${room}/messages/abc`]) {
      assertRefused(await ub.put(`${path}/read`), "NOT_FOUND", "Message not found");
    }
    assertRefused(await ub.put(`/nope/messages/${sent[0].id}/read`), "NOT_FOUND", "Room not found");
    assert.deepEqual(await readers(ua, room), [null, null, null]);
  });
});

describe("deleting", BUSY, () => {
  inBothModes(NO_SOCKET, "G-16 a deleted room is gone from the list until somebody writes again", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const first = await ua.send(room);
    assertDone(await ub.delete(`/${room}`), DELETED);
    for (const dealer of [ua, ub]) assert.equal(await dealer.listed(room), undefined);
    const deleted = await ua.find(room);
    assertOpened(deleted, { id: room, is_active: false });
    assert.deepEqual(deleted.messages.map(({ id }) => id), [first.id]);
    await ua.send(room);
    const item = await ub.listed(room);
    assertHas(item, { is_active: true, unread_count: 2 });
  });

  withTokens(STORES_ONLY, "deleting again is fine, and messages stay", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    await ua.send(room);
    for (const dealer of [ua, ua, ub]) assertDone(await dealer.delete(`/${room}`), DELETED);
    const { body } = await ub.get(`/${room}/messages`);
    assert.equal(body.pagination.total, 1);
    assertDone(await ub.post(`/${room}/read`), ALL_READ);
    assert.deepEqual(await readers(ua, room), [ub.id]);
  });

  withTokens(STORES_ONLY, "a file brings a deleted room back as well", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    await ua.delete(`/${room}`);
    await ub.post(`/${room}/upload`, { fileUrl: "https://minio.example/a.jpg", fileName: "a.jpg" });
    for (const dealer of [ua, ub]) assertHas(await dealer.listed(room), { is_active: true, last_message_preview: "File: a.jpg" });
  });

  withTokens(STORES_ONLY, "a message in a deleted room is heard like any other", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const b = await ub.connect();
    await ub.delete(`/${room}`);
    const message = await ua.send(room);
    assert.deepEqual(await b.next("new_message"), { roomId: room, message });
    await b.none();
  });
});
