// API tokens of people who are a role and an id: `teacher:7` (docs/api-tokens.md).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { admin, makeClientToken, makeUserToken, user } from "../support/api_tokens.js";
import { BUSY, each } from "../support/matrix.js";
import { V1 } from "../support/native.js";
import { DIALECTS_AND_STORES, STORES_ONLY, assertDenied, draft, history, tokenPerson, unreadCount } from "../support/school.js";
import { TOKEN_MODE } from "../support/token.js";

const MAY = ["read", "write", "onBehalfOf"];
const SCHOOL = { "x-sohbet-dialect": "school" };
const FROM_7 = { senderId: 7, recipientId: 1 };
const TO_7 = { senderId: 1, senderRole: "student", recipientId: 7, recipientRole: "teacher" };

/** HTTP calls of this dialect with that token. */
function restWith(world, secret, headers = {}) {
  return world.rest.bearer(secret).as({ ...SCHOOL, ...headers });
}

/** A socket of this dialect with that token. */
function connect(world, secret, more = {}, options = {}) {
  return world.connect({ auth: { dialect: "school", token: secret, ...more }, ...options });
}

describe("API tokens in school", BUSY, () => {
  each(DIALECTS_AND_STORES, "a USER token is its owner, on a socket and by REST", async (world) => {
    const { token: secret } = await makeUserToken(user(world, "teacher:7"));
    const student = await tokenPerson(world, 1, "student");
    const teacher = await connect(world, secret);
    await teacher.ask("authenticate", { userId: 7, role: "teacher" });
    await teacher.ask("new_message", draft({ ...FROM_7, content: "by socket" }));
    assert.equal((await student.next("message_received")).content, "by socket");
    await student.ask("new_message", draft({ ...TO_7, content: "answer" }));
    assert.equal((await teacher.next("message_received")).content, "answer");
    const rest = restWith(world, secret);
    assert.equal(await unreadCount(rest), 1);
    assert.equal((await rest.post("/api/messages/send", draft({ ...FROM_7, content: "by REST" }))).status, 200);
    assert.equal((await student.next("message_received")).content, "by REST");
    assert.equal((await history(rest, 7, 1)).length, 3);
  }, TOKEN_MODE);

  each(STORES_ONLY, "it is nobody else, and a user without a role is nobody", async (world) => {
    const { token: secret } = await makeUserToken(user(world, "teacher:7"));
    const teacher = await connect(world, secret);
    assert.equal((await teacher.emitWithAck("authenticate", { userId: 8, role: "teacher" })).ok, false);
    assert.equal((await teacher.emitWithAck("authenticate", { userId: 7, role: "student" })).ok, false);
    const { token: plain } = await makeUserToken(user(world, "7"));
    assertDenied(await restWith(world, plain).get("/api/messages/unread-count"), 401, "Unauthorized");
  }, TOKEN_MODE);

  each(STORES_ONLY, "a revoked one is refused, and its socket is closed", async (world) => {
    const made = await makeUserToken(user(world, "teacher:7"));
    const teacher = await connect(world, made.token);
    await teacher.ask("authenticate", { userId: 7, role: "teacher" });
    await admin(world).ok("DELETE", `/tokens/${made.id}`);
    assert.equal(await teacher.next("(disconnect)"), "io server disconnect");
    assertDenied(await restWith(world, made.token).get("/api/messages/unread-count"), 401, "Unauthorized");
    assert.equal((await world.refused({ auth: { dialect: "school", token: made.token } })).message, "Authentication error");
  }, TOKEN_MODE);

  each(STORES_ONLY, "a program acts for a student, on a socket and by REST", async (world) => {
    const { token: secret } = await makeClientToken(world, MAY);
    const teacher = await tokenPerson(world, 1, "teacher");
    const bot = await connect(world, secret, { onBehalfOf: "student:7" });
    await bot.ask("authenticate", { userId: 7, role: "student" });
    const from = { senderId: 7, senderRole: "student", recipientId: 1, recipientRole: "teacher" };
    await bot.ask("new_message", draft({ ...from, content: "by socket" }));
    const rest = restWith(world, secret, { "x-on-behalf-of": "student:7" });
    const posted = await rest.post("/api/messages/send", draft({ ...from, content: "by REST" }));
    assert.equal(posted.status, 200, JSON.stringify(posted.body));
    const heard = await teacher.several("message_received", 2);
    assert.deepEqual(heard.map(({ content }) => content), ["by socket", "by REST"]);
    assert.equal((await history(rest, 1, 7, "student")).length, 2);
    const strange = restWith(world, secret, { "x-on-behalf-of": "student:8" });
    assertDenied(await strange.get("/api/messages/student?teacherId=1&studentId=7"), 401, "Unauthorized");
  }, TOKEN_MODE);

  each(STORES_ONLY, "a USER token acts for nobody", async (world) => {
    const { token: secret } = await makeUserToken(user(world, "teacher:7"));
    const error = await world.refused({ auth: { dialect: "school", token: secret, onBehalfOf: "student:7" } });
    assert.equal(error.message, "Authentication error");
    const rest = restWith(world, secret, { "x-on-behalf-of": "student:7" });
    assertDenied(await rest.get("/api/messages/unread-count"), 401, "Unauthorized");
  }, TOKEN_MODE);

  each(STORES_ONLY, "in development mode too", async (world) => {
    const { token: secret } = await makeUserToken(V1.as(world, "teacher:7"));
    assert.equal(await unreadCount(restWith(world, secret)), 0);
    const teacher = await connect(world, secret);
    await teacher.ask("authenticate", { userId: 7, role: "teacher" });
  });
});
