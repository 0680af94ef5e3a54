// Token mode: who speaks is what the token says (contract: README, section 3, and messaging, sections 1 to 6).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BUSY, DIALECTS_AND_STORES, FULL, STORES_ONLY, each } from "../support/matrix.js";
import { assertError, assertMessageError, draft, send } from "../support/messages.js";
import { assertRefused } from "../support/rest.js";
import { HOUR_S, OTHER_SECRET, TOKEN_MODE, now, token, unsignedToken } from "../support/token.js";

const REFUSED = "Authentication error";

/** As `each`, on servers that have a key. */
function withTokens(combinations, name, test) {
  each(combinations, name, test, TOKEN_MODE);
}

describe("handshake with tokens", BUSY, () => {
  withTokens(FULL, "M-21 a bad token is refused", async (world) => {
    const error = await world.refused({ auth: { token: "bad" } });
    assert.equal(error.message, REFUSED);
    assert.equal(error.data, undefined);
  });

  const bad = {
    "no token": {},
    "an asserted id": { auth: { userId: 1 } },
    "an empty token": { auth: { token: "" } },
    "a token that is no text": { auth: { token: { sub: 1 } } },
    "an expired token": { auth: { token: token(1, { exp: now() - HOUR_S }) } },
    "a token without end": { auth: { token: token(1, { exp: undefined }) } },
    "a token of tomorrow": { auth: { token: token(1, { nbf: now() + HOUR_S }) } },
    "a token of another key": { auth: { token: token(1, {}, OTHER_SECRET) } },
    "a token without signature": { auth: { token: unsignedToken(1) } },
    "a token without a user": { auth: { token: token(1, { sub: undefined }) } },
    "a bad Authorization header": { extraHeaders: { authorization: "Bearer bad" } },
  };
  for (const [what, options] of Object.entries(bad)) {
    withTokens(STORES_ONLY, `${what} is refused`, async (world) => {
      assert.equal((await world.refused(options)).message, REFUSED);
    });
  }

  const good = {
    "auth.token": { auth: { token: token(1) } },
    "auth.token with Bearer": { auth: { token: `Bearer ${token(1)}` } },
    "the Authorization header": { extraHeaders: { authorization: `Bearer ${token(1)}` } },
    "the claim userId": { auth: { token: token(1, { sub: undefined, userId: 1 }) } },
    "the claim user_id": { auth: { token: token(1, { sub: undefined, user_id: "1" }) } },
    "the claim id": { auth: { token: token(1, { sub: undefined, id: 1 }) } },
  };
  for (const [what, options] of Object.entries(good)) {
    withTokens(STORES_ONLY, `${what} names the user`, async (world) => {
      const a = await world.connect(options);
      assert.deepEqual(await a.next("connected"), { userId: 1, socketId: a.id });
    });
  }
});

describe("events with tokens", BUSY, () => {
  withTokens(FULL, "M-22 sending as somebody else is refused", async (world) => {
    const a = await world.connect({ auth: { token: token(1) } });
    const b = await world.tokenUser(2);
    const message = "Not allowed to send as this user";
    const ack = await a.emitWithAck("send_message", draft({ senderId: 2, receiverId: 3, tempId: "t" }));
    assertError(ack, "FORBIDDEN", message);
    assertMessageError(await a.next("message_error"), "FORBIDDEN", message, "t");
    await b.none("new_message");
    for (const id of [1, 2, 3]) {
      assert.deepEqual(await world.rest.bearer(token(id)).conversations(id), []);
    }
  });

  withTokens(DIALECTS_AND_STORES, "the own id as number or text is no mismatch", async (world) => {
    const a = await world.tokenUser(1);
    const b = await world.tokenUser(2);
    assert.equal((await send(a, { senderId: "1" })).senderId, 1);
    assert.equal((await b.next("new_message")).senderId, 1);
  });

  withTokens(DIALECTS_AND_STORES, "joining the user room of somebody else is refused", async (world) => {
    const a = await world.connect({ auth: { token: token(1) } });
    assertError(await a.emitWithAck("join_user_room", 2), "FORBIDDEN", REFUSED);
    assert.deepEqual(await a.next("error"), { message: REFUSED });
    const c = await world.tokenUser(3);
    await send(c, { senderId: 3, receiverId: 2 });
    await a.none("new_message");
  });

  withTokens(DIALECTS_AND_STORES, "a conversation of strangers does not exist", async (world) => {
    const { a, b, c } = await strangers(world);
    const stranger = await world.tokenUser(3);
    assertError(await stranger.emitWithAck("join_conversation", c), "NOT_FOUND");
    assertError(await stranger.emitWithAck("join_conversation", 987654), "NOT_FOUND");
    assertError(await stranger.emitWithAck("typing", { conversationId: c, userId: 3, isTyping: true }), "NOT_FOUND");
    assertError(await stranger.emitWithAck("mark_read", { conversationId: c, userId: 3 }), "NOT_FOUND");
    stranger.forget();
    await send(a, { content: "secret", tempId: "temp_2" });
    await b.next("new_message");
    await stranger.none();
    await b.none("user_typing");
    await a.none("messages_read");
  });

  withTokens(STORES_ONLY, "participants may join, type and read", async (world) => {
    const { a, b, c } = await strangers(world);
    await a.ask("join_conversation", c);
    await b.ask("join_conversation", c);
    await b.ask("typing", { conversationId: c, userId: 2, isTyping: true });
    assert.equal((await a.next("user_typing")).userId, 2);
    assert.equal((await b.ask("mark_read", { conversationId: c, userId: 2 })).updatedCount, 1);
    assert.equal((await a.next("messages_read")).userId, 2);
  });

  withTokens(STORES_ONLY, "typing and reading as somebody else is refused", async (world) => {
    const { a, b, c } = await strangers(world);
    await a.ask("join_conversation", c);
    await b.ask("join_conversation", c);
    assertError(await b.emitWithAck("typing", { conversationId: c, userId: 1, isTyping: true }), "FORBIDDEN");
    assertError(await b.emitWithAck("mark_read", { conversationId: c, userId: 1 }), "FORBIDDEN");
    await a.none();
  });

  withTokens(DIALECTS_AND_STORES, "broadcasting needs the right to do so", async (world) => {
    const { a, b, c } = await strangers(world);
    await b.ask("join_conversation", c);
    b.forget();
    const message = { id: 9, conversationId: c, senderId: 2, content: "forged" };
    const forged = await a.emitWithAck("broadcast_new_message", { message, conversationId: c, receiverId: 2 });
    assertError(forged, "FORBIDDEN");
    assertError(await a.emitWithAck("broadcast_messages_read", { conversationId: c, userId: 2 }), "FORBIDDEN");
    await b.none();
  });
});

describe("REST with tokens", BUSY, () => {
  withTokens(DIALECTS_AND_STORES, "without identity everything is 401", async (world) => {
    const expired = world.rest.bearer(token(1, { exp: now() - HOUR_S }));
    for (const rest of [world.rest, world.rest.bearer("bad"), world.rest.as({ "x-user-id": "1" }), expired]) {
      for (const answer of await everyCall(rest)) assertRefused(answer, 401, "Unauthorized");
    }
  });

  withTokens(DIALECTS_AND_STORES, "acting for another user is 403", async (world) => {
    const rest = world.rest.bearer(token(3));
    const [, posted, put, list] = await everyCall(rest);
    for (const answer of [posted, put, list]) assertRefused(answer, 403, "Forbidden");
    assert.deepEqual(await world.rest.bearer(token(1)).conversations(1), []);
  });

  withTokens(STORES_ONLY, "a conversation of others looks like one that does not exist", async (world) => {
    const { c } = await strangers(world);
    const rest = world.rest.bearer(token(3));
    assert.deepEqual(await rest.messages(c), []);
    const put = (conversationId) => rest.put("/api/messages", { conversationId, userId: 3 });
    const [foreign, unknown] = [await put(c), await put(987654)];
    assert.deepEqual([foreign.status, foreign.body], [unknown.status, unknown.body]);
    const post = (conversationId) => rest.post("/api/messages", draft({ senderId: 3, receiverId: 4, conversationId }));
    assertRefused(await post(c), 404, "Conversation not found");
    assert.equal((await world.rest.bearer(token(1)).messages(c)).length, 1);
  });

  withTokens(DIALECTS_AND_STORES, "the own calls work", async (world) => {
    const rest = world.rest.bearer(token(1, { name: "Ada" }));
    const posted = await rest.post("/api/messages", { senderId: 1, receiverId: 2, content: "hi" });
    assert.equal(posted.status, 200, JSON.stringify(posted.body));
    assert.equal(posted.body.message.sender.fullName, "Ada");
    assert.equal((await rest.messages(posted.body.message.conversationId)).length, 1);
    assert.equal((await rest.conversations(1)).length, 1);
    const { user } = (await rest.get("/api/user/me")).body;
    assert.deepEqual([user.id, user.fullName], [1, "Ada"]);
  });
});

/** Users 1 and 2 with one message between them. */
async function strangers(world) {
  const a = await world.tokenUser(1);
  const b = await world.tokenUser(2);
  const { conversationId: c } = await send(a, { tempId: "temp_1" });
  await b.next("new_message");
  await a.next("user_online"); // of user 2
  a.forget();
  b.forget();
  return { a, b, c };
}

/** Every REST call that needs an identity, in the name of user 1. */
function everyCall(rest) {
  const file = new File(["x"], "a.png", { type: "image/png" });
  return Promise.all([
    rest.get("/api/messages?conversationId=1"),
    rest.post("/api/messages", draft()),
    rest.put("/api/messages", { conversationId: 1, userId: 1 }),
    rest.get("/api/messages/conversations?userId=1"),
    rest.get("/api/user/me"),
    rest.postMultipart("/api/upload", { file }),
  ]);
}
