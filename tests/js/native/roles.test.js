// Who may do what in a room (contract: native, section 2). The rule behind the tables: OWNER, ADMIN and MODERATOR act
// on participants of a lower role, and give roles up to their own.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BUSY, each } from "../support/matrix.js";
import { assertHas } from "../support/messages.js";
import {
  DIALECTS_AND_STORES, FULL, STORES_ONLY, V1, ask, assertConversation, assertKeys, assertParticipant, fails, look, newRoom,
  person, roomOf, rolesOf, send, settle,
} from "../support/native.js";

/** Lowest first. */
const ROLES = ["MEMBER", "MODERATOR", "ADMIN", "OWNER"];
const rank = (role) => ROLES.indexOf(role);
const mayAct = (role) => rank(role) >= rank("MODERATOR");
const ACTORS = Object.fromEntries(ROLES.map((role) => [role, role.toLowerCase()]));

/** Sockets of one person of each role, and a way to get a new room in which they have them. */
async function cast(world) {
  const people = {};
  for (const role of ROLES) people[role] = await person(world, ACTORS[role]);
  const founder = await person(world, "founder");
  const room = (more = {}) => newRoom(founder, { ...Object.fromEntries(ROLES.map((role) => [ACTORS[role], role])), ...more });
  return { people, founder, room };
}

describe("roles", BUSY, () => {
  each(FULL, "N-10 nobody rises above who gives the role, and a room keeps an owner", async (world) => {
    const { a, b, c, room } = await roomOf(world, { b: "MODERATOR", c: "MEMBER" });
    await fails(b, "set_role", { conversationId: room, userId: "c", role: "ADMIN" }, "FORBIDDEN");
    await fails(c, "remove_participant", { conversationId: room, userId: "a" }, "FORBIDDEN");
    await fails(a, "remove_participant", { conversationId: room, userId: "a" }, "FORBIDDEN");
    for (const client of [a, b, c]) await client.none();
    await ask(a, "set_role", { conversationId: room, userId: "c", role: "OWNER" });
    assert.deepEqual(await ask(a, "remove_participant", { conversationId: room, userId: "a" }), {});
    assert.deepEqual(rolesOf(await look(c, room)), { b: "MODERATOR", c: "OWNER" });
  });

  each(STORES_ONLY, "update_room is for OWNER and ADMIN", async (world) => {
    const { people, room } = await cast(world);
    const conversationId = await room();
    for (const role of ROLES) {
      const change = { name: `By ${role}` };
      const rest = V1.as(world, ACTORS[role]);
      if (rank(role) >= rank("ADMIN")) {
        assert.equal((await ask(people[role], "update_room", { conversationId, ...change })).conversation.name, change.name);
        await rest.ok("PATCH", `/conversations/${conversationId}`, change);
      } else {
        await fails(people[role], "update_room", { conversationId, ...change }, "FORBIDDEN");
        await rest.fails("PATCH", `/conversations/${conversationId}`, change, "FORBIDDEN");
      }
    }
  });

  each(STORES_ONLY, "add_participant: every role by every role", async (world) => {
    const { people, founder, room } = await cast(world);
    const conversationId = await room();
    const expected = { founder: "OWNER", ...Object.fromEntries(ROLES.map((role) => [ACTORS[role], role])) };
    for (const actor of ROLES) {
      for (const role of [...ROLES, undefined]) {
        for (const by of ["socket", "rest"]) {
          const userId = `${actor}-${role}-${by}`;
          const isAllowed = mayAct(actor) && rank(role ?? "MEMBER") <= rank(actor);
          const outcome = await add(by, { world, client: people[actor], id: ACTORS[actor] }, conversationId, { userId, role });
          assert.equal(outcome, isAllowed ? "ok" : "FORBIDDEN", `${actor} adds ${role} by ${by}`);
          if (isAllowed) expected[userId] = role ?? "MEMBER";
        }
      }
    }
    assert.deepEqual(rolesOf(await look(founder, conversationId)), expected);
  });

  each(STORES_ONLY, "set_role: every new role, of every role, by every role", async (world) => {
    const { people, founder, room } = await cast(world);
    for (const actor of ROLES) {
      const conversationId = await room(); // a new one each: a conversation names no more than fifty
      for (const [before, role] of ROLES.flatMap((one) => ROLES.map((other) => [one, other]))) {
        if (before === role) continue;
        const userId = `${actor}-${before}-${role}`;
        await ask(founder, "add_participant", { conversationId, userId, role: before });
        const isAllowed = mayAct(actor) && rank(before) < rank(actor) && rank(role) <= rank(actor);
        const ack = await people[actor].emitWithAck("set_role", { conversationId, userId, role });
        assert.equal(codeOf(ack), isAllowed ? "ok" : "FORBIDDEN", `${actor} makes ${before} ${role}`);
        if (isAllowed) {
          assertKeys(ack.data, ["participant"]);
          assertParticipant(ack.data.participant, { userId, role });
        }
        assert.equal(rolesOf(await look(founder, conversationId))[userId], isAllowed ? role : before);
      }
    }
  });

  each(STORES_ONLY, "remove_participant: every role by every role", async (world) => {
    const { people, founder, room } = await cast(world);
    const targets = Object.fromEntries(ROLES.map((role) => [`target-${role}`, role]));
    const conversationId = await room(targets);
    for (const actor of ROLES) {
      for (const [userId, role] of Object.entries(targets)) {
        for (const by of ["socket", "rest"]) {
          const isAllowed = mayAct(actor) && rank(role) < rank(actor);
          const outcome = await remove(by, { world, client: people[actor], id: ACTORS[actor] }, conversationId, userId);
          assert.equal(outcome, isAllowed ? "ok" : "FORBIDDEN", `${actor} removes ${role} by ${by}`);
          if (isAllowed) await ask(founder, "add_participant", { conversationId, userId, role });
        }
      }
    }
    assertHas(rolesOf(await look(founder, conversationId)), targets);
  });

  each(STORES_ONLY, "everybody but the last owner may leave", async (world) => {
    const { people, founder, room } = await cast(world);
    const conversationId = await room();
    for (const role of ROLES) {
      assert.deepEqual(await ask(people[role], "remove_participant", { conversationId, userId: ACTORS[role] }), {});
      await fails(people[role], "history", { conversationId }, "NOT_FOUND");
    }
    assert.deepEqual(rolesOf(await look(founder, conversationId)), { founder: "OWNER" });
    assert.deepEqual(await ask(founder, "remove_participant", { conversationId, userId: "founder" }), {});
    await fails(founder, "join_room", { conversationId }, "NOT_FOUND");
  });

  each(DIALECTS_AND_STORES, "two owners who leave at once do not leave the room without one", async (world) => {
    const { a, b, c, room } = await roomOf(world, { b: "OWNER", c: "MEMBER" });
    const leave = (client, userId) => client.emitWithAck("remove_participant", { conversationId: room, userId });
    const acks = await Promise.all([leave(a, "a"), leave(b, "b")]);
    assert.deepEqual(acks.map(({ ok }) => ok).sort(), [false, true]);
    assert.equal(acks.find(({ ok }) => !ok).error.code, "FORBIDDEN");
    assert.equal(Object.values(rolesOf(await look(c, room))).includes("OWNER"), true);
  });

  each(STORES_ONLY, "nobody raises the own role, and the last owner stays owner", async (world) => {
    const { people, room } = await cast(world);
    const conversationId = await room();
    for (const role of ROLES) {
      for (const higher of ROLES.filter((other) => rank(other) > rank(role))) {
        await fails(people[role], "set_role", { conversationId, userId: ACTORS[role], role: higher }, "FORBIDDEN");
      }
    }
    const { a, room: small } = await roomOf(world, { m: "MEMBER" });
    await fails(a, "set_role", { conversationId: small, userId: "a", role: "MEMBER" }, "FORBIDDEN");
    assert.deepEqual(rolesOf(await look(a, small)), { a: "OWNER", m: "MEMBER" });
  });
});

describe("participants", BUSY, () => {
  each(DIALECTS_AND_STORES, "a new participant is told of the room and the others of them", async (world) => {
    const { a, b, room } = await roomOf(world, { b: "MEMBER" });
    await send(a, room, { content: "before" });
    const c = await person(world, "c", { name: "Cem" });
    await settle(a, b, c);
    const data = await ask(a, "add_participant", { conversationId: room, userId: "c", role: "MODERATOR" });
    assertKeys(data, ["participant"]);
    assertParticipant(data.participant, { userId: "c", name: "Cem", role: "MODERATOR", online: true });
    for (const client of [b, c]) {
      const { conversation } = await client.next("conversation_updated");
      assertConversation(conversation, { id: room, participantCount: 3, role: client === c ? "MODERATOR" : "MEMBER" });
      assert.equal(rolesOf(conversation).c, "MODERATOR");
    }
    await send(b, room, { content: "after" });
    assert.equal((await c.next("new_message")).message.content, "after");
    const { messages } = await ask(c, "history", { conversationId: room });
    assert.deepEqual(messages.map(({ content }) => content), ["before", "after"]);
  });

  each(STORES_ONLY, "a new role is heard by all and holds at once", async (world) => {
    const { a, b, c, room } = await roomOf(world, { b: "MEMBER", c: "MEMBER" });
    await fails(b, "add_participant", { conversationId: room, userId: "x" }, "FORBIDDEN");
    await ask(a, "set_role", { conversationId: room, userId: "b", role: "ADMIN" });
    for (const client of [b, c]) {
      const { conversation } = await client.next("conversation_updated");
      assert.equal(rolesOf(conversation).b, "ADMIN");
    }
    await ask(b, "add_participant", { conversationId: room, userId: "x" });
    await ask(a, "set_role", { conversationId: room, userId: "b", role: "MEMBER" });
    await fails(b, "add_participant", { conversationId: room, userId: "y" }, "FORBIDDEN");
  });

  each(STORES_ONLY, "adding somebody again changes nothing about them", async (world) => {
    const { a, b, room } = await roomOf(world, { b: "ADMIN", c: "MODERATOR" });
    for (const [client, userId, role] of [[b, "a", "MEMBER"], [a, "b", "MEMBER"], [b, "c", "ADMIN"], [a, "b", undefined]]) {
      const ack = await client.emitWithAck("add_participant", { conversationId: room, userId, role });
      if (!ack.ok) assert.ok(["CONFLICT", "FORBIDDEN"].includes(ack.error.code), JSON.stringify(ack));
    }
    assert.deepEqual(rolesOf(await look(a, room)), { a: "OWNER", b: "ADMIN", c: "MODERATOR" });
  });

  each(STORES_ONLY, "roles are words of a closed set, and people who are not there cannot be changed", async (world) => {
    const { a, room: conversationId } = await roomOf(world, { b: "MEMBER" });
    for (const role of ["owner", "", "KING", 5, {}, true]) {
      await fails(a, "set_role", { conversationId, userId: "b", role }, "INVALID_PAYLOAD");
      await fails(a, "add_participant", { conversationId, userId: "x", role }, "INVALID_PAYLOAD");
    }
    await fails(a, "set_role", { conversationId, userId: "b" }, "INVALID_PAYLOAD");
    for (const userId of [undefined, null, "", {}, [], "a\0b", "x".repeat(129)]) {
      await fails(a, "remove_participant", { conversationId, userId }, "INVALID_PAYLOAD");
      for (const event of ["add_participant", "set_role"]) {
        await fails(a, event, { conversationId, userId, role: "MEMBER" }, "INVALID_PAYLOAD");
      }
    }
    await fails(a, "set_role", { conversationId, userId: "nobody", role: "ADMIN" }, "NOT_FOUND");
    await fails(a, "remove_participant", { conversationId, userId: "nobody" }, "NOT_FOUND");
    assert.deepEqual(rolesOf(await look(a, conversationId)), { a: "OWNER", b: "MEMBER" });
  });
});

async function add(by, { world, client, id }, conversationId, body) {
  if (by === "socket") return codeOf(await client.emitWithAck("add_participant", { conversationId, ...body }));
  return statusOf(await V1.as(world, id).call("POST", `/conversations/${conversationId}/participants`, body));
}

async function remove(by, { world, client, id }, conversationId, userId) {
  if (by === "socket") return codeOf(await client.emitWithAck("remove_participant", { conversationId, userId }));
  return statusOf(await V1.as(world, id).call("DELETE", `/conversations/${conversationId}/participants/${userId}`));
}

function codeOf(ack) {
  return ack.ok ? "ok" : ack.error.code;
}

function statusOf({ status, body }) {
  return status < 300 ? "ok" : body.error.code;
}
