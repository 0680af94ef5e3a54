// Two people on Sohbet's own dialect. Run it beside a server in development mode:
//   npm install socket.io-client
//   node client.mjs http://localhost:3001

import { once } from "node:events";
import { io } from "socket.io-client";

const url = process.argv[2] ?? process.env.NEXT_PUBLIC_SOCKET_URL ?? "http://localhost:3001";

/** Connects and waits for the session: who the server takes this for, and how much is unread. */
async function person(userId, name) {
  const socket = io(url, { auth: { dialect: "native", userId, name } });
  socket.on("connect_error", (error) => {
    console.error(`${name}: ${error.message}`);
    process.exit(1);
  });
  const [{ unreadTotal }] = await once(socket, "session");
  console.log(`${name} is here, ${unreadTotal} unread`);
  return socket;
}

/** Every event is answered: `{ ok: true, data }` or `{ ok: false, error }`. */
async function ask(socket, event, payload) {
  const answer = await socket.timeout(5000).emitWithAck(event, payload);
  if (!answer.ok) throw new Error(`${event}: ${answer.error.code} ${answer.error.message}`);
  return answer.data;
}

const ayse = await person("ayse", "Ayşe");
const mehmet = await person("mehmet", "Mehmet");

const { conversation } = await ask(ayse, "create_conversation", { userId: "mehmet" });
const conversationId = conversation.id;

const atMehmet = once(mehmet, "new_message");
await ask(ayse, "send_message", { conversationId, content: "merhaba", clientMessageId: `hello-${Date.now()}` });
const [{ message }] = await atMehmet;
console.log(`Mehmet hears from ${message.senderName}: ${message.content} (message ${message.seq})`);

const read = once(ayse, "message_read");
await ask(mehmet, "mark_read", { conversationId });
const [{ userId, lastReadSeq }] = await read;
console.log(`${userId} has read up to ${lastReadSeq}`);

const atAyse = once(ayse, "new_message");
await ask(mehmet, "send_message", { conversationId, content: "selam", replyTo: message.id });
await atAyse;
const { messages } = await ask(ayse, "history", { conversationId });
console.log(`the history: ${messages.map(({ seq, content }) => `${seq} ${content}`).join(", ")}`);

ayse.close();
mehmet.close();
