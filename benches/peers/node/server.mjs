// The words of the messaging dialect on plain Socket.IO, written once for all peers. What differs is the store:
//
//   send(draft)                          -> Promise<message>, the sixteen keys
//   history(conversationId, limit)       -> Promise<message[]>, the newest, oldest first
//   conversations(userId)                -> Promise<item[]>
//   markRead(conversationId, userId)     -> Promise<{updatedCount, readAt, otherUserId}>; other: null if not known
//   close()                              -> Promise<void>

import { createServer } from "node:http";
import jwt from "jsonwebtoken";
import { Server } from "socket.io";
import { toDraft, toFlag, toId } from "./payloads.mjs";
import { Presence } from "./presence.mjs";
import { restOf } from "./rest.mjs";

const REFUSED = "Authentication error";
const MISSING = { code: "INVALID_PAYLOAD", message: "Missing required fields" };
const NOT_YOU = { code: "FORBIDDEN", message: "Not allowed to send as this user" };
const FAILED = { code: "INTERNAL", message: "Failed to send message" };

/** Serves `store` until SIGTERM; says on standard output where. */
export function serve(store) {
  const http = createServer(restOf(store));
  const io = new Server(http, { cors: { origin: "*" } });
  const presence = new Presence((userId) => io.emit("user_offline", { userId }));

  if (process.env.JWT_SECRET) io.use(authenticate(process.env.JWT_SECRET));
  io.on("connection", (socket) => {
    socket.on("join_user_room", (payload, ack) => joinUserRoom(socket, presence, payload, ack));
    socket.on("join_conversation", (payload, ack) => joinConversation(socket, payload, ack));
    socket.on("leave_conversation", (payload, ack) => leaveConversation(socket, payload, ack));
    socket.on("send_message", (payload, ack) => sendMessage(io, socket, store, payload, ack));
    socket.on("typing", (payload, ack) => typing(socket, payload, ack));
    socket.on("mark_read", (payload, ack) => markRead(socket, store, payload, ack));
    socket.on("disconnect", () => presence.leave(socket.data.room, socket.id));
  });

  http.listen(Number(process.env.PORT ?? 3001), () => console.log(`listening on ${http.address().port}`));
  process.once("SIGTERM", async () => {
    await io.close();
    await store.close();
    process.exit(0);
  });
}

function authenticate(secret) {
  return (socket, next) => {
    try {
      const { sub } = jwt.verify(socket.handshake.auth.token, secret, { algorithms: ["HS256"] });
      socket.data.userId = toId(sub);
    } catch {
      // Told to the client below; a bad token is no trouble of ours.
    }
    next(socket.data.userId ? undefined : new Error(REFUSED));
  };
}

/** Whether the socket may act as the user: always, where the handshake asked for no token. */
function is(socket, userId) {
  return socket.data.userId === undefined || socket.data.userId === userId;
}

function joinUserRoom(socket, presence, payload, ack) {
  const userId = toId(payload?.userId ?? payload);
  if (!userId) {
    socket.emit("error", { message: "User ID required" });
    return refuse(ack, MISSING);
  }
  if (!is(socket, userId)) {
    socket.emit("error", { message: REFUSED });
    return refuse(ack, { code: "FORBIDDEN", message: REFUSED });
  }

  const before = socket.data.room;
  if (before && before !== userId) {
    socket.leave(userRoom(before));
    presence.leave(before, socket.id);
  }
  socket.data.room = userId;
  socket.join(userRoom(userId));
  const isNew = presence.join(userId, socket.id);

  const onlineUsers = presence.users();
  socket.emit("user_online", { userId });
  socket.emit("online_users", { onlineUsers });
  socket.emit("connected", { userId, socketId: socket.id });
  ack?.({ ok: true, userId, socketId: socket.id, onlineUsers });
  if (isNew) socket.broadcast.emit("user_online", { userId });
}

function joinConversation(socket, payload, ack) {
  const conversationId = toId(payload?.conversationId ?? payload);
  if (!conversationId) return refuse(ack, MISSING);
  socket.join(conversationRoom(conversationId));
  ack?.({ ok: true, conversationId });
}

function leaveConversation(socket, payload, ack) {
  const conversationId = toId(payload?.conversationId ?? payload);
  if (!conversationId) return refuse(ack, MISSING);
  socket.leave(conversationRoom(conversationId));
  ack?.({ ok: true, conversationId });
}

async function sendMessage(io, socket, store, payload, ack) {
  const tempId = payload?.tempId;
  const fail = (error) => {
    const { code, message } = error;
    socket.emit("message_error", { ...(tempId !== undefined && { tempId }), message, error: message, code });
    refuse(ack, error);
  };
  const draft = toDraft(payload);
  if (!draft) return fail(MISSING);
  if (!is(socket, draft.senderId)) return fail(NOT_YOU);

  let message;
  try {
    message = await store.send(draft);
  } catch (error) {
    console.error("send_message failed:", error);
    return fail(FAILED);
  }
  socket.emit("message_sent", tempId === undefined ? message : { ...message, tempId });
  ack?.({ ok: true, message });
  // Who sends a tempId has drawn the message already: `socket` leaves it out, `io` does not.
  const from = tempId === undefined ? io : socket;
  from.to(conversationRoom(message.conversationId)).to(userRoom(message.receiverId)).emit("new_message", message);
}

function typing(socket, payload, ack) {
  const conversationId = toId(payload?.conversationId);
  const userId = toId(payload?.userId);
  if (!conversationId || !userId) return refuse(ack, MISSING);
  const to = socket.to(conversationRoom(conversationId)).except(userRoom(userId));
  to.emit("user_typing", { userId, isTyping: toFlag(payload.isTyping), conversationId });
  ack?.({ ok: true });
}

async function markRead(socket, store, payload, ack) {
  const conversationId = toId(payload?.conversationId);
  const userId = toId(payload?.userId);
  if (!conversationId || !userId) return refuse(ack, MISSING);
  try {
    const { updatedCount, readAt, otherUserId } = await store.markRead(conversationId, userId);
    let to = socket.to(conversationRoom(conversationId));
    if (otherUserId) to = to.to(userRoom(otherUserId));
    to.emit("messages_read", { conversationId, userId, readAt });
    ack?.({ ok: true, conversationId, updatedCount });
  } catch (error) {
    console.error("mark_read failed:", error);
    refuse(ack, { code: "INTERNAL", message: "Failed to mark messages as read" });
  }
}

function refuse(ack, error) {
  ack?.({ ok: false, error });
}

function userRoom(id) {
  return `user_${id}`;
}

function conversationRoom(id) {
  return `conversation_${id}`;
}
