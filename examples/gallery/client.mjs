// Two dealers talk about a vehicle. Run it beside a server in development mode:
//   npm install --prefix examples
//   node examples/gallery/client.mjs http://localhost:3001

import { once } from "node:events";
import { io } from "socket.io-client";

const url = process.argv[2] ?? process.env.NEXT_PUBLIC_SOCKET_URL ?? "http://localhost:3001";

/** Somebody who acts for a gallery. With tokens: `auth: { token }`, and `authorization: Bearer <token>`. */
async function dealer(userId, galleryId) {
  const socket = io(url, { auth: { dialect: "gallery", userId, galleryId } });
  socket.on("connect_error", (error) => {
    console.error(`${userId}: ${error.message}`);
    process.exit(1);
  });
  await once(socket, "connect");
  const headers = { "content-type": "application/json", "x-user-id": userId, "x-gallery-id": galleryId };
  async function call(method, path, body) {
    const response = await fetch(new URL(path, url), { method, headers, body: body && JSON.stringify(body) });
    const answer = await response.json();
    if (!answer.success) throw new Error(answer.error.message);
    return answer.data;
  }
  return { socket, call };
}

const ayse = await dealer("ayse", "galeri-a");
const mehmet = await dealer("mehmet", "galeri-b");

// A new vehicle each time, so that the room is new as well.
const vehicleId = crypto.randomUUID();
const room = await ayse.call("POST", "/chats", { roomType: "vehicle", vehicleId, otherGalleryId: "galeri-b" });

// Mehmet has not joined: his gallery hears it all the same.
const atMehmet = once(mehmet.socket, "new_message");
await ayse.call("POST", `/chats/${room.id}/messages`, { content: "Is it still for sale?" });
const [{ roomId, message }] = await atMehmet;
console.log(`mehmet hears from ${message.sender_id}: ${message.content}`);

const [listed] = (await mehmet.call("GET", "/chats")).filter(({ id }) => id === roomId);
console.log(`mehmet has ${listed.unread_count} unread`);
await mehmet.call("POST", `/chats/${roomId}/read`);

await ayse.socket.emitWithAck("join_room", roomId);
await mehmet.socket.emitWithAck("join_room", { roomId });
const typing = once(ayse.socket, "user_typing");
mehmet.socket.emit("typing_start", { roomId });
console.log(`ayse sees that ${(await typing)[0].userId} is typing`);

const atAyse = once(ayse.socket, "new_message");
await mehmet.call("POST", `/chats/${roomId}/messages`, { content: "It is. Come and see it." });
const [answer] = await atAyse;
console.log(`ayse hears from ${answer.message.sender_id}: ${answer.message.content}`);

ayse.socket.close();
mehmet.socket.close();
