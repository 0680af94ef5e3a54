// Two people talk to each other, and in a group. Run it beside a server in development mode:
//   npm install --prefix examples
//   node examples/direct/client.mjs http://localhost:3001

import { once } from "node:events";
import { io } from "socket.io-client";

const url = process.argv[2] ?? process.env.NEXT_PUBLIC_SOCKET_URL ?? "http://localhost:3001";

async function person(userId) {
  const socket = io(url, { auth: { dialect: "direct" } });
  socket.on("connect_error", (error) => {
    console.error(`${userId}: ${error.message}`);
    process.exit(1);
  });
  await socket.emitWithAck("register", userId);
  return socket;
}

const ayse = await person("ayse");
const mehmet = await person("mehmet");

const atMehmet = once(mehmet, "chat");
const { delivered } = await ayse.emitWithAck("chat", { recipientId: "mehmet", messageContent: "merhaba" });
const [hello] = await atMehmet;
console.log(`mehmet hears from ${hello.senderId}: ${hello.messageContent} (delivered: ${delivered})`);

const atAyse = once(ayse, "chat");
mehmet.emit("chat", { recipientId: hello.senderId, messageContent: "selam" });
const [answer] = await atAyse;
console.log(`ayse hears from ${answer.senderId}: ${answer.messageContent}`);

await ayse.emitWithAck("joinGroup", "lunch");
await mehmet.emitWithAck("joinGroup", "lunch");
const atBoth = Promise.all([once(ayse, "groupChat"), once(mehmet, "groupChat")]);
ayse.emit("groupChat", { groupId: "lunch", messageContent: { text: "At noon?", place: "garden" } });
const [[own], [theirs]] = await atBoth;
console.log(`ayse finds her own message: ${own.senderId === ayse.id}`);
console.log(`mehmet hears in ${theirs.groupId}: ${JSON.stringify(theirs.messageContent)}`);

ayse.close();
mehmet.close();
