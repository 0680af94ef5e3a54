// Who may do what in token mode: every operation of the dialect for every kind of caller. A conversation of two people
// cannot be left, so there is no former participant; no gallery takes part in one either.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callersBeside } from "../support/api_tokens.js";
import { PNG, upload } from "../support/files.js";
import { BUSY, DIALECTS_AND_STORES, each } from "../support/matrix.js";
import { draft } from "../support/messages.js";
import { TOKEN_MODE, token } from "../support/token.js";

const REFUSED = "Authentication error";

const CALLERS = callersBeside(() => token(1));

const NO_SOCKET = { nobody: REFUSED, revoked: REFUSED };
const sockets = (outcome) => ({ ...all(outcome), ...NO_SOCKET });
const UNAUTHORIZED = { nobody: "401", revoked: "401" };
const calls = (outcome) => ({ ...all(outcome), ...UNAUTHORIZED });
const own = (outcomes, done) => ({ ...outcomes, participant: done });

/** Operation: how it is tried in conversation `c` of users 1 and 2, and what comes of it for each caller. */
const OPERATIONS = {
  join_user_room: [emitting(() => 1), own(sockets("FORBIDDEN"), "ok")],
  leave_user_room: [emitting(() => 1), sockets("ok")],
  join_conversation: [emitting((c) => c), own(sockets("NOT_FOUND"), "ok")],
  // Who does not listen can stop listening all the same.
  leave_conversation: [emitting((c) => c), sockets("ok")],
  send_message: [emitting((c) => draft({ conversationId: c })), own(sockets("FORBIDDEN"), "ok")],
  typing: [emitting((c) => ({ conversationId: c, isTyping: true })), own(sockets("NOT_FOUND"), "ok")],
  mark_read: [emitting((c) => ({ conversationId: c, userId: 1 })), own(sockets("FORBIDDEN"), "ok")],
  broadcast_new_message: [
    emitting((c) => ({ message: { id: 9 }, conversationId: c })),
    { ...sockets("FORBIDDEN"), program: "ok", admin: "ok" },
  ],
  broadcast_messages_read: [
    emitting((c) => ({ conversationId: c, userId: 2 })),
    { ...sockets("FORBIDDEN"), program: "ok", admin: "ok" },
  ],
  "GET /api/messages": [
    calling(async (rest, c) => shown(await rest.get(`/api/messages?conversationId=${c}`), "messages")),
    own(calls("200 messages 0"), "200 messages 1"),
  ],
  "POST /api/messages": [
    calling(async (rest) => shown(await rest.post("/api/messages", { senderId: 1, receiverId: 2, content: "x" }))),
    own(calls("403"), "200"),
  ],
  "PUT /api/messages": [
    calling(async (rest, c) => shown(await rest.put("/api/messages", { conversationId: c, userId: 1 }))),
    own(calls("403"), "200"),
  ],
  "GET /api/messages/conversations": [
    calling(async (rest) => shown(await rest.get("/api/messages/conversations?userId=1"), "conversations")),
    own(calls("403"), "200 conversations 1"),
  ],
  "GET /api/user/me": [calling(async (rest) => shown(await rest.get("/api/user/me"))), calls("200")],
  "POST /api/upload": [
    calling(async (rest) => shown(await upload(rest, PNG, "image/png"))),
    calls("200"),
  ],
};

describe("access in messaging", BUSY, () => {
  it("every operation has an outcome for every caller", () => {
    for (const [operation, [, outcomes]] of Object.entries(OPERATIONS)) {
      assert.deepEqual(Object.keys(outcomes).sort(), Object.keys(CALLERS).sort(), operation);
    }
  });

  for (const [operation, [attempt, outcomes]] of Object.entries(OPERATIONS)) {
    each(DIALECTS_AND_STORES, `${operation} is done by whom it concerns`, async (world) => {
      const a = await world.tokenUser(1);
      const { conversationId } = (await a.ask("send_message", draft())).message;
      const found = {};
      for (const [name, tokenOf] of Object.entries(CALLERS)) {
        found[name] = await attempt(world, operation, await tokenOf(world), conversationId);
      }
      assert.deepEqual(found, outcomes);
    }, TOKEN_MODE);
  }
});

function all(outcome) {
  return Object.fromEntries(Object.keys(CALLERS).map((caller) => [caller, outcome]));
}

/** By socket: `ok`, the code of the refusal, or why there is no socket. */
function emitting(payload) {
  return async (world, event, secret, conversation) => {
    // The dialect is named: by itself a token with a gallery speaks another one.
    const client = await world.connect({ auth: { dialect: "messaging", token: secret } }).catch((error) => error);
    if (client instanceof Error) return client.message;
    const ack = await client.emitWithAck(event, payload(conversation));
    client.close();
    return ack.ok ? "ok" : ack.error.code;
  };
}

function calling(call) {
  return (world, _operation, secret, conversation) => {
    return call(secret ? world.rest.bearer(secret) : world.rest, conversation);
  };
}

/** The status, and how long the list is that came. */
function shown({ status, body }, list = undefined) {
  return status === 200 && list ? `${status} ${list} ${body[list].length}` : String(status);
}
