// Programs with a CLIENT token: acting for users, and the directory (contract: native, section 4).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { admin, authOf, makeClientToken, makeUserToken, user } from "../support/api_tokens.js";
import { Dealer } from "../support/gallery.js";
import { BUSY, each } from "../support/matrix.js";
import { assertHas } from "../support/messages.js";
import {
  DIALECTS_AND_STORES, REFUSED, STORES_ONLY, V1, ask, assertSession, direct, fails, newRoom, send, tokenPerson,
} from "../support/native.js";
import { TOKEN_MODE, token } from "../support/token.js";

const MAY = ["read", "write", "onBehalfOf"];
const FOR = "x-on-behalf-of";

describe("acting for a user", BUSY, () => {
  each(DIALECTS_AND_STORES, "a program that may is that user, on a socket and by REST", async (world) => {
    const { token: secret } = await makeClientToken(world, MAY);
    const b = await tokenPerson(world, "b");
    const bot = await world.connect(authOf(secret, { onBehalfOf: "a" }));
    const session = await bot.next("session");
    assertSession(session, { unreadTotal: 0, role: "MEMBER" });
    assert.equal(session.user.id, "a");
    const c = await direct(bot, "b");
    await send(bot, c, { content: "by socket" });
    await V1.bearer(world, secret, { [FOR]: "a" }).ok("POST", `/conversations/${c}/messages`, { content: "by REST" });
    for (const content of ["by socket", "by REST"]) {
      assertHas((await b.next("new_message")).message, { senderId: "a", content });
    }
    const a = await tokenPerson(world, "a");
    await send(b, c, { content: "answer" });
    for (const client of [a, bot]) {
      let message;
      do ({ message } = await client.next("new_message"));
      while (message.senderId !== "b");
      assert.equal(message.content, "answer");
    }
  }, TOKEN_MODE);

  each(STORES_ONLY, "the header does on a handshake what the auth field does", async (world) => {
    const { token: secret } = await makeClientToken(world, MAY);
    const bot = await world.connect({ ...authOf(secret), extraHeaders: { [FOR]: "a" }, transports: ["polling"] });
    assert.equal((await bot.next("session")).user.id, "a");
  }, TOKEN_MODE);

  each(DIALECTS_AND_STORES, "without the permission it is refused", async (world) => {
    const weak = await makeClientToken(world, ["read", "write"]);
    const own = await makeUserToken(user(world, "u"));
    for (const secret of [weak.token, own.token, token("u")]) {
      const error = await world.refused(authOf(secret, { onBehalfOf: "a" }));
      assert.deepEqual([error.message, error.data], [REFUSED, undefined]);
      await V1.bearer(world, secret, { [FOR]: "a" }).fails("GET", "/users/me", undefined, "FORBIDDEN");
    }
    assert.equal((await user(world, "a").ok("GET", "/conversations")).conversations.length, 0);
  }, TOKEN_MODE);

  each(STORES_ONLY, "a user it cannot be is refused", async (world) => {
    const { token: secret } = await makeClientToken(world, MAY);
    for (const onBehalfOf of ["x".repeat(129), {}, ["a"], 1.5]) {
      assert.equal((await world.refused(authOf(secret, { onBehalfOf }))).message, REFUSED);
    }
    const { status } = await V1.bearer(world, secret, { [FOR]: "x".repeat(129) }).call("GET", "/users/me");
    assert.ok([400, 403].includes(status), `${status}`);
  }, TOKEN_MODE);

  each(STORES_ONLY, "who acts for a member sees what the member sees and no more", async (world) => {
    const { token: secret } = await makeClientToken(world, MAY);
    const owner = await tokenPerson(world, "owner");
    const room = await newRoom(owner, { m: "MEMBER" });
    const member = await world.connect(authOf(secret, { onBehalfOf: "m" }));
    await fails(member, "update_room", { conversationId: room, name: "x" }, "FORBIDDEN");
    assert.equal((await ask(member, "history", { conversationId: room })).messages.length, 0);
    const stranger = await world.connect(authOf(secret, { onBehalfOf: "s" }));
    await fails(stranger, "history", { conversationId: room }, "NOT_FOUND");
    await V1.bearer(world, secret, { [FOR]: "s" }).fails("GET", `/conversations/${room}`, undefined, "NOT_FOUND");
  }, TOKEN_MODE);

  each(STORES_ONLY, "revoking ends every role the program plays", async (world) => {
    const made = await makeClientToken(world, MAY);
    const bots = [];
    for (const onBehalfOf of ["a", "b"]) bots.push(await world.connect(authOf(made.token, { onBehalfOf })));
    const a = await tokenPerson(world, "a");
    await admin(world).ok("DELETE", `/tokens/${made.id}`);
    for (const bot of bots) assert.equal(await bot.next("(disconnect)"), "io server disconnect");
    await a.none("(disconnect)");
  }, TOKEN_MODE);
});

describe("the directory", BUSY, () => {
  each(STORES_ONLY, "administrators and programs that may write it, nobody else", async (world) => {
    const may = await makeClientToken(world, ["directory"]);
    const mayNot = await makeClientToken(world, ["read", "write", "onBehalfOf"]);
    const gallery = (name) => ["PUT", "/directory/gallery/ga", { name }];
    await admin(world).ok(...gallery("By root"));
    await V1.bearer(world, may.token).ok(...gallery("By a program"));
    for (const rest of [user(world, "m"), user(world, "d", { gallery_id: "ga" }), V1.bearer(world, mayNot.token)]) {
      await rest.fails(...gallery("Forged"), "FORBIDDEN");
    }
    await new V1(world.rest).fails(...gallery("Forged"), "UNAUTHENTICATED");
    for (const kind of ["planet", "..%2fgallery", "GALLERY"]) {
      await admin(world).fails("PUT", `/directory/${kind}/x`, { name: "x" }, "NOT_FOUND", "INVALID_PAYLOAD");
    }
    const dealer = new Dealer(world, { id: "d", gallery: "ga" });
    await dealer.open({ roomType: "support", otherGalleryId: "gb" });
    const [room] = await dealer.list();
    assertHas(room, { gallery_a_id: "ga", gallery_a_name: "By a program", gallery_b_name: null });
  }, TOKEN_MODE);
});
