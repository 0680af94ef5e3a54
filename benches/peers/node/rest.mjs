// The three calls that are read over HTTP. With so few a router would be all cost.

import { toId } from "./payloads.mjs";

const MAX_MESSAGES = 1000;

/** The listener for Node's HTTP server. Socket.IO takes the calls of its own path before this one sees them. */
export function restOf(store) {
  const routes = {
    "GET /health": async () => [200, { ok: true }],
    "GET /api/messages": (query) => listMessages(store, query),
    "GET /api/messages/conversations": (query) => listConversations(store, query),
  };
  return async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://localhost");
    const route = routes[`${request.method} ${pathname}`];
    const [status, body] = route ? await route(searchParams) : refusal(404, "Not Found");
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(JSON.stringify(body));
  };
}

async function listMessages(store, query) {
  const conversationId = toId(query.get("conversationId"));
  if (!conversationId) return refusal(400, "Conversation ID is required");
  const limit = Math.min(toId(query.get("limit")) ?? MAX_MESSAGES, MAX_MESSAGES);
  try {
    return [200, { success: true, messages: await store.history(conversationId, limit) }];
  } catch (error) {
    console.error("GET /api/messages failed:", error);
    return refusal(500, "Failed to fetch messages");
  }
}

async function listConversations(store, query) {
  const userId = toId(query.get("userId"));
  if (!userId) return refusal(400, "User ID is required");
  try {
    return [200, { success: true, conversations: await store.conversations(userId) }];
  } catch (error) {
    console.error("GET /api/messages/conversations failed:", error);
    return refusal(500, "Failed to fetch conversations");
  }
}

function refusal(status, message) {
  return [status, { success: false, message }];
}
