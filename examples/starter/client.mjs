// Two people in one chat: a message to everybody, a private one, and one in a room. Run it beside a server in
// development mode:
//   npm install --prefix examples
//   node examples/starter/client.mjs http://localhost:3001

import { once } from "node:events";
import { io } from "socket.io-client";

const url = process.argv[2] ?? process.env.NEXT_PUBLIC_SOCKET_URL ?? "http://localhost:3001";

async function person(name) {
  const socket = io(url, { auth: { dialect: "starter" } });
  socket.on("connect_error", (error) => {
    console.error(`${name}: ${error.message}`);
    process.exit(1);
  });
  await socket.emitWithAck("user_join", name);
  return socket;
}

const ayse = await person("ayse");
const mehmet = await person("mehmet");

const atMehmet = once(mehmet, "receive_message");
ayse.emit("send_message", { message: "merhaba", color: "red" });
const [hello] = await atMehmet;
console.log(`mehmet hears from ${hello.sender}, in ${hello.color}: ${hello.message}`);

const atAyse = once(ayse, "private_message");
mehmet.emit("private_message", { to: hello.senderId, message: "selam" });
const [answer] = await atAyse;
console.log(`ayse hears from ${answer.sender}, and nobody else does: ${answer.message}`);

await ayse.emitWithAck("join_room", { room: "tech" });
const history = once(mehmet, "room_messages");
await mehmet.emitWithAck("join_room", { room: "tech" });
console.log(`mehmet finds ${(await history)[0].length} messages in tech`);
const inRoom = once(mehmet, "receive_message");
ayse.emit("send_message", { message: "Anybody here?" });
const [question] = await inRoom;
const liked = once(ayse, "reaction_added");
mehmet.emit("add_reaction", { messageId: question.id, reaction: "👍" });
const [{ reactions }] = await liked;
console.log(`ayse hears of a reaction in ${question.room}: ${Object.keys(reactions)}`);

ayse.close();
mehmet.close();
