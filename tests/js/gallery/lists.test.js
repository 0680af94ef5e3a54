// The list of rooms, one room, and pages of messages (contract: gallery, sections 4.1, 4.2 and 4.4).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { NO_SOCKET, STORES_ONLY, inBothModes, withTokens } from "../support/gallery.js";
import { assertListed, assertNamedRow, assertOpened, dataOf } from "../support/gallery_shapes.js";
import { BUSY } from "../support/matrix.js";
import { assertHas } from "../support/messages.js";

const N_MESSAGES = 120;
const N_NEWEST = 50;
const MAX_LIMIT = 500;

/** One page: the contents of its rows and `pagination`. */
async function page(dealer, room, query = "") {
  const { status, body } = await dealer.get(`/${room}/messages${query}`);
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(Object.keys(body).sort(), ["data", "pagination", "success"]);
  assert.equal(body.success, true);
  assert.deepEqual(Object.keys(body.pagination).sort(), ["limit", "page", "total", "totalPages"]);
  for (const row of body.data) assertNamedRow(row, { room_id: room });
  return { contents: body.data.map(({ content }) => Number(content)), pagination: body.pagination };
}

/** Messages `from` to `to`, as they were numbered. */
function numbers(from, to) {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/** Messages 1 to `n`, from both sides. */
async function fill(room, n, dealers) {
  for (const number of numbers(1, n)) await dealers[number % dealers.length].send(room, { content: String(number) });
}

describe("pages", BUSY, () => {
  inBothModes(NO_SOCKET, "G-12 page 1 is the newest, inside a page the oldest comes first", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    await fill(room, N_MESSAGES, [ua, ub]);
    const total = { total: N_MESSAGES, totalPages: 3 };
    assert.deepEqual(await page(ua, room, "?page=1&limit=50"), {
      contents: numbers(71, 120), pagination: { page: 1, limit: 50, ...total },
    });
    assert.deepEqual(await page(ub, room, "?page=3&limit=50"), {
      contents: numbers(1, 20), pagination: { page: 3, limit: 50, ...total },
    });
    assert.deepEqual(await page(ua, room, "?page=9"), { contents: [], pagination: { page: 9, limit: 50, ...total } });
    assert.deepEqual((await ua.messages(room)).map(({ content }) => Number(content)), numbers(71, 120));
  });

  withTokens(STORES_ONLY, "pages put one in front of the other are the whole room", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    await fill(room, 11, [ua, ub]);
    let all = [];
    for (const number of [1, 2, 3]) all = [...(await page(ua, room, `?page=${number}&limit=4`)).contents, ...all];
    assert.deepEqual(all, numbers(1, 11));
    assert.deepEqual((await page(ua, room, "?limit=4")).pagination, { page: 1, limit: 4, total: 11, totalPages: 3 });
    assert.deepEqual((await page(ua, room, "?limit=11")).pagination, { page: 1, limit: 11, total: 11, totalPages: 1 });
  });

  withTokens(STORES_ONLY, "senseless numbers count as the default, large limits as the largest", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    await fill(room, 3, [ua, ub]);
    const used = async (query) => {
      const { contents, pagination } = await page(ua, room, query);
      assert.deepEqual(contents, pagination.page === 1 ? numbers(1, 3) : []);
      return [pagination.page, pagination.limit];
    };
    for (const value of ["", "0", "-1", "1.5", "x", "10abc", "null", "%20"]) {
      assert.deepEqual(await used(`?page=${value}`), [1, 50], `page=${value}`);
      assert.deepEqual(await used(`?limit=${value}`), [1, 50], `limit=${value}`);
    }
    for (const limit of [MAX_LIMIT, MAX_LIMIT + 1, 1_000_000]) assert.deepEqual(await used(`?limit=${limit}`), [1, MAX_LIMIT]);
    assert.deepEqual(await used("?page=2147483648"), [2147483648, 50]);
    assert.equal((await ua.get(`/${room}/messages?page=99999999999999999999`)).status, 200);
    assert.equal((await ua.get(`/${room}/messages?limit=99999999999999999999`)).status, 200);
  });

  withTokens(STORES_ONLY, "an empty room has an empty page", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    assert.deepEqual(await page(ua, room), { contents: [], pagination: { page: 1, limit: 50, total: 0, totalPages: 0 } });
  });
});

describe("one room", BUSY, () => {
  inBothModes(STORES_ONLY, "it comes with its newest fifty messages, the oldest first", async ({ ua, ua2, ub }) => {
    const room = await ua.roomWith(ub);
    await fill(room, N_NEWEST + 5, [ua, ub]);
    for (const dealer of [ua, ua2, ub]) {
      const found = await dealer.find(room);
      assertOpened(found, { id: room, room_type: "support", gallery_a_id: ua.gallery, gallery_b_id: ub.gallery });
      assert.deepEqual(found.messages.map(({ content }) => Number(content)), numbers(6, N_NEWEST + 5));
      assert.deepEqual(found.messages.map(({ seq }) => seq), numbers(6, N_NEWEST + 5));
    }
  });
});

describe("the list of rooms", BUSY, () => {
  inBothModes(NO_SOCKET, "names and vehicle come from the directory", async ({ ua, ub, directory }) => {
    await directory.write("gallery", ua.gallery, { name: "Galeri A" });
    await directory.write("gallery", ub.gallery, { name: "Öz Oto" });
    await directory.write("vehicle", "v-1", { galleryId: ub.gallery, brand: "BMW", model: "320i", basePrice: 850000.5 });
    const { id } = await ua.open({ roomType: "vehicle", vehicleId: "v-1" });
    for (const dealer of [ua, ub]) {
      assertListed(await dealer.listed(id), {
        room_type: "vehicle", vehicle_id: "v-1", offer_id: null, gallery_a_id: ua.gallery, gallery_b_id: ub.gallery,
        gallery_a_name: "Galeri A", gallery_b_name: "Öz Oto", vehicle_brand: "BMW", vehicle_model: "320i",
        vehicle_price: 850000.5, vehicle_title: "BMW 320i", last_message_at: null, last_message_preview: null,
        unread_count: 0, is_active: true,
      });
    }
  });

  withTokens(STORES_ONLY, "what the directory does not know is null", async ({ ua, ub }) => {
    const { id } = await ua.open({ roomType: "vehicle", vehicleId: "v-9", otherGalleryId: ub.gallery });
    assertListed(await ua.listed(id), {
      vehicle_id: "v-9", gallery_a_name: null, gallery_b_name: null, vehicle_brand: null, vehicle_model: null,
      vehicle_price: null, vehicle_title: null,
    });
  });

  inBothModes(STORES_ONLY, "the last to speak stands on top, silent rooms below, newest first", async ({ ua, ub, uc }) => {
    const opened = [() => ua.roomWith(ub), () => ua.roomWith(uc), () => ub.roomWith(ua), () => ua.roomWith(ub)];
    const rooms = [];
    for (const open of opened) rooms.push(await open());
    const [one, two, three, four] = rooms;
    await ub.send(three);
    await ua.send(one);
    assert.deepEqual((await ua.list()).map(({ id }) => id), [one, three, four, two]);
    assert.deepEqual((await ub.list()).map(({ id }) => id), [one, three, four]);
    assert.deepEqual((await uc.list()).map(({ id }) => id), [two]);
    await uc.send(two);
    assert.deepEqual((await ua.list()).map(({ id }) => id), [two, one, three, four]);
  });

  withTokens(STORES_ONLY, "each room has its own count, the same for all of a gallery", async ({ ua, ua2, ub }) => {
    const [one, two] = [await ua.roomWith(ub), await ua.roomWith(ub)];
    for (let i = 0; i < 3; i += 1) await ub.send(one);
    await ua2.send(one);
    await ub.post(`/${two}/upload`, { fileUrl: "https://minio.example/a.jpg", fileName: "a.jpg" });
    for (const dealer of [ua, ua2]) {
      const counts = (await dealer.list()).map((item) => [item.id, item.unread_count]);
      assert.deepEqual(Object.fromEntries(counts), { [one]: 3, [two]: 1 });
    }
    assertHas(await ub.listed(one), { unread_count: 1 });
    assertHas(await ub.listed(two), { unread_count: 0 });
  });

  withTokens(STORES_ONLY, "who has no room has an empty list", async ({ ua, ub, uc }) => {
    await ua.roomWith(ub);
    assert.deepEqual(dataOf(await uc.get()), []);
    assert.deepEqual(dataOf(await uc.get("?page=2&limit=1")), []);
  });
});
