// What roles permit in rooms, whichever dialect asks: those of the room, and MODERATOR and ADMIN of the whole server.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { user } from "../support/api_tokens.js";
import { tokenUser } from "../support/direct.js";
import { BUSY, each } from "../support/matrix.js";
import { assertError } from "../support/messages.js";
import { STORES_ONLY, newRoom, rolesOf, look, tokenPerson } from "../support/native.js";
import { TOKEN_MODE, token } from "../support/token.js";

const AUTO = { ...STORES_ONLY, settings: ["auto"] };
const DONE = "done";
const REFUSED = "refused";
const ON_SERVER = { moderator: { role: "MODERATOR" }, root: { role: "ADMIN" } };
const ROLES = { moderator: "MEMBER", member: "MEMBER", m: "MODERATOR", a: "ADMIN", guest: "MEMBER" };

/** Letting a user in and sending one away, as each dialect with REST asks for it. */
const DIALECTS = {
  native: {
    add: (world, by, room, userId) => asNative(world, by, "POST", `/conversations/${room}/participants`, { userId }),
    remove: (world, by, room, userId) => asNative(world, by, "DELETE", `/conversations/${room}/participants/${userId}`),
  },
  chatsphere: {
    add: (world, by, room, userId) => asChatsphere(world, by, "POST", `/api/rooms/${room}/users`, { userId }),
    remove: (world, by, room, userId) => asChatsphere(world, by, "DELETE", `/api/rooms/${room}/users/${userId}`),
  },
};

/** Who does what to whom in a room that has an owner, and what comes of it. */
const IN_OWNED_ROOM = [
  ["member", "add", "newcomer", REFUSED],
  ["member", "remove", "guest", REFUSED],
  ["moderator", "add", "newcomer", DONE],
  ["moderator", "remove", "newcomer", DONE],
  ["moderator", "remove", "m", REFUSED],
  ["moderator", "remove", "a", REFUSED],
  ["moderator", "remove", "owner", REFUSED],
  ["m", "remove", "guest", DONE],
  ["a", "remove", "m", DONE],
  ["owner", "remove", "owner", REFUSED],
  ["root", "remove", "owner", REFUSED],
  ["root", "add", "guest", DONE],
  ["root", "remove", "a", DONE],
  ["moderator", "remove", "moderator", DONE],
  // Where they do not take part they are nobody.
  ["moderator", "add", "newcomer", REFUSED],
  ["moderator", "remove", "guest", REFUSED],
];

/** The same in a room that chatsphere made: its maker is no owner, and its members are among equals. */
const AMONG_EQUALS = [
  ["member", "add", "newcomer", DONE],
  ["member", "remove", "newcomer", REFUSED],
  ["guest", "add", "guest", REFUSED],
  ["moderator", "remove", "member", REFUSED],
  ["maker", "add", "moderator", DONE],
  ["moderator", "remove", "member", DONE],
  ["moderator", "remove", "maker", REFUSED],
  ["maker", "remove", "maker", DONE],
  ["newcomer", "add", "maker", DONE],
];

describe("roles", BUSY, () => {
  for (const [dialect, calls] of Object.entries(DIALECTS)) {
    each(AUTO, `a room with an owner is managed by roles over ${dialect}`, async (world) => {
      const owner = await tokenPerson(world, "owner");
      const room = await newRoom(owner, ROLES);
      await act(world, calls, room, IN_OWNED_ROOM);
      assert.deepEqual(rolesOf(await look(owner, room)), { owner: "OWNER", member: "MEMBER", guest: "MEMBER" });
    }, TOKEN_MODE);

    each(AUTO, `members let others into a room of chatsphere over ${dialect}`, async (world) => {
      const { status, body } = await asChatsphere(world, "maker", "POST", "/api/rooms", { name: "of equals" });
      assert.equal(status, 201);
      await mention(world, "member");
      assert.equal((await asChatsphere(world, "maker", "POST", `/api/rooms/${body.id}/users`, { userId: "member" })).status, 200);
      await act(world, calls, body.id, AMONG_EQUALS);
    }, TOKEN_MODE);
  }

  each(AUTO, "the last owner stays, whichever dialect is asked", async (world) => {
    const owner = await tokenPerson(world, "owner");
    const room = await newRoom(owner, { member: "MEMBER" });
    const direct = await tokenUser(world, "owner");
    assertError(await direct.emitWithAck("leaveGroup", room), "FORBIDDEN", "A room keeps an owner");
    const answer = await asChatsphere(world, "owner", "DELETE", `/api/rooms/${room}/users/owner`);
    assert.deepEqual([answer.status, answer.body], [403, { error: "Forbidden" }]);
    const member = await tokenUser(world, "member");
    await member.ask("leaveGroup", room);
    await direct.ask("leaveGroup", room);
  }, TOKEN_MODE);
});

async function act(world, calls, room, table) {
  for (const id of ["newcomer", "guest", "moderator", "member", "root"]) await mention(world, id);
  for (const [by, action, whom, outcome] of table) {
    const { status, body } = await calls[action](world, by, room, whom);
    const found = [403, 404].includes(status) ? REFUSED : status < 300 ? DONE : status;
    assert.equal(found, outcome, `${by}: ${action} ${whom}: ${JSON.stringify(body)}`);
  }
}

/** That user exists from now on. */
function mention(world, id) {
  return user(world, id, ON_SERVER[id]).ok("GET", "/users/me");
}

function asNative(world, by, ...call) {
  return user(world, by, ON_SERVER[by]).call(...call);
}

function asChatsphere(world, by, method, path, body = undefined) {
  const claims = { username: by, ...ON_SERVER[by] };
  const rest = world.rest.as({ "x-sohbet-dialect": "chatsphere" }).bearer(token(by, claims));
  return method === "POST" ? rest.post(path, body) : rest.call(method, path);
}
