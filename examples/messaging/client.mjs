// Two people in one conversation. Run it beside a server in development mode:
//   npm install --prefix examples
//   node examples/messaging/client.mjs http://localhost:3001

import { once } from "node:events";
import { io } from "socket.io-client";

const url = process.argv[2] ?? process.env.NEXT_PUBLIC_SOCKET_URL ?? "http://localhost:3001";

async function person(userId) {
  const socket = io(url);
  socket.on("connect_error", (error) => {
    console.error(`${userId}: ${error.message}`);
    process.exit(1);
  });
  socket.emit("join_user_room", userId);
  await once(socket, "connected");
  return socket;
}

const ayse = await person(1);
const mehmet = await person(2);

// A conversation between two people comes into being with its first message.
const draft = { conversationId: 1, senderId: 1, receiverId: 2, content: "merhaba", type: "text", tempId: `temp_${Date.now()}` };
const atMehmet = once(mehmet, "new_message");
ayse.emit("send_message", draft);
const [sent] = await once(ayse, "message_sent");
console.log(`stored as message ${sent.id} in conversation ${sent.conversationId}`);
const [hello] = await atMehmet;
console.log(`${hello.receiverId} hears from ${hello.senderId}: ${hello.content}`);

const { conversationId } = hello;
await ayse.emitWithAck("join_conversation", conversationId);
const read = once(ayse, "messages_read");
mehmet.emit("mark_read", { conversationId, userId: 2 });
const [{ userId }] = await read;
console.log(`${userId} has read it`);

const history = await fetch(new URL(`/api/messages?conversationId=${conversationId}`, url));
const { messages } = await history.json();
console.log(`the history has ${messages.length} message, read: ${messages[0].read}`);

ayse.close();
mehmet.close();
