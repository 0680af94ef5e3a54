// Who may do what in token mode (access.json): every operation of the dialect for every kind of caller. A conversation
// cannot be left, so there are people besides who share the number or the role of one who takes part.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { calling, checkAccess, connected, emitting } from "../support/access.js";
import { revokedToken } from "../support/api_tokens.js";
import { BUSY } from "../support/matrix.js";
import {
  DIALECTS_AND_STORES, draft, getDebug, getHistory, patchRead, personToken, post, postMessage, restOf, tokenPerson,
} from "../support/school.js";

const AUTHOR = [1, "teacher"];
const RECIPIENT = [2, "student"];
const UNKNOWN = "401 Unauthorized";

/** Who they are; an administrator of the server is nobody at school. */
const PEOPLE = {
  author: AUTHOR,
  classmate: [9, "student"],
  namesakeOfAuthor: [1, "student"],
  namesakeOfRecipient: [2, "teacher"],
  stranger: [9, "teacher"],
  otherGallery: [9, "teacher", { gallery_id: "gc" }],
  admin: [1, "ADMIN"],
  roleless: [1, undefined],
  participant: RECIPIENT,
};
const CALLERS = {
  ...Object.fromEntries(Object.entries(PEOPLE).map(([caller, person]) => [caller, async () => personToken(...person)])),
  nobody: async () => undefined,
  revoked: (world) => revokedToken(world, `${RECIPIENT[1]}:${RECIPIENT[0]}`),
};

/** How each is tried about a message `m` of the author. */
const ATTEMPTS = {
  authenticate: emitting(() => ({ userId: RECIPIENT[0], role: RECIPIENT[1] })),
  new_message: emitting(() => toRecipient({ content: "by socket" })),
  mark_as_read: emitting(({ m }) => ({ messageId: m })),
  "hear (a message)": hearing,
  "GET /api/messages/teacher": calling((rest) => getHistory(rest, 1, 2, "teacher"), summary("messages")),
  "GET /api/messages/student": calling((rest) => getHistory(rest, 1, 2, "student"), summary("messages")),
  "POST /api/messages/send": calling((rest) => postMessage(rest, toRecipient()), summary()),
  "PATCH /api/messages/mark-read": calling((rest, { m }) => patchRead(rest, { messageIds: [m] }), summary("updatedCount")),
  "GET /api/messages/unread-count": calling((rest) => rest.get("/api/messages/unread-count"), summary("unreadCount")),
  "GET /api/debug/messages": calling((rest) => getDebug(rest, 1, 2), summary("filteredMessages")),
};

describe("access in school", BUSY, () => {
  checkAccess({
    dialect: "school", combinations: DIALECTS_AND_STORES, callers: CALLERS, attempts: ATTEMPTS,
    stage: async (world) => ({ m: await post(restOf(world, ...AUTHOR), toRecipient()) }),
  });
});

function toRecipient(fields = {}) {
  return draft({ recipientId: RECIPIENT[0], recipientRole: RECIPIENT[1], ...fields });
}

/** What a socket that did everything it may to listen hears of a message of the author. */
async function hearing(attempt) {
  const client = await connected(attempt);
  if (!client) return "refused";
  const { world, caller } = attempt;
  for (const [userId, role] of [PEOPLE[caller], RECIPIENT]) await client.emitWithAck("authenticate", { userId, role });
  client.forget();
  const sender = await tokenPerson(world, ...AUTHOR);
  await sender.ask("new_message", toRecipient());
  sender.close();
  if ([AUTHOR, RECIPIENT].includes(PEOPLE[caller])) await client.next("message_received");
  await client.none();
  const heard = client.order.join() || "nothing";
  client.close();
  return heard;
}

/** The status, and the size of what was found: a count, or a length. Every 401 has one text. */
function summary(key = undefined) {
  return ({ status, body }) => {
    if (status === 401) assert.equal(`401 ${body.error}`, UNKNOWN);
    if (status !== 200 || !key || !(key in body)) return String(status);
    return `${status} with ${body[key].length ?? body[key]}`;
  };
}
