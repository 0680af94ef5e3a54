// Who may do what in token mode (access.json): every operation of the dialect for every kind of caller.

import { describe } from "node:test";
import { calling, checkAccess, emitting } from "../support/access.js";
import { callersBeside } from "../support/api_tokens.js";
import { BUSY, DIALECTS_AND_STORES } from "../support/matrix.js";
import { draft } from "../support/messages.js";
import { token } from "../support/token.js";

const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]);

const CALLERS = callersBeside(() => token(1));

/** How each is tried in conversation `c` of users 1 and 2. */
const ATTEMPTS = {
  join_user_room: emitting(() => 1),
  leave_user_room: emitting(() => 1),
  join_conversation: emitting(({ c }) => c),
  // Who does not listen can stop listening all the same.
  leave_conversation: emitting(({ c }) => c),
  send_message: emitting(({ c }) => draft({ conversationId: c })),
  typing: emitting(({ c }) => ({ conversationId: c, isTyping: true })),
  mark_read: emitting(({ c }) => ({ conversationId: c, userId: 1 })),
  broadcast_new_message: emitting(({ c }) => ({ message: { id: 9 }, conversationId: c })),
  broadcast_messages_read: emitting(({ c }) => ({ conversationId: c, userId: 2 })),
  "GET /api/messages": calling((rest, { c }) => rest.get(`/api/messages?conversationId=${c}`), length("messages")),
  "POST /api/messages": calling((rest) => rest.post("/api/messages", { senderId: 1, receiverId: 2, content: "x" })),
  "PUT /api/messages": calling((rest, { c }) => rest.put("/api/messages", { conversationId: c, userId: 1 })),
  "GET /api/messages/conversations": calling(
    (rest) => rest.get("/api/messages/conversations?userId=1"), length("conversations"),
  ),
  "GET /api/user/me": calling((rest) => rest.get("/api/user/me")),
  "POST /api/upload": calling((rest) => {
    return rest.postMultipart("/api/upload", { file: new File([PNG], "a.png", { type: "image/png" }) });
  }),
};

describe("access in messaging", BUSY, () => {
  checkAccess({
    dialect: "messaging", combinations: DIALECTS_AND_STORES, callers: CALLERS, attempts: ATTEMPTS, stage: aConversation,
  });
});

async function aConversation(world) {
  const a = await world.tokenUser(1);
  return { c: (await a.ask("send_message", draft())).message.conversationId };
}

/** The status, and how long the list is that came. */
function length(list) {
  return ({ status, body }) => (status === 200 ? `${status} with ${body[list].length}` : String(status));
}
