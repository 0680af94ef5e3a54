// Who may do what in token mode: every operation of the dialect for participants, former participants, strangers, and
// callers without identity.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DIALECTS_AND_STORES, join, sayToGroup, tokenUser } from "../support/direct.js";
import { BUSY, each } from "../support/matrix.js";
import { TOKEN_MODE, token } from "../support/token.js";

const OWNER = 1;
const CALLERS = { participant: 2, former: 3, stranger: 4, nobody: null };
const everybody = (outcome) => ({ participant: outcome, former: outcome, stranger: outcome, nobody: "Authentication error" });
const participants = (done, refused) => ({ ...everybody(refused), participant: done });

/** Operation: how it is tried and what comes of it for each caller. */
const OPERATIONS = {
  "register as oneself": { attempt: emitting("register", ({ id }) => id), outcomes: everybody("ok") },
  "register as the owner": { attempt: emitting("register", () => OWNER), outcomes: everybody("FORBIDDEN") },
  "chat with anybody": {
    attempt: emitting("chat", () => ({ recipientId: 77, messageContent: "x" })),
    outcomes: everybody("ok"),
  },
  groupChat: {
    attempt: emitting("groupChat", ({ groupId }) => ({ groupId, messageContent: "x" })),
    outcomes: participants("ok", "NOT_FOUND"),
  },
  // Whoever knows the id of an open group may join.
  joinGroup: { attempt: emitting("joinGroup", ({ groupId }) => groupId), outcomes: everybody("ok") },
  leaveGroup: { attempt: emitting("leaveGroup", ({ groupId }) => groupId), outcomes: participants("ok", "NOT_FOUND") },
  "hearing a group message": { attempt: hearing, outcomes: participants("groupChat", "nothing") },
};

describe("access in direct", BUSY, () => {
  it("every operation has an outcome for every caller", () => {
    for (const [operation, { outcomes }] of Object.entries(OPERATIONS)) {
      assert.deepEqual(Object.keys(outcomes).sort(), Object.keys(CALLERS).sort(), operation);
    }
  });

  for (const [operation, { attempt, outcomes }] of Object.entries(OPERATIONS)) {
    each(DIALECTS_AND_STORES, `${operation} is done by whom it concerns`, async (world) => {
      const owner = await tokenUser(world, OWNER);
      const groupId = "a group";
      const [participant, former] = [await tokenUser(world, CALLERS.participant), await tokenUser(world, CALLERS.former)];
      await join(groupId, owner, participant, former);
      await former.ask("leaveGroup", groupId);
      for (const client of [participant, former]) client.close();
      owner.forget();
      const found = {};
      for (const [name, id] of Object.entries(CALLERS)) found[name] = await attempt(world, { id, groupId, owner });
      assert.deepEqual(found, outcomes);
      await owner.none("chat");
      const refused = Object.values(outcomes).filter((outcome) => outcome === "NOT_FOUND").length;
      if (operation === "groupChat") assert.equal(owner.all("groupChat").length, Object.keys(CALLERS).length - 1 - refused);
    }, TOKEN_MODE);
  }
});

/** An attempt that gives `ok`, the code of the refusal, or why there is no socket. */
function emitting(event, payload) {
  return async (world, place) => {
    const client = await connected(world, place.id);
    if (client instanceof Error) return client.message;
    const ack = await client.emitWithAck(event, payload(place));
    client.close();
    return ack.ok ? "ok" : ack.error.code;
  };
}

async function hearing(world, { id, groupId, owner }) {
  const client = await connected(world, id);
  if (client instanceof Error) return client.message;
  await client.ask("register", id);
  client.forget();
  await sayToGroup(owner, groupId, "for us");
  if (id === CALLERS.participant) await client.next("groupChat");
  await client.none();
  const heard = client.order.join() || "nothing";
  client.close();
  return heard;
}

function connected(world, id) {
  return id ? world.connect({ auth: { token: token(id) } }) : world.refused();
}
