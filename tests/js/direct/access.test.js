// Who may do what in token mode (access.json): every operation of the dialect for every kind of caller.

import { describe } from "node:test";
import { checkAccess, connected, emitting } from "../support/access.js";
import { revokedToken } from "../support/api_tokens.js";
import { DIALECTS_AND_STORES, join, sayToGroup, tokenUser } from "../support/direct.js";
import { BUSY } from "../support/matrix.js";
import { token } from "../support/token.js";

const OWNER = 1;
const IDS = { participant: 2, former: 3, stranger: 4, otherGallery: 5, admin: 6, revoked: 2 };
const GROUP = "a group";

/** Who they are: the token that they come with. */
const CALLERS = {
  nobody: async () => undefined,
  participant: async () => token(IDS.participant),
  former: async () => token(IDS.former),
  stranger: async () => token(IDS.stranger),
  otherGallery: async () => token(IDS.otherGallery, { gallery_id: "gc" }),
  admin: async () => token(IDS.admin, { role: "ADMIN" }),
  revoked: async (world) => revokedToken(world, IDS.revoked),
};

/** How front ends say who they are; in token mode that changes nothing. */
const REGISTERING = ["register", "register_user", "addUser", "add-user", "set_user_id", "setup", "login", "join"];

/** How each is tried. */
const ATTEMPTS = {
  "register (as oneself)": emitting((_, { caller }) => IDS[caller]),
  ...Object.fromEntries(REGISTERING.map((word) => [`${word} (as somebody else)`, emitting(() => OWNER)])),
  chat: emitting(() => ({ recipientId: 77, messageContent: "x" })),
  groupChat: emitting(() => ({ groupId: GROUP, messageContent: "x" })),
  // Whoever knows the id of an open group may join.
  joinGroup: emitting(() => GROUP),
  leaveGroup: emitting(() => GROUP),
  "hear (a group message)": hearing,
};

describe("access in direct", BUSY, () => {
  checkAccess({
    dialect: "direct", combinations: DIALECTS_AND_STORES, callers: CALLERS, attempts: ATTEMPTS, stage: aGroup,
    async afterwards({ place: { owner }, row, outcomes }) {
      const nSent = Object.values(outcomes).filter((outcome) => outcome === "ok").length;
      if (row === "groupChat") await owner.several("groupChat", nSent);
      await owner.none();
    },
  });
});

/** A group with its owner, whose socket listens, a participant, and somebody who left. */
async function aGroup(world) {
  const owner = await tokenUser(world, OWNER);
  const [participant, former] = [await tokenUser(world, IDS.participant), await tokenUser(world, IDS.former)];
  await join(GROUP, owner, participant, former);
  await former.ask("leaveGroup", GROUP);
  for (const client of [participant, former]) client.close();
  owner.forget();
  return { owner };
}

async function hearing(attempt) {
  const client = await connected(attempt);
  if (!client) return "refused";
  await client.ask("register", IDS[attempt.caller]);
  client.forget();
  const { owner } = attempt.place;
  await sayToGroup(owner, GROUP, "for us");
  await owner.next("groupChat");
  if (attempt.caller === "participant") await client.next("groupChat");
  await client.none();
  const heard = client.order.join() || "nothing";
  client.close();
  return heard;
}
