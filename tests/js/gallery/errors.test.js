// What is refused, in which shape and with which words (contract: gallery, section 4, "Statuses").

import assert from "node:assert/strict";
import { describe } from "node:test";
import { MAX_TEXT_BYTES } from "../support/answers.js";
import {
  BASES, DIALECTS_AND_STORES, NO_SOCKET, STORES_ONLY, UNKNOWN_UUID, inBothModes, withTokens,
} from "../support/gallery.js";
import { assertInvalid, assertRefused, dataOf, errorOf } from "../support/gallery_shapes.js";
import { BUSY } from "../support/matrix.js";
import { HOUR_S, OTHER_SECRET, now, token, unsignedToken } from "../support/token.js";

const FILE = { fileUrl: "https://minio.example/a.jpg", fileName: "a.jpg" };

/** Every call, about that room and that message. */
function everyCall(dealer, room = UNKNOWN_UUID, message = UNKNOWN_UUID) {
  return Promise.all([
    dealer.get(),
    dealer.post("", { roomType: "support", otherGalleryId: dealer.gallery }),
    ...startOnRoom(dealer, room, message),
  ]);
}

/** Every call that names a room. */
function callsOnRoom(dealer, room, message) {
  return Promise.all(startOnRoom(dealer, room, message));
}

function startOnRoom(dealer, room, message) {
  return [
    dealer.get(`/${room}`),
    dealer.get(`/${room}/messages`),
    dealer.post(`/${room}/messages`, { content: "x" }),
    dealer.post(`/${room}/upload`, FILE),
    dealer.post(`/${room}/read`),
    dealer.put(`/${room}/messages/${message}/read`),
    dealer.delete(`/${room}`),
  ];
}

describe("rooms of others", BUSY, () => {
  inBothModes(NO_SOCKET, "G-13 an unknown room is 404 in any form of id, a room of others 403", async ({ ua, ub, uc }) => {
    const room = await ua.roomWith(ub);
    for (const id of [UNKNOWN_UUID, "abc"]) assertRefused(await ua.get(`/${id}`), "NOT_FOUND", "Room not found");
    assertRefused(await uc.get(`/${room}`), "FORBIDDEN", "Access denied");
  });

  withTokens(STORES_ONLY, "so it is for every call on a room", async ({ ua, ub, uc }) => {
    const room = await ua.roomWith(ub);
    const { id } = await ua.send(room);
    const before = await ua.find(room);
    for (const answer of await callsOnRoom(uc, room, id)) assertRefused(answer, "FORBIDDEN", "Access denied");
    assert.deepEqual(await ua.find(room), before);
    const ids = ["0", "-1", "1e9", "null", "%20", "a%00b", "a%2Fb", "%F0%9F%9A%97", "..%2F..", "'--"];
    for (const unknown of [UNKNOWN_UUID, `${room}x`, ...ids, "x".repeat(129), "x".repeat(2000)]) {
      for (const answer of await callsOnRoom(ua, unknown, id)) assertRefused(answer, "NOT_FOUND", "Room not found");
    }
  });
});

describe("who calls", BUSY, () => {
  withTokens(NO_SOCKET, "G-17 without a valid token nothing is answered", async ({ ua }) => {
    const cases = [
      [{}, "No token provided"],
      [{ authorization: "Bearer x" }, "Invalid token"],
      [{ authorization: `Bearer ${ua.expiredToken()}` }, "Token expired"],
    ];
    for (const [headers, message] of cases) {
      for (const answer of await everyCall(ua.sending(headers))) assertRefused(answer, "UNAUTHORIZED", message);
    }
  });

  withTokens(STORES_ONLY, "the same under all addresses", async ({ ua }) => {
    for (const base of BASES) {
      for (const answer of await everyCall(ua.at(base).sending({}))) assertRefused(answer, "UNAUTHORIZED", "No token provided");
    }
  });

  withTokens(STORES_ONLY, "a token that proves nothing is invalid, also if it has expired besides", async ({ ua }) => {
    const stolen = (claims) => token(ua.id, { gallery_id: ua.gallery, ...claims }, OTHER_SECRET);
    const texts = [
      stolen({}), stolen({ exp: now() - HOUR_S }), unsignedToken(ua.id), ua.token({ nbf: now() + HOUR_S }),
      ua.token({ exp: undefined }), ua.token({ sub: undefined }), "a.b.c",
    ];
    for (const text of texts) {
      assertRefused(await ua.sending({ authorization: `Bearer ${text}` }).get(), "UNAUTHORIZED", "Invalid token");
    }
  });

  withTokens(STORES_ONLY, "headers are no identity", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const headers = { "x-user-id": ua.id, "x-gallery-id": ua.gallery, "x-user-role": "ADMIN" };
    assertRefused(await ua.sending(headers).get(), "UNAUTHORIZED", "No token provided");
    const forged = await ub.sending({ ...ub.headers, "x-user-id": ua.id }).post(`/${room}/messages`, { content: "forged" });
    assert.ok(forged.status === 403 || forged.body.data.sender_id === ub.id, JSON.stringify(forged.body));
    assert.equal((await ua.messages(room)).some(({ sender_id }) => sender_id === ua.id), false);
  });

  withTokens(NO_SOCKET, "G-24 another gallery in the header is refused", async ({ ua, uc }) => {
    const dealer = ua.sending({ ...ua.headers, "x-gallery-id": uc.gallery });
    assertRefused(await dealer.get(), "FORBIDDEN", "Access denied");
    for (const answer of await everyCall(dealer)) assertRefused(answer, "FORBIDDEN", "Access denied");
    assert.deepEqual(dataOf(await ua.sending({ ...ua.headers, "x-gallery-id": ua.gallery }).get()), []);
  });

  withTokens(DIALECTS_AND_STORES, "the header counts for a token without gallery if the store says the same", async (market) => {
    const { ua, ub, loner, directory } = market;
    const room = await ua.roomWith(ub);
    await directory.write("user", ua.id, { name: "Ayşe Yılmaz", galleryId: ua.gallery });
    const authorization = `Bearer ${ua.token({ gallery_id: undefined })}`;
    for (const headers of [{ authorization }, { authorization, "x-gallery-id": ua.gallery }]) {
      assert.deepEqual((await ua.sending(headers).list()).map(({ id }) => id), [room]);
    }
    const other = await ua.sending({ authorization, "x-gallery-id": ub.gallery }).get(`/${room}`);
    assert.ok(other.status !== 200 || other.body.data.gallery_a_id === ua.gallery);
    const claimed = await loner.sending({ ...loner.headers, "x-gallery-id": ua.gallery }).get();
    assert.ok([403, 422].includes(claimed.status), JSON.stringify(claimed.body));
    errorOf(claimed, claimed.body.error.code);
  });
});

describe("bodies", BUSY, () => {
  inBothModes(NO_SOCKET, "G-18 what is no JSON is 400", async ({ ua, ub }) => {
    assertRefused(await ua.post("", "{bad"), "BAD_REQUEST", "Invalid JSON");
    const room = await ua.roomWith(ub);
    for (const text of ["{bad", "[1", '{"content":"x",}', "content=x", "\u0000"]) {
      for (const path of ["", `/${room}/messages`, `/${room}/upload`]) {
        assertRefused(await ua.post(path, text), "BAD_REQUEST", "Invalid JSON");
      }
    }
    assert.deepEqual(await ua.messages(room), []);
  });

  withTokens(STORES_ONLY, "JSON that is no object is no fault of ours", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    for (const body of [null, [], [{}], 5, true, '"text"']) {
      for (const path of ["", `/${room}/messages`, `/${room}/upload`]) {
        const answer = await ua.post(path, body);
        assert.ok([400, 422].includes(answer.status), `${path} ${JSON.stringify(body)}: ${answer.status}`);
        errorOf(answer, answer.body.error.code);
      }
    }
    assert.deepEqual(await ua.messages(room), []);
  });

  withTokens(DIALECTS_AND_STORES, "a wrong field of a message is named", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const wrong = {
      content: [undefined, null, "", 5, {}, [], true, "a\0b"],
      messageType: ["bogus", "", "TEXT", 5, {}, "a\0b"],
      metadata: [5, "x", [], true, { text: "a\0b" }, { "a\0b": 1 }, { deep: [{ text: "\0" }] }],
      clientMessageId: ["x".repeat(129), "a\0b"],
    };
    for (const [field, values] of Object.entries(wrong)) {
      for (const value of values) {
        const fields = { content: "x", [field]: value };
        assertInvalid(await ua.post(`/${room}/messages`, fields), field);
      }
    }
    assertInvalid(await ua.post(`/${room}/messages`, { content: 5, messageType: "system" }), "content");
    assert.deepEqual(await ua.messages(room), []);
  });

  inBothModes(STORES_ONLY, "text may have 65,536 bytes, a body 1,000,000", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const longest = "ü".repeat(MAX_TEXT_BYTES / 2);
    assert.equal((await ua.send(room, { content: longest })).content, longest);
    for (const content of [`${longest}x`, "x".repeat(MAX_TEXT_BYTES + 1), "x".repeat(1_100_000)]) {
      errorOf(await ua.post(`/${room}/messages`, { content }), "PAYLOAD_TOO_LARGE");
    }
    errorOf(await ua.post("", { roomType: "support", padding: "x".repeat(1_100_000) }), "PAYLOAD_TOO_LARGE");
    assert.equal((await ua.messages(room)).length, 1);
  });
});

describe("paths and methods", BUSY, () => {
  withTokens(DIALECTS_AND_STORES, "unknown paths are 404", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const { id } = await ua.send(room);
    for (const base of BASES) {
      for (const path of [`/${room}/nope`, `/${room}/messages/${id}`, `/${room}/messages/${id}/nope`, `/${room}/read/all`]) {
        assertRefused(await ua.at(base).get(path), "NOT_FOUND", "Not Found");
      }
    }
  });

  withTokens(DIALECTS_AND_STORES, "wrong methods are 405 and say which would do", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const { id } = await ua.send(room);
    const wrong = [
      ["PUT", "", ["GET", "POST"]],
      ["DELETE", "", ["GET", "POST"]],
      ["PATCH", `/${room}`, ["GET", "DELETE"]],
      ["POST", `/${room}`, ["GET", "DELETE"]],
      ["PUT", `/${room}/messages`, ["GET", "POST"]],
      ["GET", `/${room}/upload`, ["POST"]],
      ["GET", `/${room}/read`, ["POST"]],
      ["POST", `/${room}/messages/${id}/read`, ["PUT"]],
    ];
    for (const base of BASES) {
      for (const [method, path, allowed] of wrong) {
        const answer = await ua.at(base).call(method, path);
        assertRefused(answer, "METHOD_NOT_ALLOWED");
        const said = (answer.headers.get("allow") ?? "").split(/\s*,\s*/);
        for (const name of allowed) assert.ok(said.includes(name), `${method} ${path}: Allow is ${said}`);
        assert.equal(said.includes(method), false, `${method} ${path}: Allow is ${said}`);
      }
    }
    assert.equal((await ua.messages(room)).length, 1);
  });
});
