// `POST /chats`: which two galleries, which room (contract: gallery, section 4.3).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { NO_SOCKET, STORES_ONLY, inBothModes, withTokens } from "../support/gallery.js";
import { assertInvalid, assertRoom, dataOf } from "../support/gallery_shapes.js";
import { BUSY } from "../support/matrix.js";
import { assertHas } from "../support/messages.js";

const VEHICLE = "4b0d5c5e-8f0e-4f1c-9a65-2f8f6f3f7a11";
const OFFER = "c56a4180-65aa-42ec-a945-5fd21dec0538";
const SAME = "Cannot create room with same gallery IDs";
const UNKNOWN = "Other gallery could not be determined";
const FOREIGN = "Current user gallery must be one of the room galleries";
const N_AT_ONCE = 10;

/** The store knows a vehicle of gallery B. */
function knowVehicle({ ub, directory }) {
  return directory.write("vehicle", VEHICLE, { galleryId: ub.gallery, brand: "BMW", model: "320i", basePrice: 850000 });
}

/** The store knows an offer: B sells, A buys. */
async function knowOffer({ ua, ub, directory }) {
  await directory.write("offer", OFFER, { vehicleId: VEHICLE, sellerGalleryId: ub.gallery, buyerGalleryId: ua.gallery });
}

describe("opening", BUSY, () => {
  inBothModes(NO_SOCKET, "G-14 asking for a vehicle again gives the same room, a third gallery its own", async (market) => {
    const { ua, ub, uc } = market;
    await knowVehicle(market);
    const fields = { roomType: "vehicle", vehicleId: VEHICLE };
    const first = await ua.open(fields);
    const expected = {
      room_type: "vehicle", vehicle_id: VEHICLE, offer_id: null, gallery_a_id: ua.gallery, gallery_b_id: ub.gallery,
      is_active: true, closed_at: null, last_message_at: null, last_message_preview: null,
    };
    assertRoom(first, expected);
    const second = await ua.open(fields);
    assertRoom(second, { ...expected, id: first.id, created_at: first.created_at });
    const other = await uc.open(fields);
    assertRoom(other, { ...expected, gallery_a_id: uc.gallery });
    assert.notEqual(other.id, first.id);
    assert.equal((await uc.list()).length, 1);
  });

  inBothModes(NO_SOCKET, "G-15 a room needs a known type, its subject, and two galleries", async ({ ua, ub }) => {
    assertInvalid(await ua.post("", { roomType: "zzz", otherGalleryId: ub.gallery }), "roomType");
    assertInvalid(await ua.post("", { roomType: "offer", otherGalleryId: ub.gallery }), "offerId");
    assertInvalid(await ua.post("", { roomType: "support", otherGalleryId: ua.gallery }), undefined, SAME);
    assertInvalid(await ua.post("", { roomType: "support" }), "otherGalleryId", UNKNOWN);
    assert.deepEqual(await ua.list(), []);
  });
});

describe("the two galleries", BUSY, () => {
  inBothModes(STORES_ONLY, "an offer names seller and buyer, whoever of them asks", async (market) => {
    const { ua, ub, uc } = market;
    await knowOffer(market);
    const fields = { roomType: "offer", offerId: OFFER };
    const room = await ua.open(fields);
    assertRoom(room, { room_type: "offer", offer_id: OFFER, gallery_a_id: ub.gallery, gallery_b_id: ua.gallery });
    assert.equal((await ub.open(fields)).id, room.id);
    assertInvalid(await uc.post("", fields), undefined, FOREIGN);
    assert.deepEqual(await uc.list(), []);
  });

  withTokens(STORES_ONLY, "the owner of a vehicle must say with whom", async (market) => {
    const { ua, ub } = market;
    await knowVehicle(market);
    const fields = { roomType: "vehicle", vehicleId: VEHICLE };
    assertInvalid(await ub.post("", fields), undefined, SAME);
    const room = await ua.open(fields);
    assert.equal((await ub.open({ ...fields, otherGalleryId: ua.gallery })).id, room.id);
  });

  withTokens(STORES_ONLY, "an offer of a gallery to itself is refused", async ({ ua, directory }) => {
    await directory.write("offer", OFFER, { vehicleId: VEHICLE, sellerGalleryId: ua.gallery, buyerGalleryId: ua.gallery });
    assertInvalid(await ua.post("", { roomType: "offer", offerId: OFFER }), undefined, SAME);
  });

  withTokens(STORES_ONLY, "offers and vehicles that nobody knows need the other gallery", async ({ ua, ub }) => {
    for (const [roomType, key] of [["offer", "offerId"], ["vehicle", "vehicleId"]]) {
      const fields = { roomType, [key]: "unknown" };
      assertInvalid(await ua.post("", fields), "otherGalleryId", UNKNOWN);
      const room = await ua.open({ ...fields, otherGalleryId: ub.gallery });
      assertHas(room, { gallery_a_id: ua.gallery, gallery_b_id: ub.gallery });
      assert.equal(room[key === "offerId" ? "offer_id" : "vehicle_id"], "unknown");
    }
    assert.equal((await ub.list()).length, 2);
  });

  withTokens(STORES_ONLY, "the gallery that is named counts before the directory", async (market) => {
    const { ua, ub, uc } = market;
    await knowVehicle(market);
    const fields = { roomType: "vehicle", vehicleId: VEHICLE };
    const named = await ua.open({ ...fields, otherGalleryId: uc.gallery });
    assertHas(named, { gallery_a_id: ua.gallery, gallery_b_id: uc.gallery });
    const found = await ua.open(fields);
    assertHas(found, { gallery_a_id: ua.gallery, gallery_b_id: ub.gallery });
    assert.notEqual(named.id, found.id);
  });

  withTokens(STORES_ONLY, "an offer room may name its vehicle as well", async (market) => {
    const { ua, ub } = market;
    await knowVehicle(market);
    const fields = { roomType: "offer", offerId: "o-1", vehicleId: VEHICLE, otherGalleryId: ub.gallery };
    assertRoom(await ua.open(fields), { offer_id: "o-1", vehicle_id: VEHICLE });
    assertHas((await ub.list())[0], { vehicle_title: "BMW 320i", vehicle_price: 850000 });
  });
});

describe("one room", BUSY, () => {
  for (const [roomType, key] of [["vehicle", "vehicleId"], ["offer", "offerId"]]) {
    withTokens(NO_SOCKET, `both sides asking at once for a room about one ${roomType} get one`, async ({ ua, ua2, ub }) => {
      const fields = { roomType, [key]: "x-1" };
      const asked = Array.from({ length: N_AT_ONCE }, (_, i) => {
        if (i % 2) return ub.open({ ...fields, otherGalleryId: ua.gallery });
        return (i % 4 ? ua2 : ua).open({ ...fields, otherGalleryId: ub.gallery });
      });
      const rooms = await Promise.all(asked);
      for (const room of rooms) assertRoom(room, { id: rooms[0].id, is_active: true });
      for (const dealer of [ua, ub]) assert.equal((await dealer.list()).length, 1);
    });
  }

  inBothModes(STORES_ONLY, "support rooms are never merged", async ({ ua, ub }) => {
    const rooms = await Promise.all([ua.roomWith(ub), ua.roomWith(ub), ub.roomWith(ua)]);
    assert.equal(new Set(rooms).size, rooms.length);
    assert.equal((await ub.list()).length, rooms.length);
  });

  withTokens(STORES_ONLY, "type, subject and galleries together make a room", async ({ ua, ub, uc }) => {
    const all = [
      await ua.open({ roomType: "vehicle", vehicleId: "x", otherGalleryId: ub.gallery }),
      await ua.open({ roomType: "vehicle", vehicleId: "y", otherGalleryId: ub.gallery }),
      await ua.open({ roomType: "vehicle", vehicleId: "x", otherGalleryId: uc.gallery }),
      await ua.open({ roomType: "offer", offerId: "x", otherGalleryId: ub.gallery }),
    ];
    assert.equal(new Set(all.map(({ id }) => id)).size, all.length);
  });

  inBothModes(STORES_ONLY, "asking again brings a deleted room back, with what was said in it", async ({ ua, ub }) => {
    const fields = { roomType: "vehicle", vehicleId: "x", otherGalleryId: ub.gallery };
    const { id } = await ua.open(fields);
    await ua.send(id);
    await ub.delete(`/${id}`);
    assertRoom(await ua.open(fields), { id, is_active: true, last_message_preview: "Merhaba" });
    for (const dealer of [ua, ub]) assert.equal((await dealer.listed(id)).is_active, true);
    assert.equal((await ub.messages(id)).length, 1);
  });

  withTokens(STORES_ONLY, "a room that exists is answered with its last message", async ({ ua, ub }) => {
    const fields = { roomType: "offer", offerId: "x", otherGalleryId: ub.gallery };
    const { id } = await ua.open(fields);
    await ub.send(id, { content: "son" });
    const answer = await ua.post("", fields);
    const { messages, ...room } = await ua.find(id);
    assert.deepEqual(dataOf(answer), room);
    assert.equal(messages.length, 1);
  });
});

describe("wrong fields", BUSY, () => {
  withTokens(NO_SOCKET, "each is named, and no room comes of it", async ({ ua, ub }) => {
    const good = { roomType: "offer", offerId: "o", vehicleId: "v", otherGalleryId: ub.gallery };
    const long = "x".repeat(129);
    const wrong = {
      roomType: [undefined, null, "", 5, {}, "Offer", "a\0b"],
      offerId: [undefined, "", {}, [], true, -1, 1.5, long, "a\0b"],
      vehicleId: [{}, [], true, long, "a\0b"],
      otherGalleryId: [{}, [], true, long, "a\0b"],
    };
    for (const [field, values] of Object.entries(wrong)) {
      for (const value of values) assertInvalid(await ua.post("", { ...good, [field]: value }), field);
    }
    assertInvalid(await ua.post("", { ...good, roomType: "vehicle", vehicleId: undefined }), "vehicleId");
    assertInvalid(await ua.post("", {}), "roomType");
    assert.deepEqual(await ua.list(), []);
  });

  withTokens(STORES_ONLY, "a number is an id as well", async ({ ua, ub }) => {
    const room = await ua.open({ roomType: "offer", offerId: 17, otherGalleryId: ub.gallery });
    assertRoom(room, { offer_id: "17" });
    assert.equal((await ua.open({ roomType: "offer", offerId: "17", otherGalleryId: ub.gallery })).id, room.id);
  });
});
