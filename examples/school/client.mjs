// A teacher and a student talk. Run it beside a server in development mode:
//   npm install --prefix examples
//   node examples/school/client.mjs http://localhost:3001

import { once } from "node:events";
import { io } from "socket.io-client";

const url = process.argv[2] ?? process.env.NEXT_PUBLIC_SOCKET_URL ?? "http://localhost:3001";

async function person(userId, role) {
  const socket = io(url, { auth: { dialect: "school" } });
  socket.on("connect_error", (error) => {
    console.error(`${role} ${userId}: ${error.message}`);
    process.exit(1);
  });
  socket.emit("authenticate", { userId, role });
  await once(socket, "authenticated");
  return socket;
}

/** Sends, and waits for the one answer that every message gets. */
async function send(socket, message) {
  socket.emit("new_message", message);
  const [sent] = await once(socket, "message_sent");
  return sent;
}

const teacher = await person(7, "teacher");
const student = await person(7, "student"); // the same number, another person
const toStudent = { senderId: 7, senderRole: "teacher", recipientId: 7, recipientRole: "student" };
const toTeacher = { senderId: 7, senderRole: "student", recipientId: 7, recipientRole: "teacher" };

const atStudent = once(student, "message_received");
await send(teacher, { ...toStudent, content: "The essay is due on Friday." });
const [essay] = await atStudent;
console.log(`student 7 hears: ${essay.content}`);

student.emit("mark_as_read", { messageId: essay.id });
await once(student, "message_marked_read");

const atTeacher = once(teacher, "message_received");
await send(student, { ...toTeacher, content: "It is done already." });
const [answer] = await atTeacher;
console.log(`teacher 7 hears: ${answer.content}`);

teacher.close();
student.close();
