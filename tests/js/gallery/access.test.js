// Who may do what: every operation of the dialect for everybody there is. An operation without a row fails.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { DIALECTS_AND_STORES, STORES_ONLY, inDevelopment, withTokens } from "../support/gallery.js";
import { assertDone, assertInvalid, assertRefused, dataOf } from "../support/gallery_shapes.js";
import { BUSY } from "../support/matrix.js";
import { assertError } from "../support/messages.js";

/** The id of a token, in what the command says about it. */
const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/;
const FILE = { fileUrl: "https://minio.example/a.jpg", fileName: "a.jpg" };

/** Every REST operation, about a room of UA and UB and a message in it. */
const CALLS = {
  "list rooms": (dealer) => dealer.get(),
  "open a room": (dealer, { ub }) => dealer.post("", { roomType: "vehicle", vehicleId: "v", otherGalleryId: ub.gallery }),
  "show a room": (dealer, { room }) => dealer.get(`/${room}`),
  "list messages": (dealer, { room }) => dealer.get(`/${room}/messages`),
  "send a message": (dealer, { room }) => dealer.post(`/${room}/messages`, { content: "x" }),
  "send a file": (dealer, { room }) => dealer.post(`/${room}/upload`, FILE),
  "read all": (dealer, { room }) => dealer.post(`/${room}/read`),
  "read one": (dealer, { room, message }) => dealer.put(`/${room}/messages/${message}/read`),
  "delete a room": (dealer, { room }) => dealer.delete(`/${room}`),
};

/** Every word of a socket, about that room. */
const WORDS = {
  join_room: (client, { room }) => client.emitWithAck("join_room", room),
  typing_start: (client, { room }) => client.emitWithAck("typing_start", { roomId: room }),
  typing_stop: (client, { room }) => client.emitWithAck("typing_stop", { roomId: room }),
  leave_room: (client, { room }) => client.emitWithAck("leave_room", room),
};

const ok = dataOf;
const page = ({ status, body: { pagination, ...body } }) => dataOf({ status, body });
const done = (answer) => assertDone(answer, answer.body.message);
const denied = (answer) => assertRefused(answer, "FORBIDDEN", "Access denied");
const noGallery = (answer) => assertInvalid(answer, undefined, "Gallery ID not found");
const noUser = (answer) => assertInvalid(answer, undefined, "User information not found");
const noToken = (answer) => assertRefused(answer, "UNAUTHORIZED", "No token provided");
const badToken = (answer) => assertRefused(answer, "UNAUTHORIZED", "Invalid token");

/** Those from "stranger" to "administrator" act for gallery C; who has no socket comes last. */
const ACTORS = [
  "party", "colleague", "stranger", "former party", "administrator", "without a gallery", "without a token", "revoked token",
];
const N_CONNECTING = 6;
const outcomes = (party, other, withoutGallery) => [
  party, party, other, other, other, withoutGallery, noToken, badToken,
];
const CALLS_OF_ACTORS = {
  "list rooms": outcomes(ok, ok, noGallery),
  "open a room": outcomes(ok, ok, noGallery),
  "show a room": outcomes(ok, denied, noGallery),
  "list messages": outcomes(page, denied, noGallery),
  "send a message": outcomes(ok, denied, noUser),
  "send a file": outcomes(ok, denied, noUser),
  "read all": outcomes(done, denied, noUser),
  "read one": outcomes(done, denied, noUser),
  "delete a room": outcomes(done, denied, noGallery),
};

const accepted = (ack) => assert.equal(ack.ok, true, JSON.stringify(ack));
const forbidden = (ack) => assertError(ack, "FORBIDDEN");
const forbiddenToJoin = (ack) => assertError(ack, "FORBIDDEN", "Access denied");
/** Leaving where one cannot be does no harm. */
const either = (ack) => assert.equal(typeof ack.ok, "boolean", JSON.stringify(ack));
const wordOutcomes = (party, other) => [party, party, other, other, other, other];
const WORDS_OF_ACTORS = {
  join_room: wordOutcomes(accepted, forbiddenToJoin),
  typing_start: wordOutcomes(accepted, forbidden),
  typing_stop: wordOutcomes(accepted, forbidden),
  leave_room: wordOutcomes(accepted, either),
};

/** Who each actor is; the other party of the room is UB. */
const WHO = {
  party: ({ ua }) => ua,
  colleague: ({ ua2 }) => ua2,
  stranger: ({ uc }) => uc,
  "former party": async ({ ua, uc, loner, directory }) => {
    const former = "token" in loner.auth ? loner.claiming({ sub: "former" }) : loner.sending({ "x-user-id": "former" });
    await directory.write("user", "former", { galleryId: ua.gallery });
    assert.ok(Array.isArray(await former.list()));
    await directory.write("user", "former", { galleryId: uc.gallery });
    return former;
  },
  administrator: ({ uc }) => {
    return "token" in uc.auth ? uc.claiming({ role: "ADMIN" }) : uc.sending({ ...uc.headers, "x-user-role": "ADMIN" });
  },
  "without a gallery": ({ loner }) => loner,
  "without a token": ({ ua }) => ua.sending({}),
  "revoked token": async ({ world, ua }) => {
    const { stdout, stderr } = await world.server.command("token", "create", "--user", ua.id);
    await world.server.command("token", "revoke", UUID.exec(stderr)[0]);
    return ua.sending({ authorization: `Bearer ${stdout.trim()}` });
  },
};

/** A room with a message of UB. */
async function stage({ ua, ub }) {
  const room = await ua.roomWith(ub);
  return { ub, room, message: (await ub.send(room)).id };
}

async function checkCall(market, operation, i) {
  const { ub } = market;
  const scene = await stage(market);
  const before = [await ub.find(scene.room), await ub.list()];
  const check = CALLS_OF_ACTORS[operation][i];
  const answer = await CALLS[operation](await WHO[ACTORS[i]](market), scene);
  try {
    check(answer);
    if (![ok, page, done].includes(check)) assert.deepEqual([await ub.find(scene.room), await ub.list()], before);
  } catch (error) {
    error.message = `${operation}, ${ACTORS[i]}: ${error.message}`;
    throw error;
  }
}

describe("access", BUSY, () => {
  for (const [i, actor] of ACTORS.entries()) {
    withTokens(DIALECTS_AND_STORES, `calls: ${actor}`, async (market) => {
      assert.deepEqual(Object.keys(CALLS_OF_ACTORS), Object.keys(CALLS));
      for (const operation of Object.keys(CALLS)) await checkCall(market, operation, i);
    });
    if (i >= N_CONNECTING) continue; // in development nobody has a token
    inDevelopment(STORES_ONLY, `calls: ${actor}, in development`, async (market) => {
      for (const operation of Object.keys(CALLS)) await checkCall(market, operation, i);
    });
  }

  withTokens(STORES_ONLY, "nobody hears of a call that was refused", async (market) => {
    const { ua, ub } = market;
    const scene = await stage(market);
    const clients = [await ua.joined(scene.room), await ub.joined(scene.room)];
    for (const actor of ACTORS.slice(2)) {
      const dealer = await WHO[actor](market);
      for (const operation of ["send a message", "send a file", "read all", "read one", "delete a room"]) {
        await CALLS[operation](dealer, scene);
      }
    }
    for (const client of clients) await client.none();
  });

  for (const [i, actor] of ACTORS.slice(0, N_CONNECTING).entries()) {
    withTokens(DIALECTS_AND_STORES, `words: ${actor}`, async (market) => {
      assert.deepEqual(Object.keys(WORDS_OF_ACTORS), Object.keys(WORDS));
      const scene = await stage(market);
      const watcher = await market.ub.joined(scene.room);
      const client = await (await WHO[actor](market)).connect();
      for (const word of Object.keys(WORDS)) WORDS_OF_ACTORS[word][i](await WORDS[word](client, scene));
      const isParty = i < 2;
      if (isParty) await watcher.next("user_typing");
      await watcher.none("new_message");
      assert.equal(watcher.all("user_typing").length, isParty ? 1 : 0);
      assert.equal(watcher.all("user_stopped_typing").length, isParty ? 1 : 0);
    });
  }

  withTokens(STORES_ONLY, "words: without a token, or with one that was revoked, there is nobody to say them", async (market) => {
    await stage(market);
    const revoked = await WHO["revoked token"](market);
    for (const options of [{}, { extraHeaders: revoked.headers }]) {
      assert.equal((await market.world.refused(options)).message, "Authentication error");
    }
  });

  withTokens(STORES_ONLY, "strangers hear no message, typing or read mark of a room", async (market) => {
    const { ua, ub, uc, loner } = market;
    const { room } = await stage(market);
    const strangers = [await uc.connect(), await loner.connect()];
    for (const client of strangers) await client.emitWithAck("join_room", room);
    for (const client of strangers) client.forget();
    const a = await ua.joined(room);
    await a.ask("typing_start", room);
    await ua.send(room);
    await ub.post(`/${room}/read`);
    await ub.delete(`/${room}`);
    await a.next("messages_read");
    for (const client of strangers) await client.none();
  });

  withTokens(STORES_ONLY, "the list of a gallery holds its own rooms only", async ({ ua, ub, uc }) => {
    const [shared, other] = [await ua.roomWith(ub), await ub.roomWith(uc)];
    const ids = async (dealer) => (await dealer.list()).map(({ id }) => id).sort();
    assert.deepEqual(await ids(ua), [shared]);
    assert.deepEqual(await ids(uc), [other]);
    assert.deepEqual(await ids(ub), [shared, other].sort());
  });
});
