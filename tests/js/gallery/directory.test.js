// The directory that rooms refer to, and who may write it (contract: native, section 4; gallery, section 6).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { DIALECTS_AND_STORES, STORES_ONLY, inBothModes, inDevelopment, withTokens } from "../support/gallery.js";
import { BUSY } from "../support/matrix.js";
import { assertHas } from "../support/messages.js";
import { OTHER_SECRET, token } from "../support/token.js";

const ERROR_KEYS = ["code", "details", "message", "requestId", "retryAfterMs"];
/** The stock client waits a second and a half at most before it tries. */
const RECONNECT_MS = 5_000;
const ENTRIES = [
  ["gallery", "g-1", { name: "Galeri" }],
  ["vehicle", "v-1", { galleryId: "g-1", brand: "BMW", model: "320i", basePrice: 1 }],
  ["offer", "o-1", { vehicleId: "v-1", sellerGalleryId: "g-1", buyerGalleryId: "g-2" }],
  ["user", "u-1", { name: "Ayşe Yılmaz", avatarUrl: "https://example.com/a.png", galleryId: "g-1" }],
];

/** An error in the shape of `native`: nothing beside `error`. */
function assertNativeError({ status, body }, expectedStatus, code) {
  assert.equal(status, expectedStatus, JSON.stringify(body));
  assert.deepEqual(Object.keys(body), ["error"]);
  assert.equal(body.error.code, code);
  assert.equal(typeof body.error.message, "string");
  for (const key of Object.keys(body.error)) assert.ok(ERROR_KEYS.includes(key), key);
}

describe("directory", BUSY, () => {
  inBothModes(STORES_ONLY, "all four kinds are written, and written again", async ({ directory }) => {
    for (const [kind, id, fields] of ENTRIES) {
      await directory.write(kind, id, fields);
      await directory.write(kind, id, fields);
    }
    await directory.write("gallery", "a b/ç", { name: "an id is any text" });
  });

  withTokens(DIALECTS_AND_STORES, "who is no administrator writes nothing", async ({ world, ua, ub }) => {
    const room = await ua.roomWith(ub);
    const put = (rest, [kind, id, fields]) => rest.put(`/api/v1/directory/${kind}/${id}`, fields);
    const own = ["gallery", ua.gallery, { name: "mine" }];
    const refusals = [
      [world.rest, 401, "UNAUTHENTICATED"],
      [world.rest.bearer("x"), 401, "UNAUTHENTICATED"],
      [world.rest.bearer(token("admin", { role: "ADMIN" }, OTHER_SECRET)), 401, "UNAUTHENTICATED"],
      [world.rest.as({ "x-user-id": "admin", "x-user-role": "ADMIN" }), 401, "UNAUTHENTICATED"],
      [ua.rest, 403, "FORBIDDEN"],
      [ua.rest.as({ "x-user-role": "ADMIN" }), 403, "FORBIDDEN"],
      [world.rest.bearer(token("m", { role: "MODERATOR" })), 403, "FORBIDDEN"],
      [world.rest.bearer(token("m", { role: "MEMBER" })), 403, "FORBIDDEN"],
    ];
    for (const [rest, status, code] of refusals) {
      for (const entry of [own, ...ENTRIES]) assertNativeError(await put(rest, entry), status, code);
    }
    assert.equal((await ua.listed(room)).gallery_a_name, null);
  });

  inDevelopment(DIALECTS_AND_STORES, "in development anybody writes", async ({ world, uc }) => {
    for (const rest of [world.rest, uc.rest]) {
      const { status, body } = await rest.put("/api/v1/directory/gallery/g-1", { name: "Galeri" });
      assert.equal(status, 200, JSON.stringify(body));
      assertHas(body, { kind: "gallery", id: "g-1" });
    }
  });

  withTokens(STORES_ONLY, "what makes no sense is refused", async ({ directory }) => {
    const wrong = [
      ["gallery", "g", "{bad"],
      ["gallery", "g", { name: { nested: true } }],
      ["gallery", "g", { name: "a\0b" }],
      ["gallery", "x".repeat(129), { name: "x" }],
      ["vehicle", "v", { galleryId: {}, brand: "BMW", model: "320i" }],
      ["vehicle", "v", { galleryId: "g", brand: 5, model: "320i" }],
      ["vehicle", "v", { galleryId: "g", brand: "BMW", model: "320i", basePrice: "expensive" }],
      ["offer", "o", { vehicleId: "v", sellerGalleryId: [], buyerGalleryId: "g" }],
      ["user", "u", { name: 5, galleryId: "g" }],
      ["user", "u", { name: "x", galleryId: {} }],
    ];
    for (const [kind, id, fields] of wrong) assertNativeError(await directory.put(kind, id, fields), 400, "INVALID_PAYLOAD");
    const unknown = await directory.put("spaceship", "s", { name: "x" });
    assert.ok([400, 404].includes(unknown.status), JSON.stringify(unknown.body));
    assert.deepEqual(Object.keys(unknown.body), ["error"]);
  });

  inBothModes(STORES_ONLY, "a change is seen at the next call", async ({ ua, ub, directory }) => {
    const fields = { galleryId: ub.gallery, brand: "BMW", model: "320i", basePrice: 850000 };
    await directory.write("vehicle", "v-1", fields);
    const { id } = await ua.open({ roomType: "vehicle", vehicleId: "v-1" });
    await directory.write("vehicle", "v-1", { ...fields, model: "520d", basePrice: 1250000.25 });
    await directory.write("gallery", ub.gallery, { name: "before" });
    await directory.write("gallery", ub.gallery, { name: "after" });
    assertHas(await ua.listed(id), { vehicle_title: "BMW 520d", vehicle_price: 1250000.25, gallery_b_name: "after" });
  });

  withTokens(STORES_ONLY, "a new owner of a vehicle is asked from then on", async ({ ua, ub, uc, directory }) => {
    const fields = { galleryId: ub.gallery, brand: "BMW", model: "320i", basePrice: 850000 };
    await directory.write("vehicle", "v-1", fields);
    const first = await ua.open({ roomType: "vehicle", vehicleId: "v-1" });
    await directory.write("vehicle", "v-1", { ...fields, galleryId: uc.gallery });
    const second = await ua.open({ roomType: "vehicle", vehicleId: "v-1" });
    assertHas(second, { gallery_a_id: ua.gallery, gallery_b_id: uc.gallery });
    assert.notEqual(second.id, first.id);
    assert.equal((await ub.list()).length, 1);
  });

  withTokens(DIALECTS_AND_STORES, "a user who is moved hears the new gallery from then on, and the old one no more", async (market) => {
    const { ua, ub, uc, loner, directory } = market;
    const moveTo = ({ gallery }) => directory.write("user", loner.id, { name: "Can", galleryId: gallery });
    const client = await loner.connect(); // belongs to nobody yet
    await moveTo(ua);
    const [first, second] = [await ua.roomWith(ub), await uc.roomWith(ub)];
    await ub.send(first);
    assert.equal((await client.next("new_message")).roomId, first);
    await client.ask("join_room", first);
    await moveTo(uc);
    await client.next("(disconnect)");
    await client.next("(reconnect)", RECONNECT_MS);
    await client.ask("leave_room", first); // answered once it is connected
    client.forget();
    await ub.send(first);
    await ub.send(second);
    assert.equal((await client.next("new_message")).roomId, second);
    await client.none();
    assert.deepEqual((await loner.list()).map(({ id }) => id), [second]);
  });

  withTokens(STORES_ONLY, "whichever dialect a socket speaks, it leaves the old rooms", async ({ world, ua, ub, uc, loner, directory }) => {
    const moveTo = ({ gallery }) => directory.write("user", loner.id, { galleryId: gallery });
    await moveTo(ua);
    const room = await ua.roomWith(ub);
    const clients = [];
    for (const dialect of ["messaging", "native"]) {
      const client = await world.connect({ auth: { ...loner.auth, dialect } });
      if (dialect === "messaging") await client.ask("join_conversation", room);
      client.forget();
      clients.push(client);
    }
    await ub.send(room);
    for (const client of clients) await client.next("new_message");
    await moveTo(ua); // where the user is already: nobody has to go
    for (const client of clients) await client.none("(disconnect)");
    await moveTo(uc);
    for (const client of clients) await client.next("(disconnect)");
    for (const client of clients) await client.next("(reconnect)", RECONNECT_MS);
    for (const client of clients) client.forget();
    const [messaging] = clients;
    assert.equal((await messaging.emitWithAck("join_conversation", room)).ok, false);
    await ub.send(room);
    for (const client of clients) await client.none("new_message");
  });

  withTokens(STORES_ONLY, "the gallery of a token counts before the one of the store", async ({ ua, ub, uc, directory }) => {
    await directory.write("user", ua.id, { name: "Ayşe Yılmaz", galleryId: uc.gallery });
    const room = await ua.roomWith(ub);
    assertHas(await ub.listed(room), { gallery_a_id: ua.gallery });
    const client = await ua.connect();
    const other = await ub.roomWith(uc);
    await ub.send(other);
    await client.none();
    await ub.send(room);
    await client.next("new_message");
  });
});
