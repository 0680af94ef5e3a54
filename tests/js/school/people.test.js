// Who somebody is: (id, role), asserted or proved, and what they are called (contract: school, sections 1, 2 and 5).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BUSY, each } from "../support/matrix.js";
import { assertError } from "../support/messages.js";
import {
  DIALECTS_AND_STORES, FIXED, FULL, STORES_ONLY, assertMessage, assertDenied, classroom, debugRows, draft, getDebug, history,
  person, personToken, post, restOf, send, tokenPerson, unreadCount,
} from "../support/school.js";
import { HOUR_S, OTHER_SECRET, TOKEN_MODE, now, token } from "../support/token.js";

const REFUSED = { success: false, error: "Unauthorized" };

describe("authenticate", BUSY, () => {
  each(FULL, "nothing is emitted at connect, and the confirmation comes before the ack", async (world) => {
    const t = await world.connect({ withCredentials: true, extraHeaders: { cookie: "auth-token=bad" } });
    await t.none();
    const pair = { userId: 1, role: "teacher" };
    assert.deepEqual(await t.emitWithAck("authenticate", pair), { ok: true, ...pair });
    assert.deepEqual(t.order, ["authenticated", "ack authenticate"]);
    assert.deepEqual(await t.next("authenticated"), { success: true });
    await t.none();
  });

  each(DIALECTS_AND_STORES, "an id may be text, one that is no small number stays text", async (world) => {
    const t = await person(world, 1, "teacher");
    const seven = await world.connect();
    assert.equal((await seven.ask("authenticate", { userId: "7", role: "student" })).userId, 7);
    const bond = await world.connect();
    assert.equal((await bond.ask("authenticate", { userId: "007", role: "student" })).userId, "007");
    for (const client of [seven, bond]) client.forget();
    await send(t, { recipientId: 7 });
    assert.equal((await seven.next("message_received")).recipientId, 7);
    await send(t, { recipientId: "007" });
    assert.equal((await bond.next("message_received")).recipientId, "007");
    for (const client of [seven, bond]) await client.none();
  });

  each(DIALECTS_AND_STORES, "the second replaces the first", async (world) => {
    const t = await person(world, 1, "teacher");
    const x = await person(world, 1, "student");
    await x.ask("authenticate", { userId: 5, role: "student" });
    x.forget();
    await send(t);
    await send(t, { recipientId: 5 });
    assertMessage(await x.next("message_received"), { recipientId: 5 });
    await x.none();
  });

  each(DIALECTS_AND_STORES, "one that fails changes nothing", async (world) => {
    const { t, s } = await classroom(world);
    for (const payload of [{ userId: 5 }, { role: "student" }, { userId: {}, role: "student" }, { userId: 5, role: "" }]) {
      assertError(await s.emitWithAck("authenticate", payload), "INVALID_PAYLOAD", "Unauthorized");
      assert.deepEqual(await s.next("authenticated"), REFUSED);
    }
    await send(t);
    await s.next("message_received");
  });

  each(STORES_ONLY, "other roles are people of their own", async (world) => {
    const longest = "r".repeat(32);
    const { t, s } = await classroom(world);
    const parent = await person(world, 1, "parent");
    const other = await person(world, 1, longest);
    const message = await send(t, { recipientRole: "parent" });
    assert.deepEqual(await parent.next("message_received"), message);
    await send(t, { recipientRole: longest });
    await other.next("message_received");
    assertMessage(await send(parent, { senderRole: "parent", recipientRole: "teacher" }), { senderRole: "parent" });
    assertMessage(await t.next("message_received"), { senderRole: "parent" });
    for (const client of [s, parent, other]) await client.none("message_received");
    assert.equal(await unreadCount(restOf(world, 1, "parent")), 1);
    assert.equal(await unreadCount(restOf(world, 1, "student")), 0);
    assertError(await other.emitWithAck("authenticate", { userId: 1, role: `${longest}r` }), "INVALID_PAYLOAD", "Unauthorized");
  });

  each(STORES_ONLY, "no id and role can be cut so that they are somebody else", async (world) => {
    const t = await person(world, 1, "teacher");
    const x = await world.connect();
    for (const [userId, role] of [["c", "a:b"], ["teacher:7", "x"], ["7", "x:teacher"]]) {
      await x.emitWithAck("authenticate", { userId, role });
      await t.emitWithAck("new_message", draft({ recipientId: "b:c", recipientRole: "a" }));
      await t.emitWithAck("new_message", draft({ recipientId: 7, recipientRole: "teacher" }));
    }
    await x.none("message_received");
  });
});

describe("people with tokens", BUSY, () => {
  each(DIALECTS_AND_STORES, "the own pair is accepted and may send, also before it authenticates", async (world) => {
    const s = await tokenPerson(world, 1, "student");
    const t = await world.connect({ auth: { token: personToken(1, "teacher") } });
    assertMessage(await send(t), { senderId: 1, senderRole: "teacher" });
    assert.deepEqual(await t.ask("authenticate", { userId: "1", role: "teacher" }), { ok: true, userId: 1, role: "teacher" });
    assert.deepEqual(await t.next("authenticated"), { success: true });
    await send(t);
    await s.several("message_received", 2);
  }, TOKEN_MODE);

  each(FULL, "the cookie of the front end is enough", async (world) => {
    const cookie = (id, role) => ({ extraHeaders: { cookie: `a=b; auth-token=${personToken(id, role)}` } });
    const t = await person(world, 1, "teacher", cookie(1, "teacher"));
    const s = await person(world, 1, "student", cookie(1, "student"));
    const message = await send(t);
    assert.deepEqual(await s.next("message_received"), message);
    assertError(await s.emitWithAck("authenticate", { userId: 1, role: "teacher" }), "FORBIDDEN", "Unauthorized");
  }, TOKEN_MODE);

  each(FIXED, "a socket with a token hears its person without authenticating", async (world) => {
    const s = await world.connect({ auth: { token: personToken(1, "student") } });
    const t = await tokenPerson(world, 1, "teacher");
    const message = await send(t);
    assert.deepEqual(await s.next("message_received"), message);
    await s.none();
  }, TOKEN_MODE);

  each(DIALECTS_AND_STORES, "without a token nobody connects, and a bad cookie is none", async (world) => {
    for (const options of [{}, { auth: { userId: 1, role: "teacher" } }, { extraHeaders: { cookie: "auth-token=bad" } }]) {
      const error = await world.refused(options);
      assert.equal(error.message, "Authentication error");
      assert.equal(error.data, undefined);
    }
  }, TOKEN_MODE);

  each(DIALECTS_AND_STORES, "sending as somebody else is refused and reaches nobody", async (world) => {
    const t = await tokenPerson(world, 1, "teacher");
    const s = await tokenPerson(world, 1, "student");
    for (const fields of [{ senderId: 2 }, { senderRole: "student", recipientRole: "teacher" }, { senderRole: "parent" }]) {
      assertError(await t.emitWithAck("new_message", draft(fields)), "FORBIDDEN", "Unauthorized");
      assert.deepEqual(t.order, ["message_error", "ack new_message"]);
      assert.deepEqual(await t.next("message_error"), { error: "Unauthorized" });
      t.forget();
    }
    await t.none();
    await s.none();
    assert.equal(await unreadCount(restOf(world, 1, "student")), 0);
    assert.deepEqual(await history(restOf(world, 2, "teacher"), 2, 1), []);
  }, TOKEN_MODE);

  each(DIALECTS_AND_STORES, "a failed authenticate leaves the person of the token in place", async (world) => {
    const t = await tokenPerson(world, 1, "teacher");
    const s = await tokenPerson(world, 1, "student");
    assertError(await s.emitWithAck("authenticate", { userId: 2, role: "student" }), "FORBIDDEN", "Unauthorized");
    assert.deepEqual(await s.next("authenticated"), REFUSED);
    await send(t, { recipientId: 2 });
    await send(t);
    assertMessage(await s.next("message_received"), { recipientId: 1 });
    await s.none();
  }, TOKEN_MODE);

  each(STORES_ONLY, "a token without a role is nobody here", async (world) => {
    for (const half of [personToken(1, undefined), token(1)]) {
      const x = await world.connect({ auth: { token: half } });
      assertError(await x.emitWithAck("authenticate", { userId: 1, role: "teacher" }), "FORBIDDEN", "Unauthorized");
      assertError(await x.emitWithAck("new_message", draft()), "FORBIDDEN", "Unauthorized");
      assertDenied(await world.rest.bearer(half).get("/api/messages/unread-count"), 401, "Unauthorized");
    }
  }, TOKEN_MODE);

  each(STORES_ONLY, "over HTTP neither headers nor bad or expired tokens name anybody", async (world) => {
    const old = personToken(1, "student", { exp: now() - HOUR_S });
    const forged = token(1, { sub: undefined, id: 1, role: "student" }, OTHER_SECRET);
    const nobodies = [
      world.rest,
      world.rest.as({ "x-user-id": "1", "x-user-role": "student" }),
      ...["bad", old, forged].flatMap((text) => [world.rest.bearer(text), world.rest.as({ cookie: `auth-token=${text}` })]),
    ];
    for (const rest of nobodies) {
      assertDenied(await rest.get("/api/messages/unread-count"), 401, "Unauthorized");
      assert.deepEqual((await getDebug(rest, 1, 1)).body, { success: true });
    }
    assert.equal(await unreadCount(world.rest.as({ cookie: `auth-token=${personToken(1, "student")}` })), 0);
    assert.equal(await unreadCount(restOf(world, 1, "student").as({ cookie: "auth-token=bad" })), 0);
  }, TOKEN_MODE);
});

describe("names", BUSY, () => {
  each(DIALECTS_AND_STORES, "who has no name is called by role and number", async (world) => {
    const toTeacher = { senderRole: "student", recipientRole: "teacher" };
    await post(restOf(world, 7, "student", { name: "Zoe" }), { ...toTeacher, senderId: 7, recipientId: 7 });
    await post(restOf(world, 7, "teacher"), { senderId: 7, recipientId: 7 });
    const names = async () => (await history(restOf(world, 7, "teacher"), 7, 7)).map(({ senderName }) => senderName);
    assert.deepEqual(await names(), ["Zoe", "Teacher 7"]);
    const { t, s } = await classroom(world);
    await send(t, { recipientId: 8 });
    await send(s, { ...toTeacher, senderId: 8 });
    const others = await history(restOf(world, 1, "teacher"), 1, 8);
    assert.deepEqual(others.map(({ senderName }) => senderName), ["Teacher 1", "Student 8"]);
  });

  each(DIALECTS_AND_STORES, "the name in the token of a socket is shown", async (world) => {
    const t = await tokenPerson(world, 1, "teacher", { name: "Ada" });
    await send(t);
    const [message] = await history(restOf(world, 1, "student"), 1, 1, "student");
    assert.equal(message.senderName, "Ada");
  }, TOKEN_MODE);
});

describe("GET /api/debug/messages", BUSY, () => {
  each(DIALECTS_AND_STORES, "shows the rows to the two people and to nobody else", async (world) => {
    const t = await person(world, 1, "teacher");
    const message = await send(t, { recipientId: 2 });
    await send(t, { recipientId: 3 });
    for (const rest of [restOf(world, 1, "teacher"), restOf(world, 2, "student")]) {
      const [{ seq, rev, updatedAt, ...row }, ...others] = await debugRows(rest, 1, 2);
      assert.deepEqual(others, []);
      assert.deepEqual(row, {
        id: message.id,
        senderId: 1,
        senderRole: "teacher",
        recipientId: 2,
        recipientRole: "student",
        content: "hi",
        createdAt: message.timestamp,
        isRead: false,
      });
    }
    const strangers = [restOf(world, 1, "student"), restOf(world, 2, "teacher"), restOf(world, 3, "student")];
    for (const rest of [world.rest, ...strangers]) {
      assert.deepEqual((await getDebug(rest, 1, 2)).body, { success: true });
    }
  });

  each(STORES_ONLY, "is never an error", async (world) => {
    const queries = ["", "?debug=true", "?teacherId=1", "?teacherId=1&studentId=%00", "?teacherId[]=1&studentId=-1"];
    const callers = [world.rest, restOf(world, 1, "teacher"), world.rest.bearer("bad"), world.rest.as({ "x-user-id": "1" })];
    for (const rest of callers) {
      for (const query of queries) {
        const { status, body } = await rest.get(`/api/debug/messages${query}`);
        assert.deepEqual([status, body.success], [200, true], query);
        assert.deepEqual(body.filteredMessages ?? [], [], query);
      }
    }
  });
});
