// Who comes in, and what a dealer hears who has only connected (contract: gallery, section 1; README, section 3).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { AUTO, DIALECTS_AND_STORES, FULL, STORES_ONLY, inBothModes, inDevelopment, withTokens } from "../support/gallery.js";
import { BUSY } from "../support/matrix.js";
import { assertError } from "../support/messages.js";
import { HOUR_S, OTHER_SECRET, now, token, unsignedToken } from "../support/token.js";

const REFUSED = "Authentication error";

function assertRefusal(error) {
  assert.equal(error.message, REFUSED);
  assert.equal(error.data, undefined);
}

/** The socket is in the room of its gallery: it hears what UA writes in a room of both, once. */
async function assertHearsAsUb(client, { ua, ub }) {
  const room = await ua.roomWith(ub);
  const message = await ua.send(room);
  assert.deepEqual(await client.next("new_message"), { roomId: room, message });
  await client.none();
}

describe("handshake", BUSY, () => {
  withTokens(FULL, "G-01 without a valid token nobody comes in", async ({ world, ua }) => {
    for (const auth of [{}, { token: "x" }, { token: ua.expiredToken() }]) {
      assertRefusal(await world.refused({ auth }));
    }
  });

  withTokens(FULL, "G-02 a token in the Authorization header is enough, and nothing is said at connect", async (market) => {
    const b = await market.world.connect({ extraHeaders: { authorization: `Bearer ${market.ub.token()}` } });
    await b.none();
    await assertHearsAsUb(b, market);
  });

  withTokens(FULL, "G-19 a token without a gallery acts for the gallery that the store knows", async ({ ua, ub, directory }) => {
    await directory.write("gallery", ua.gallery, { name: "Galeri A" });
    await directory.write("user", ua.id, { name: "Ayşe Yılmaz", galleryId: ua.gallery });
    const user = ua.claiming({ gallery_id: undefined });
    const a = await user.connect();
    const room = await ub.roomWith(ua);
    const message = await ub.send(room);
    assert.deepEqual(await a.next("new_message"), { roomId: room, message });
    await a.none();
    assert.equal((await user.listed(room)).unread_count, 1);
    await a.ask("join_room", room);
    assert.equal((await user.send(room)).sender_id, ua.id);
  });

  inBothModes(AUTO, "G-23 a dealer who has not emitted anything hears a message", async (market) => {
    await assertHearsAsUb(await market.ub.connect(), market);
  });

  inDevelopment(AUTO, "G-23 a dealer whom nobody has to believe hears it in an undecided dialect", async (market) => {
    const { world, ub } = market;
    await assertHearsAsUb(await world.connect({ auth: { token: ub.token() } }), market);
    await assertHearsAsUb(await world.connect({ auth: { userId: ub.id, galleryId: ub.gallery } }), market);
  });
});

describe("tokens", BUSY, () => {
  const bad = {
    "an asserted identity": ({ ua }) => ({ auth: { userId: ua.id, galleryId: ua.gallery } }),
    "an empty token": () => ({ auth: { token: "" } }),
    "a token that is no text": ({ ua }) => ({ auth: { token: { sub: ua.id, gallery_id: ua.gallery } } }),
    "a token of another key": ({ ua }) => ({ auth: { token: token(ua.id, { gallery_id: ua.gallery }, OTHER_SECRET) } }),
    "a token without signature": ({ ua }) => ({ auth: { token: unsignedToken(ua.id) } }),
    "a token of tomorrow": ({ ua }) => ({ auth: { token: ua.token({ nbf: now() + HOUR_S }) } }),
    "a token without a user": ({ ua }) => ({ auth: { token: ua.token({ sub: undefined }) } }),
    "a bad Authorization header": () => ({ extraHeaders: { authorization: "Bearer x" } }),
  };
  for (const [what, optionsOf] of Object.entries(bad)) {
    withTokens(STORES_ONLY, `${what} is refused`, async (market) => {
      assertRefusal(await market.world.refused(optionsOf(market)));
    });
  }

  const good = {
    "auth.token": (text) => ({ auth: { token: text } }),
    "auth.token with Bearer": (text) => ({ auth: { token: `Bearer ${text}` } }),
    "the Authorization header without Bearer": (text) => ({ extraHeaders: { authorization: text } }),
  };
  for (const [where, options] of Object.entries(good)) {
    withTokens(STORES_ONLY, `${where} says who connects`, async (market) => {
      await assertHearsAsUb(await market.world.connect(options(market.ub.token())), market);
    });
  }

  const claims = {
    userId: ({ id }) => ({ sub: undefined, userId: id }),
    id: ({ id }) => ({ sub: undefined, id }),
    galleryId: ({ gallery }) => ({ gallery_id: undefined, galleryId: gallery }),
    "role, permissions and jti": () => ({ role: "seller", permissions: ["chat"], jti: "j-1" }),
  };
  for (const [names, changes] of Object.entries(claims)) {
    withTokens(DIALECTS_AND_STORES, `a token with the claim ${names} is as good, for sockets and for calls`, async (market) => {
      const ub = market.ub.claiming(changes(market.ub));
      await assertHearsAsUb(await ub.connect(), market);
      const room = await ub.roomWith(market.ua);
      assert.equal((await ub.send(room)).sender_id, ub.id);
    });
  }
});

describe("galleries", BUSY, () => {
  withTokens(DIALECTS_AND_STORES, "a user without a gallery connects and enters no room", async ({ ua, ub, loner }) => {
    const client = await loner.connect();
    const room = await ua.roomWith(ub);
    assertError(await client.emitWithAck("join_room", room), "FORBIDDEN", "Access denied");
    assert.deepEqual(await client.next("room_joined"), { roomId: room, success: false, error: "Access denied" });
    assertError(await client.emitWithAck("typing_start", room), "FORBIDDEN");
    await ua.send(room);
    await ub.send(room);
    await client.none();
  });

  inBothModes(FULL, "every socket of every user of a gallery is told, without joining", async ({ ua, ua2, ub }) => {
    const clients = [await ua.connect(), await ua.connect(), await ua2.connect()];
    const room = await ub.roomWith(ua);
    const message = await ub.send(room);
    for (const client of clients) {
      assert.deepEqual(await client.next("new_message"), { roomId: room, message });
      await client.none();
    }
  });
});

describe("development", BUSY, () => {
  inDevelopment(STORES_ONLY, "who does not say who it is does not come in", async ({ world }) => {
    for (const options of [{}, { auth: { token: "x" } }, { extraHeaders: { authorization: "Bearer x" } }]) {
      assertRefusal(await world.refused(options));
    }
  });

  inDevelopment(STORES_ONLY, "a token that says nothing counts as none", async (market) => {
    const { world, ub } = market;
    const { id: userId, gallery: galleryId } = ub;
    for (const bad of ["x", 5, "a.b.c"]) {
      assertRefusal(await world.refused({ auth: { token: bad, userId } }));
      await assertHearsAsUb(await world.connect({ auth: { token: bad, userId, galleryId } }), market);
    }
    assertRefusal(await world.refused({ auth: { userId }, extraHeaders: { authorization: "Bearer x" } }));
    // One that names the user is enough: the directory may know the gallery.
    await (await world.connect({ auth: { token: token(userId) } })).emitWithAck("join_room", "x");
  });

  inDevelopment(AUTO, "the same holds where only the handshake names the dialect", async (market) => {
    const { world, ub } = market;
    assertRefusal(await world.refused({ auth: { dialect: "gallery" } }));
    const auth = { dialect: "gallery", userId: ub.id, galleryId: ub.gallery };
    await assertHearsAsUb(await world.connect({ auth }), market);
  });

  inDevelopment(STORES_ONLY, "a token is read without being checked", async (market) => {
    const { world, ub } = market;
    const text = token(ub.id, { gallery_id: ub.gallery }, "whatever the front end signs with");
    await assertHearsAsUb(await world.connect({ auth: { token: text } }), market);
    const room = await ub.sending({ authorization: `Bearer ${text}` }).roomWith(market.ua);
    assert.equal((await ub.sending({ authorization: `Bearer ${text}` }).send(room)).sender_id, ub.id);
  });

  const words = { "join_room with a text": (id) => id, "join_room with an object": (roomId) => ({ roomId }) };
  for (const [what, payload] of Object.entries(words)) {
    inDevelopment(AUTO, `the first word decides the dialect: ${what}`, async (market) => {
      const { ua, ub } = market;
      const room = await ua.roomWith(ub);
      const b = await ub.connect();
      assert.deepEqual(await b.emitWithAck("join_room", payload(room)), { ok: true, roomId: room });
      assert.deepEqual(await b.next("room_joined"), { roomId: room, success: true });
      assertError(await b.emitWithAck("join_conversation", room), "UNKNOWN_EVENT", "Unknown event: join_conversation");
      await b.ask("leave_room", room);
      b.forget();
      await assertHearsAsUb(b, market);
    });
  }

  inDevelopment(AUTO, "the first word decides the dialect: typing_start", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const b = await ub.connect();
    await b.ask("join_room", room);
    const a = await ua.connect();
    assert.deepEqual(await a.emitWithAck("typing_start", { roomId: room }), { ok: true });
    assert.deepEqual(await b.next("user_typing"), { userId: ua.id, roomId: room });
  });
});
