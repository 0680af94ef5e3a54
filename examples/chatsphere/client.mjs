// Two people in a room, over plain WebSockets. Run it beside a server in development mode:
//   npm install --prefix examples
//   node examples/chatsphere/client.mjs http://localhost:3001

import { once } from "node:events";
import WebSocket from "ws";

const url = process.argv[2] ?? process.env.NEXT_PUBLIC_SOCKET_URL ?? "http://localhost:3001";

async function call(method, path, { token, ...body } = {}) {
  const response = await fetch(new URL(path, url), {
    method,
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${method} ${path}: ${answer.error}`);
  return answer;
}

/** A new user: `{ user, token }`. The token is shown this once. */
function signUp(name) {
  return call("POST", "/api/users", { username: `${name}-${Date.now()}` });
}

/** A socket in the room, and the frames that it hears. */
async function join({ user, token }, roomId) {
  const socket = new WebSocket(`${url.replace(/^http/, "ws")}/ws?token=${token}`);
  const heard = [];
  socket.on("message", (data) => {
    heard.push(JSON.parse(data));
    socket.emit("heard");
  });
  const next = async (type) => {
    for (;;) {
      const at = heard.findIndex((frame) => frame.type === type);
      if (at >= 0) return heard.splice(at, 1)[0];
      await once(socket, "heard");
    }
  };
  const send = (frame) => socket.send(JSON.stringify(frame));
  await once(socket, "open");
  send({ type: "join", userId: user.id, roomId });
  await next("previous_messages");
  return { send, next, close: () => socket.close() };
}

const ayse = await signUp("ayse");
const mehmet = await signUp("mehmet");
const room = await call("POST", "/api/rooms", { name: "Lunch", userId: ayse.user.id, token: ayse.token });
await call("POST", `/api/rooms/${room.id}/users`, { userId: mehmet.user.id, token: ayse.token });

const a = await join(ayse, room.id);
const m = await join(mehmet, room.id);

a.send({ type: "message", userId: ayse.user.id, roomId: room.id, content: "Where do we meet?" });
const { message } = await m.next("new_message");
console.log(`mehmet hears from ${message.user.username}: ${message.content}`);
await a.next("new_message"); // one's own message comes back too

await call("POST", `/api/rooms/${room.id}/messages`, { content: "In the garden.", token: mehmet.token });
const answer = await a.next("new_message");
console.log(`ayse hears from ${answer.message.user.username}: ${answer.message.content}`);

a.close();
m.close();
