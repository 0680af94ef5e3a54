// Who may do what in token mode: every operation of the dialect for every kind of caller. A conversation of two people
// cannot be left, so instead of former participants there are people who share the number or the role of one.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BUSY, each } from "../support/matrix.js";
import {
  DIALECTS_AND_STORES, draft, getDebug, getHistory, patchRead, person, personToken, post, postMessage, restOf,
} from "../support/school.js";
import { TOKEN_MODE } from "../support/token.js";

const AUTHOR = [1, "teacher"];
const RECIPIENT = [2, "student"];
/** The recipient comes last: what it reads is read afterwards. */
const CALLERS = {
  nobody: null,
  roleless: [1, undefined],
  stranger: [9, "teacher"],
  classmate: [9, "student"],
  namesakeOfAuthor: [1, "student"],
  namesakeOfRecipient: [2, "teacher"],
  author: AUTHOR,
  recipient: RECIPIENT,
};

const everybody = (outcome) => Object.fromEntries(Object.keys(CALLERS).map((caller) => [caller, outcome]));
/** By socket: without a token there is none. */
const refusedTo = (code) => ({ ...everybody(code), nobody: "Authentication error" });
const onlyBy = (caller, done, refused) => ({ ...refusedTo(refused), [caller]: done });
/** Over HTTP: who has no token, or one without a role. */
const UNKNOWN = { nobody: "401 Unauthorized", roleless: "401 Unauthorized" };

/** Operation: how it is tried and what comes of it for each caller. */
const OPERATIONS = {
  "authenticate as the recipient": {
    attempt: emitting("authenticate", () => ({ userId: 2, role: "student" })),
    outcomes: onlyBy("recipient", "ok", "FORBIDDEN"),
  },
  "new_message as the author": {
    attempt: emitting("new_message", () => toRecipient({ content: "by socket" })),
    outcomes: onlyBy("author", "ok", "FORBIDDEN"),
  },
  mark_as_read: {
    attempt: emitting("mark_as_read", (messageId) => ({ messageId })),
    outcomes: onlyBy("recipient", "ok", "FORBIDDEN"),
  },
  "hearing a message": {
    attempt: hearing,
    outcomes: { ...refusedTo("nothing"), author: "message_received", recipient: "message_received" },
  },
  "GET /api/messages/teacher": {
    attempt: async (rest) => summary(await getHistory(rest, 1, 2, "teacher"), "messages"),
    outcomes: { ...everybody("401 Unauthorized"), author: "200 messages 1" },
  },
  "GET /api/messages/student": {
    attempt: async (rest) => summary(await getHistory(rest, 1, 2, "student"), "messages"),
    outcomes: { ...everybody("401 Unauthorized"), recipient: "200 messages 1" },
  },
  "POST /api/messages/send as the author": {
    attempt: async (rest) => summary(await postMessage(rest, toRecipient()), "messageId"),
    outcomes: { ...everybody("401 Unauthorized"), author: "200 messageId 36" },
  },
  "PATCH /api/messages/mark-read": {
    attempt: async (rest, id) => summary(await patchRead(rest, { messageIds: [id] }), "updatedCount"),
    outcomes: { ...everybody("200 updatedCount 0"), ...UNKNOWN, recipient: "200 updatedCount 1" },
  },
  "GET /api/messages/unread-count": {
    attempt: async (rest) => summary(await rest.get("/api/messages/unread-count"), "unreadCount"),
    outcomes: { ...everybody("200 unreadCount 0"), ...UNKNOWN, recipient: "200 unreadCount 1" },
  },
  "GET /api/debug/messages": {
    attempt: async (rest) => summary(await getDebug(rest, 1, 2), "filteredMessages"),
    outcomes: { ...everybody("200"), author: "200 filteredMessages 1", recipient: "200 filteredMessages 1" },
  },
};

describe("access in school", BUSY, () => {
  it("every operation has an outcome for every caller", () => {
    for (const [operation, { outcomes }] of Object.entries(OPERATIONS)) {
      assert.deepEqual(Object.keys(outcomes).sort(), Object.keys(CALLERS).sort(), operation);
    }
  });

  for (const [operation, { attempt, outcomes }] of Object.entries(OPERATIONS)) {
    each(DIALECTS_AND_STORES, `${operation} is done by whom it concerns`, async (world) => {
      const id = await post(restOf(world, ...AUTHOR), toRecipient());
      const found = {};
      for (const [name, caller] of Object.entries(CALLERS)) {
        const rest = caller ? restOf(world, ...caller) : world.rest;
        found[name] = await attempt(rest, id, { world, caller });
      }
      assert.deepEqual(found, { ...outcomes });
    }, TOKEN_MODE);
  }
});

function toRecipient(fields = {}) {
  return draft({ recipientId: RECIPIENT[0], recipientRole: RECIPIENT[1], ...fields });
}

/** An attempt by socket; it gives `ok`, the code of the refusal, or why there is no socket. */
function emitting(event, payload) {
  return async (_rest, messageId, { world, caller }) => {
    const client = await connected(world, caller);
    if (client instanceof Error) return client.message;
    const ack = await client.emitWithAck(event, payload(messageId));
    client.close();
    return ack.ok ? "ok" : ack.error.code;
  };
}

/** What a socket that did everything it may to listen hears of a message of the author. */
async function hearing(_rest, _id, { world, caller }) {
  const client = await connected(world, caller);
  if (client instanceof Error) return client.message;
  const [userId, role] = caller;
  for (const payload of [{ userId, role }, { userId: RECIPIENT[0], role: RECIPIENT[1] }]) {
    await client.emitWithAck("authenticate", payload);
  }
  client.forget();
  const sender = await person(world, ...AUTHOR, { auth: { token: personToken(...AUTHOR) } });
  await sender.ask("new_message", toRecipient());
  sender.close();
  const concerned = caller === AUTHOR || caller === RECIPIENT;
  if (concerned) await client.next("message_received");
  await client.none();
  const heard = client.order.join() || "nothing";
  client.close();
  return heard;
}

function connected(world, caller) {
  return caller ? world.connect({ auth: { token: personToken(...caller) } }) : world.refused();
}

/** Status, and the size of what was found: a count, or a length. */
function summary({ status, body }, key) {
  if (status !== 200) return `${status} ${body.error}`;
  if (!(key in body)) return `${status}`;
  return `${status} ${key} ${body[key].length ?? body[key]}`;
}
