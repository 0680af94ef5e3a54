// Two people talk to each other; one of them misses a message and catches up. Run it beside a server in development
// mode:
//   npm install --prefix examples
//   node examples/native/client.mjs http://localhost:3001

import { once } from "node:events";
import { io } from "socket.io-client";

const url = process.argv[2] ?? process.env.NEXT_PUBLIC_SOCKET_URL ?? "http://localhost:3001";

async function person(userId, more = {}) {
  const socket = io(url, { forceNew: true, auth: { dialect: "native", userId, ...more } });
  socket.on("connect_error", (error) => {
    console.error(`${userId}: ${error.message}`);
    process.exit(1);
  });
  const [session] = await once(socket, "session");
  return { socket, session, ask: (event, payload) => ask(socket, event, payload) };
}

/** The data of an answer; an error if it is none. */
async function ask(socket, event, payload) {
  const answer = await socket.emitWithAck(event, payload);
  if (!answer.ok) throw new Error(`${event}: ${answer.error.message}`);
  return answer.data;
}

/** The next message of somebody else. */
function heardBy({ socket }, userId) {
  return new Promise((resolve) => {
    socket.on("new_message", ({ message }) => message.senderId !== userId && resolve(message));
  });
}

const ayse = await person("ayse", { name: "Ayşe" });
const mehmet = await person("mehmet", { name: "Mehmet" });

const { conversation } = await ayse.ask("create_conversation", { userId: "mehmet" });
const conversationId = conversation.id;
const atMehmet = heardBy(mehmet, "mehmet");
// However often this is sent, it is one message: its id says so.
const draft = { conversationId, content: "merhaba", clientMessageId: `hello-${Date.now()}` };
await ayse.ask("send_message", draft);
const again = await ayse.ask("send_message", draft);
const hello = await atMehmet;
console.log(`mehmet hears from ${hello.senderName}: ${hello.content} (sent again: duplicate ${again.duplicate})`);

const atAyse = heardBy(ayse, "ayse");
await mehmet.ask("send_message", { conversationId, content: "selam", replyTo: hello.id });
const { unread } = await mehmet.ask("mark_read", { conversationId });
const answer = await atAyse;
console.log(`ayse hears from ${answer.senderName}: ${answer.content} (mehmet has ${unread} unread)`);

mehmet.socket.close();
await ayse.ask("send_message", { conversationId, content: "still there?" });
const since = { epoch: mehmet.session.epoch, conversations: { [conversationId]: answer.rev } };
const back = io(url, { forceNew: true, auth: { dialect: "native", userId: "mehmet", since } });
const [caughtUp] = await once(back, "sync");
const missed = caughtUp.changed[conversationId].map(({ content }) => content);
console.log(`mehmet was away and missed: ${missed.join(", ")}`);

ayse.socket.close();
back.close();
