// Who may do what (access.json): every operation of the dialect for everybody there is.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { matrixOf } from "../support/access.js";
import { DIALECTS_AND_STORES, STORES_ONLY, inDevelopment, withTokens } from "../support/gallery.js";
import { assertDone, assertInvalid, assertRefused, dataOf } from "../support/gallery_shapes.js";
import { BUSY } from "../support/matrix.js";
import { assertError } from "../support/messages.js";

/** The id of a token, in what the command says about it. */
const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/;
const FILE = { fileUrl: "https://minio.example/a.jpg", fileName: "a.jpg" };

/** How every call is tried, about a room of UA and UB and a message in it. */
const CALLS = {
  "GET {base}": (dealer) => dealer.get(),
  "POST {base}": (dealer, { ub }) => dealer.post("", { roomType: "vehicle", vehicleId: "v", otherGalleryId: ub.gallery }),
  "GET {base}/{room}": (dealer, { room }) => dealer.get(`/${room}`),
  "GET {base}/{room}/messages": (dealer, { room }) => dealer.get(`/${room}/messages`),
  "POST {base}/{room}/messages": (dealer, { room }) => dealer.post(`/${room}/messages`, { content: "x" }),
  "POST {base}/{room}/upload": (dealer, { room }) => dealer.post(`/${room}/upload`, FILE),
  "POST {base}/{room}/read": (dealer, { room }) => dealer.post(`/${room}/read`),
  "PUT {base}/{room}/messages/{message}/read": (dealer, { room, message }) => dealer.put(`/${room}/messages/${message}/read`),
  "DELETE {base}/{room}": (dealer, { room }) => dealer.delete(`/${room}`),
};
const WRITES = Object.keys(CALLS).filter((call) => !call.startsWith("GET") && call !== "POST {base}");

/** How every word is tried, about that room. */
const WORDS = {
  join_room: (client, { room }) => client.emitWithAck("join_room", room),
  typing_start: (client, { room }) => client.emitWithAck("typing_start", { roomId: room }),
  typing_stop: (client, { room }) => client.emitWithAck("typing_stop", { roomId: room }),
  leave_room: (client, { room }) => client.emitWithAck("leave_room", room),
};

/** The outcomes after which everything is as it was. */
const UNCHANGING = ["denied", "no gallery", "no user", "no token", "bad token"];
/** What each outcome of the matrix looks like. */
const CHECKS = {
  ok: dataOf,
  page: ({ status, body: { pagination, ...body } }) => dataOf({ status, body }),
  done: (answer) => assertDone(answer, answer.body.message),
  denied: (answer) => assertRefused(answer, "FORBIDDEN", "Access denied"),
  "no gallery": (answer) => assertInvalid(answer, undefined, "Gallery ID not found"),
  "no user": (answer) => assertInvalid(answer, undefined, "User information not found"),
  "no token": (answer) => assertRefused(answer, "UNAUTHORIZED", "No token provided"),
  "bad token": (answer) => assertRefused(answer, "UNAUTHORIZED", "Invalid token"),
  accepted: (ack) => assert.equal(ack.ok, true, JSON.stringify(ack)),
  forbidden: (ack) => assertError(ack, "FORBIDDEN"),
  "denied to join": (ack) => assertError(ack, "FORBIDDEN", "Access denied"),
  // Leaving where one cannot be does no harm.
  answered: (ack) => assert.equal(typeof ack.ok, "boolean", JSON.stringify(ack)),
};
const { columns: ACTORS, rows: MATRIX } = matrixOf("gallery");
const PARTIES = ["participant", "colleague"];
/** Those who can connect; in development nobody has a token. */
const CONNECTING = ACTORS.filter((actor) => MATRIX.join_room[actor] !== "refused");

/** Who each actor is; the other party of the room is UB. Former parties, and administrators, act for gallery C. */
const WHO = {
  participant: ({ ua }) => ua,
  colleague: ({ ua2 }) => ua2,
  stranger: ({ uc }) => uc,
  otherGallery: ({ uc }) => ("token" in uc.auth ? uc.claiming({ sub: "other-dealer" }) : uc.sending({ ...uc.headers, "x-user-id": "other-dealer" })),
  former: async ({ ua, uc, loner, directory }) => {
    const former = "token" in loner.auth ? loner.claiming({ sub: "former" }) : loner.sending({ "x-user-id": "former" });
    await directory.write("user", "former", { galleryId: ua.gallery });
    assert.ok(Array.isArray(await former.list()));
    await directory.write("user", "former", { galleryId: uc.gallery });
    return former;
  },
  admin: ({ uc }) => {
    return "token" in uc.auth ? uc.claiming({ role: "ADMIN" }) : uc.sending({ ...uc.headers, "x-user-role": "ADMIN" });
  },
  withoutGallery: ({ loner }) => loner,
  nobody: ({ ua }) => ua.sending({}),
  revoked: async ({ world, ua }) => {
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

async function checkCall(market, operation, actor) {
  const { ub } = market;
  const scene = await stage(market);
  const before = [await ub.find(scene.room), await ub.list()];
  const outcome = MATRIX[operation][actor];
  const answer = await CALLS[operation](await WHO[actor](market), scene);
  try {
    CHECKS[outcome](answer);
    if (UNCHANGING.includes(outcome)) assert.deepEqual([await ub.find(scene.room), await ub.list()], before);
  } catch (error) {
    error.message = `${operation}, ${actor}: ${error.message}`;
    throw error;
  }
}

describe("access", BUSY, () => {
  it("every row is tried, by every kind of caller", () => {
    assert.deepEqual(Object.keys(MATRIX).sort(), [...Object.keys(CALLS), ...Object.keys(WORDS)].sort());
    assert.deepEqual(Object.keys(WHO).sort(), [...ACTORS].sort());
  });

  for (const actor of ACTORS) {
    withTokens(DIALECTS_AND_STORES, `calls: ${actor}`, async (market) => {
      for (const operation of Object.keys(CALLS)) await checkCall(market, operation, actor);
    });
    if (!CONNECTING.includes(actor)) continue;
    inDevelopment(STORES_ONLY, `calls: ${actor}, in development`, async (market) => {
      for (const operation of Object.keys(CALLS)) await checkCall(market, operation, actor);
    });
  }

  withTokens(STORES_ONLY, "nobody hears of a call that was refused", async (market) => {
    const { ua, ub } = market;
    const scene = await stage(market);
    const clients = [await ua.joined(scene.room), await ub.joined(scene.room)];
    for (const actor of ACTORS.filter((actor) => !PARTIES.includes(actor))) {
      const dealer = await WHO[actor](market);
      for (const operation of WRITES) await CALLS[operation](dealer, scene);
    }
    for (const client of clients) await client.none();
  });

  for (const actor of CONNECTING) {
    withTokens(DIALECTS_AND_STORES, `words: ${actor}`, async (market) => {
      const scene = await stage(market);
      const watcher = await market.ub.joined(scene.room);
      const client = await (await WHO[actor](market)).connect();
      for (const word of Object.keys(WORDS)) CHECKS[MATRIX[word][actor]](await WORDS[word](client, scene));
      const isParty = PARTIES.includes(actor);
      if (isParty) await watcher.next("user_typing");
      await watcher.none("new_message");
      assert.equal(watcher.all("user_typing").length, isParty ? 1 : 0);
      assert.equal(watcher.all("user_stopped_typing").length, isParty ? 1 : 0);
    });
  }

  withTokens(STORES_ONLY, "words: without a token, or with one that was revoked, there is nobody to say them", async (market) => {
    await stage(market);
    const revoked = await WHO.revoked(market);
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
