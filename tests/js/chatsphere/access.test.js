// Who may do what when there is a key: every operation of the dialect for every kind of caller
// (contract: chatsphere, sections 2 and 4).

import assert from "node:assert/strict";
import { describe } from "node:test";
import {
  BAD_TOKEN, DIALECTS_AND_STORES, NO_ACCESS, assertErrorFrame, assertRefused, body, contents, join, withTokens,
} from "../support/chatsphere.js";
import { BUSY } from "../support/matrix.js";
import { assertError } from "../support/messages.js";

const CALLERS = ["member", "former", "stranger", "client", "revoked", "admin"];
const ONLY_CLIENTS = "Only client tokens can access all messages";
const FORBIDDEN = "Forbidden";

/** Statuses by caller. */
const ANYBODY = { member: 200, former: 200, stranger: 200, client: 200, revoked: 200, admin: 200 };
const ANY_TOKEN = { ...ANYBODY, revoked: 401 };
const INSIDERS = { ...ANY_TOKEN, former: 403, stranger: 403 };
const TRUSTED = { ...INSIDERS, member: 403 };
const ONLY_ADMIN = { ...TRUSTED, client: 403 };
const created = (statuses) => {
  return Object.fromEntries(Object.entries(statuses).map(([caller, status]) => [caller, status === 200 ? 201 : status]));
};

/** Calls: name, what is done in the name of `rest`, who may, and the text for who may not. */
const CALLS = [
  ["GET /api/users", ({ rest }) => rest.get("/api/users"), ANY_TOKEN],
  ["POST /api/users", ({ rest, fresh }) => rest.post("/api/users", { username: fresh }), created(ANYBODY)],
  ["GET /api/rooms", ({ rest }) => rest.get("/api/rooms"), ANY_TOKEN],
  ["POST /api/rooms", ({ rest }) => rest.post("/api/rooms", { name: "own" }), created(ANY_TOKEN)],
  ["GET /api/rooms/:id", ({ rest, R }) => rest.get(`/api/rooms/${R}`), INSIDERS, FORBIDDEN],
  ["POST /api/rooms/:roomId/users", ({ rest, R, owner }) => {
    return rest.post(`/api/rooms/${R}/users`, { userId: owner.id });
  }, INSIDERS, FORBIDDEN],
  ["GET /api/rooms/:roomId/messages", ({ rest, R }) => rest.get(`/api/rooms/${R}/messages`), INSIDERS, NO_ACCESS],
  ["POST /api/rooms/:roomId/messages", ({ rest, R }) => {
    return rest.post(`/api/rooms/${R}/messages`, { content: "x" });
  }, created(INSIDERS), NO_ACCESS],
  ["GET /api/messages", ({ rest }) => rest.get("/api/messages"), { ...ONLY_ADMIN, client: 200, admin: 403 }, ONLY_CLIENTS],
  ["GET /api/messages/user", ({ rest }) => rest.get("/api/messages/user"), ANY_TOKEN],
  ["POST /api/tokens/user for oneself", ({ rest, id }) => rest.post("/api/tokens/user", { userId: id }), created(ANY_TOKEN)],
  ["POST /api/tokens/user", ({ rest, owner }) => {
    return rest.post("/api/tokens/user", { userId: owner.id });
  }, created(TRUSTED), FORBIDDEN],
  ["POST /api/tokens/client", ({ rest, owner }) => {
    return rest.post("/api/tokens/client", { userId: owner.id, email: "a@b.c" });
  }, created(ONLY_ADMIN), FORBIDDEN],
  ["PUT /api/tokens/:tokenId/revoke", ({ rest, spare }) => rest.put(`/api/tokens/${spare}/revoke`, {}), TRUSTED, FORBIDDEN],
  ["DELETE /api/tokens/:tokenId", ({ rest, spare }) => rest.call("DELETE", `/api/tokens/${spare}`), TRUSTED, FORBIDDEN],
  ["GET /api/auth/verify", ({ rest }) => rest.get("/api/auth/verify"), ANY_TOKEN],
  ["GET /api/tokens/verify", ({ rest }) => rest.get("/api/tokens/verify"), ANY_TOKEN],
  ["GET /api/health", ({ rest }) => rest.get("/api/health"), ANYBODY],
];

/** Words for a room: plain frames and Socket.IO events alike. All are for insiders. */
const JOINS = ["join", "join_room"];
const SENDS = ["message", "new_message"];

describe("access", BUSY, () => {
  withTokens(DIALECTS_AND_STORES, `${CALLS.length} calls by ${CALLERS.length} callers`, async (sphere) => {
    const { owner, R, callers } = await cast(sphere);
    const watcher = await sphere.joined(owner, R);
    const wrong = [];
    let nPosted = 0;
    for (const [name, call, statuses, refusal] of CALLS) {
      for (const [caller, { rest, id }] of Object.entries(callers)) {
        const spare = body(await owner.rest.post("/api/tokens/user", { userId: owner.id }), 201).tokenId;
        const answer = await call({ rest, id, owner, R, spare, fresh: `fresh ${caller}` });
        const fault = faultOf(answer, statuses[caller], refusal);
        if (fault) wrong.push(`${name} by ${caller}: ${fault}`);
        if (name === "POST /api/rooms/:roomId/messages" && answer.status === 201) nPosted += 1;
      }
    }
    assert.equal(wrong.length, 0, wrong.join("\n"));
    await watcher.several("new_message", nPosted);
    await watcher.none();
    assert.equal((await sphere.messages(owner, R)).length, nPosted);
  });

  withTokens(DIALECTS_AND_STORES, "the rooms that somebody sees", async (sphere) => {
    const { R, callers } = await cast(sphere);
    const sees = {};
    for (const caller of ["member", "former", "stranger", "client"]) {
      sees[caller] = body(await callers[caller].rest.get("/api/rooms"), 200).some(({ id }) => id === R);
    }
    assert.deepEqual(sees, { member: true, former: false, stranger: false, client: true });
  });

  withTokens(DIALECTS_AND_STORES, "frames of every kind of caller", async (sphere) => {
    const { owner, R, callers } = await cast(sphere);
    const watcher = await sphere.joined(owner, R);
    const said = [];
    for (const [caller, { rest, id, token }] of Object.entries(callers)) {
      if (INSIDERS[caller] === 401) {
        assert.equal(await sphere.refused(`/ws?token=${token}`), 401);
        continue;
      }
      const own = body(await rest.post("/api/rooms", { name: "own" }), 201).id;
      const socket = await sphere.open(`/ws?token=${token}`);
      for (const type of JOINS) {
        socket.send({ type, roomId: R });
        if (INSIDERS[caller] === 403) await assertErrorFrame(socket, NO_ACCESS);
        else await socket.next(type === "join" ? "previous_messages" : "message_history");
      }
      socket.close();
      const sender = await sphere.open(`/ws?token=${token}`);
      await join(sender, id, own);
      for (const type of SENDS) {
        const content = `${type} of ${caller}`;
        sender.send({ type, roomId: R, content });
        if (INSIDERS[caller] === 403) await assertErrorFrame(sender, NO_ACCESS);
        else said.push(content);
      }
    }
    const heard = await watcher.several("new_message", said.length);
    assert.deepEqual(heard.map(({ message }) => message.content).sort(), [...said].sort());
    await watcher.none();
    assert.deepEqual(contents(await sphere.messages(owner, R)).sort(), [...said].sort());
  });

  withTokens(DIALECTS_AND_STORES, "Socket.IO events of every kind of caller", async (sphere) => {
    const { owner, R, callers } = await cast(sphere);
    const watcher = await sphere.joined(owner, R);
    let nSaid = 0;
    for (const [caller, { rest, token }] of Object.entries(callers)) {
      const options = { auth: { dialect: "chatsphere", token } };
      if (INSIDERS[caller] === 401) {
        assert.equal((await sphere.world.refused(options)).message, "Authentication error");
        continue;
      }
      const own = body(await rest.post("/api/rooms", { name: "own" }), 201).id;
      const client = await sphere.world.connect(options);
      for (const name of [...JOINS, ...SENDS]) {
        if (name === SENDS[0]) await client.ask("join", { roomId: own });
        const ack = await client.emitWithAck(name, { roomId: R, content: name });
        if (INSIDERS[caller] === 403) assertError(ack, "FORBIDDEN", NO_ACCESS);
        else assert.equal(ack.ok, true, `${name} of ${caller}: ${JSON.stringify(ack)}`);
        if (ack.ok && SENDS.includes(name)) nSaid += 1;
      }
      // Whoever is in a room may leave it.
      for (const name of ["leave", "leave_room"]) {
        await client.ask("join", { roomId: own });
        await client.ask(name, { roomId: own });
      }
    }
    await watcher.several("new_message", nSaid);
    await watcher.none();
  });

  withTokens(DIALECTS_AND_STORES, "who listens hears no more once the token is revoked", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const plain = await sphere.joined(v, R);
    assert.equal((await v.rest.call("DELETE", `/api/tokens/${v.tokenId}`)).status, 200);
    assert.equal(await plain.closed(), 1008);
    await sphere.post(u, R, "secret");
    await plain.none();
    assertRefused(await v.rest.get("/api/rooms"), 401, BAD_TOKEN);
  });
});

/** A room of `owner`, and one caller of every kind as `{id, token, rest}`. */
async function cast(sphere) {
  const [owner, member, former, stranger, app, revoked] = await sphere.users(
    "owner", "member", "former", "stranger", "app", "revoked",
  );
  const R = await sphere.room(owner, member, former, revoked);
  await sphere.remove(former, R);
  const client = { ...(await sphere.clientToken(app)), id: app.id };
  assert.equal((await revoked.rest.call("DELETE", `/api/tokens/${revoked.tokenId}`)).status, 200);
  const all = { member, former, stranger, client, revoked, admin: sphere.admin };
  const callers = CALLERS.map((caller) => {
    const { id, token, rest } = all[caller];
    // A bearer token that only a login service knows says nothing of the dialect.
    return [caller, { id, token, rest: rest.as({ "x-sohbet-dialect": "chatsphere" }) }];
  });
  return { owner, R, callers: Object.fromEntries(callers) };
}

/** Why an answer is not the one with that status; undefined if it is. */
function faultOf({ status, body: text }, expected, refusal) {
  if (expected === undefined) return "no row";
  const error = { 401: BAD_TOKEN, 403: refusal }[expected];
  if (status !== expected) return `${status} instead of ${expected}: ${JSON.stringify(text)}`;
  if (error !== undefined && JSON.stringify(text) !== JSON.stringify({ error })) return JSON.stringify(text);
  return undefined;
}
