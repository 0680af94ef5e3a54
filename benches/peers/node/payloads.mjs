// What clients send, as the stores want it.

/** The largest PostgreSQL INTEGER, which the ids are. */
const MAX_ID = 2 ** 31 - 1;

/** A positive integer from a number or a string; null for anything else. */
export function toId(value) {
  const id = typeof value === "string" ? Number(value) : value;
  return Number.isInteger(id) && id > 0 && id <= MAX_ID ? id : null;
}

/** Clients send booleans, and some the words for them. */
export function toFlag(value) {
  return value === true || value === "true";
}

/**
 * The message to store; null if something is missing. Its `conversationId` is null where the client made up one that
 * cannot be an id: the store chooses then.
 */
export function toDraft(payload) {
  const senderId = toId(payload?.senderId);
  const receiverId = toId(payload?.receiverId);
  if (!senderId || !receiverId || !payload.conversationId) return null;
  if (!payload.content && !payload.fileUrl) return null;
  return {
    conversationId: toId(payload.conversationId),
    senderId,
    receiverId,
    content: payload.content || null,
    type: payload.type || "text",
    fileUrl: payload.fileUrl ?? null,
    fileName: payload.fileName ?? null,
    fileSize: payload.fileSize ? Number(payload.fileSize) : null,
    fileType: payload.fileType ?? null,
  };
}
