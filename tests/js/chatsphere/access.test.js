// Who may do what when there is a key (access.json): every operation of the dialect for every kind of caller, and every
// word as a frame and as a Socket.IO event (contract: chatsphere, sections 2 and 4).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { calling, checkAccess, emitting, matrixOf } from "../support/access.js";
import {
  BAD_TOKEN, DIALECTS_AND_STORES, NO_ACCESS, NO_TOKEN, Sphere, assertErrorFrame, assertRefused, body, contents, join, withTokens,
} from "../support/chatsphere.js";
import { BUSY } from "../support/matrix.js";

/** What the texts of refusals are called in the matrix. */
const REFUSALS = new Map([
  [`401 ${BAD_TOKEN}`, "401"],
  [`401 ${NO_TOKEN}`, "401"],
  ["404 User not found", "404"],
  [`403 ${NO_ACCESS}`, "403 no access"],
  ["403 Only client tokens can access all messages", "403 only programs"],
]);

const tokenOf = (caller) => async (_world, { callers }) => callers[caller].token;
const CALLERS = Object.fromEntries(matrixOf("chatsphere").columns.map((caller) => [caller, tokenOf(caller)]));
const SAYING = ["message", "new_message"];

/** How each is tried about a room `R` of `owner` and others. */
const ATTEMPTS = {
  "GET /api/users": call((rest) => rest.get("/api/users")),
  "POST /api/users": call((rest, _, { caller }) => rest.post("/api/users", { username: `fresh ${caller}` })),
  "GET /api/rooms": calling((rest) => rest.get("/api/rooms"), ({ status, body: rooms }) => {
    if (status !== 200) return String(status);
    return rooms.some(({ name }) => name === "room of owner") ? "200 with it" : "200 without it";
  }),
  "POST /api/rooms": call((rest) => rest.post("/api/rooms", { name: "own" })),
  "GET /api/rooms/{id}": call((rest, { R }) => rest.get(`/api/rooms/${R}`)),
  "POST /api/rooms/{id}/users": call((rest, { R, owner }) => rest.post(`/api/rooms/${R}/users`, { userId: owner.id })),
  "DELETE /api/rooms/{id}/users/{user} (somebody else)": call(async (rest, { R, owner, other }) => {
    body(await owner.rest.post(`/api/rooms/${R}/users`, { userId: other.id }), 200);
    return rest.call("DELETE", `/api/rooms/${R}/users/${other.id}`);
  }),
  "DELETE /api/rooms/{id}/users/{user} (oneself)": call((rest, { R, callers }, { caller }) => {
    return rest.call("DELETE", `/api/rooms/${R}/users/${callers[caller].id}`);
  }),
  "GET /api/rooms/{id}/messages": call((rest, { R }) => rest.get(`/api/rooms/${R}/messages`)),
  "POST /api/rooms/{id}/messages": call((rest, { R }) => rest.post(`/api/rooms/${R}/messages`, { content: "x" })),
  "GET /api/messages": call((rest) => rest.get("/api/messages")),
  "GET /api/messages/user": call((rest) => rest.get("/api/messages/user")),
  "POST /api/tokens/user (for oneself)": call((rest, { callers }, { caller }) => {
    return rest.post("/api/tokens/user", { userId: callers[caller].id });
  }),
  "POST /api/tokens/user (for somebody else)": call((rest, { owner }) => rest.post("/api/tokens/user", { userId: owner.id })),
  "POST /api/tokens/client": call((rest, { owner }) => {
    return rest.post("/api/tokens/client", { userId: owner.id, email: "a@b.c" });
  }),
  "PUT /api/tokens/{id}/revoke": call(async (rest, { owner }) => rest.put(`/api/tokens/${await spare(owner)}/revoke`, {})),
  "DELETE /api/tokens/{id}": call(async (rest, { owner }) => rest.call("DELETE", `/api/tokens/${await spare(owner)}`)),
  "GET /api/auth/verify": call((rest) => rest.get("/api/auth/verify")),
  "GET /api/tokens/verify": call((rest) => rest.get("/api/tokens/verify")),
  "GET /api/health": call((rest) => rest.get("/api/health")),
  join: emitting(({ R }) => ({ roomId: R })),
  join_room: emitting(({ R }) => ({ roomId: R })),
  message: emitting(({ R }) => ({ roomId: R, content: "x" }), inOwnRoom),
  new_message: emitting(({ R }) => ({ roomId: R, content: "x" }), inOwnRoom),
  // Whoever is in a room may leave it.
  leave: emitting((place) => ({ roomId: place.own }), inOwnRoom),
  leave_room: emitting((place) => ({ roomId: place.own }), inOwnRoom),
};

describe("access", BUSY, () => {
  checkAccess({
    dialect: "chatsphere", combinations: DIALECTS_AND_STORES, callers: CALLERS, attempts: ATTEMPTS,
    stage: (world) => cast(new Sphere(world, true)), env: { OPEN_SIGN_UP: "true" },
    async afterwards({ place: { sphere, watcher }, row, outcomes }) {
      const isSaid = row === "POST /api/rooms/{id}/messages" || SAYING.includes(row);
      const nSaid = Object.values(outcomes).filter((outcome) => isSaid && ["201", "ok"].includes(outcome)).length;
      await watcher.several("new_message", nSaid);
      await watcher.none();
      sphere.close();
    },
  });

  withTokens(DIALECTS_AND_STORES, "frames of every kind of caller", async (sphere) => {
    const { owner, R, callers, watcher } = await cast(sphere);
    const { rows } = matrixOf("chatsphere");
    const said = [];
    for (const [caller, { rest, id, token }] of Object.entries(callers)) {
      if (rows.join[caller] === "refused") {
        if (token) assert.equal(await sphere.refused(`/ws?token=${token}`), 401);
        continue;
      }
      const own = body(await rest.post("/api/rooms", { name: "own" }), 201).id;
      for (const [type, answer] of [["join", "previous_messages"], ["join_room", "message_history"]]) {
        const socket = await sphere.open(`/ws?token=${token}`);
        socket.send({ type, roomId: R });
        if (rows[type][caller] === "FORBIDDEN") await assertErrorFrame(socket, NO_ACCESS);
        else await socket.next(answer);
        for (const leave of ["leave", "leave_room"]) socket.send({ type: leave });
        socket.close();
      }
      const sender = await sphere.open(`/ws?token=${token}`);
      await join(sender, id, own);
      for (const type of SAYING) {
        const content = `${type} of ${caller}`;
        sender.send({ type, roomId: R, content });
        if (rows[type][caller] === "FORBIDDEN") await assertErrorFrame(sender, NO_ACCESS);
        else said.push(content);
      }
    }
    const heard = await watcher.several("new_message", said.length);
    assert.deepEqual(heard.map(({ message }) => message.content).sort(), [...said].sort());
    await watcher.none();
    assert.deepEqual(contents(await sphere.messages(owner, R)).sort(), [...said].sort());
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

/** A room of `owner` with a socket that watches it, and one caller of every kind as `{id, token, rest}`. */
async function cast(sphere) {
  const [owner, participant, former, stranger, app, revoked, other] = await sphere.users(
    "owner", "participant", "former", "stranger", "app", "revoked", "other",
  );
  const R = body(await owner.rest.post("/api/rooms", { name: "room of owner" }), 201).id;
  for (const { id } of [participant, former, revoked]) body(await owner.rest.post(`/api/rooms/${R}/users`, { userId: id }), 200);
  await sphere.remove(former, R);
  const program = { ...(await sphere.clientToken(app)), id: app.id };
  const otherGallery = sphere.signed("dealer", { username: "dealer", gallery_id: "gc" });
  assert.equal((await revoked.rest.call("DELETE", `/api/tokens/${revoked.tokenId}`)).status, 200);
  const nobody = { id: owner.id, token: undefined, rest: sphere.rest };
  const callers = { participant, former, stranger, otherGallery, revoked, admin: sphere.admin, nobody, program };
  // A user whom only a login service knows is one from the first call on.
  for (const { rest } of [otherGallery, sphere.admin]) {
    body(await rest.as({ "x-sohbet-dialect": "chatsphere" }).get("/api/rooms"), 200);
  }
  return { sphere, owner, other, R, callers, watcher: await sphere.joined(owner, R) };
}

/** The socket is in a room `own` of its caller. */
async function inOwnRoom(client, place) {
  const rest = place.sphere.rest.as({ "x-sohbet-dialect": "chatsphere" }).bearer(client.socket.auth.token);
  place.own = body(await rest.post("/api/rooms", { name: "own" }), 201).id;
  await client.ask("join", { roomId: place.own });
}

/** A token of that user which somebody may revoke. */
async function spare(user) {
  return body(await user.rest.post("/api/tokens/user", { userId: user.id }), 201).tokenId;
}

/** An attempt by REST: the status, and what stands for the text of a refusal. */
function call(attempt) {
  return calling(attempt, ({ status, body: { error } }) => {
    return error === undefined ? String(status) : REFUSALS.get(`${status} ${error}`) ?? `${status} ${error}`;
  });
}
