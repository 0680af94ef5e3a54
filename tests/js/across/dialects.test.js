// How a socket and a request get their dialect on a server that speaks all of them (contract: README, section 2).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { AUTO, AUTO_STORES, BUSY, each } from "../support/matrix.js";
import { assertHas } from "../support/messages.js";
import { assertRestError } from "../support/native.js";
import { newUser } from "../support/plain.js";

/** A first event, its payload, and the dialect that it decides. */
const FIRST_EVENTS = [
  ["authenticate", { userId: 1, role: "teacher" }, "school"],
  ["authenticate", null, "school"],
  ["new_message", { senderId: 1, senderRole: "teacher", recipientId: 2, recipientRole: "student", content: "x" }, "school"],
  ["mark_as_read", { messageId: "x" }, "school"],
  ["join_user_room", 1, "messaging"],
  ["join_user_room", null, "messaging"],
  ["leave_user_room", 1, "messaging"],
  ["join_conversation", { conversationId: 1 }, "messaging"],
  ["leave_conversation", 1, "messaging"],
  ["broadcast_new_message", { message: { id: 1 }, conversationId: 1 }, "messaging"],
  ["broadcast_messages_read", { conversationId: 1, userId: 1 }, "messaging"],
  ["send_message", { conversationId: 1 }, "messaging"],
  ["send_message", { senderId: 1, message: "x" }, "messaging"],
  ["send_message", { receiverId: 2 }, "messaging"],
  ["send_message", { message: "x" }, "starter"],
  ["send_message", "x", "starter"],
  ["typing", { conversationId: 1, userId: 1, isTyping: true }, "messaging"],
  ["typing", true, "starter"],
  ["typing", { isTyping: true, room: "tech" }, "starter"],
  ["mark_read", { conversationId: 1, userId: 1 }, "messaging"],
  ["mark_read", { messageId: 1, room: "tech" }, "starter"],
  ["join_room", "r", "gallery"],
  ["join_room", 5, "gallery"],
  ["join_room", { roomId: "r" }, "gallery"],
  ["leave_room", "r", "gallery"],
  ["leave_room", { roomId: "r" }, "gallery"],
  ["join_room", { room: "tech" }, "starter"],
  ["typing_start", { roomId: "r" }, "gallery"],
  ["typing_stop", "r", "gallery"],
  ["chat", { recipientId: 2, messageContent: "x" }, "direct"],
  ["chat", null, "direct"],
  ["groupChat", { groupId: 5, messageContent: "x" }, "direct"],
  ["register", 1, "direct"],
  ["joinGroup", 5, "direct"],
  ["leaveGroup", 5, "direct"],
  ["user_join", "ali", "starter"],
  ["user_join", "", "starter"],
  ["private_message", { to: "nobody", message: "x" }, "starter"],
  ["join", { roomId: "default-room" }, "chatsphere"],
  ["message", { roomId: "default-room", content: "x" }, "chatsphere"],
];

/** A word of each dialect that no other one has. */
const OWN_WORDS = {
  school: "authenticate", messaging: "join_conversation", gallery: "typing_start", direct: "groupChat", starter: "private_message",
  chatsphere: "message",
};

const NO_TOKEN = { error: "Unauthorized: No token provided" };
const NO_GALLERY_TOKEN = { success: false, error: { code: "UNAUTHORIZED", message: "No token provided" } };
const NOT_AT_SCHOOL = { success: false, error: "Unauthorized" };

/** A path, and what its dialect answers to nobody in particular. */
const PATHS = [
  ["/api/messages", 400, { success: false, message: "Conversation ID is required" }],
  ["/api/messages?conversationId=1", 200, { success: true, messages: [] }],
  ["/api/messages/conversations", 400, { success: false, message: "User ID is required" }],
  ["/api/user/me", 401, { success: false, message: "Unauthorized" }],
  ["/api/messages/user", 401, NO_TOKEN],
  ["/api/rooms", 401, NO_TOKEN],
  ["/api/messages/teacher?teacherId=1&studentId=2", 401, NOT_AT_SCHOOL],
  ["/api/messages/student?teacherId=1&studentId=2", 401, NOT_AT_SCHOOL],
  ["/api/messages/unread-count", 401, NOT_AT_SCHOOL],
  ["/chats", 401, NO_GALLERY_TOKEN],
  ["/api/v1/chats", 401, NO_GALLERY_TOKEN],
  ["/api/v1/chat", 401, NO_GALLERY_TOKEN],
  ["/api/messages?dialect=chatsphere", 401, NO_TOKEN],
];

describe("dialects of sockets", BUSY, () => {
  each(AUTO, "X-05 an unknown dialect is refused by name", async (world) => {
    for (const options of [{ auth: { dialect: "klingon" } }, { query: { dialect: "klingon" } }]) {
      assert.equal((await world.refused(options)).message, "Unknown dialect: klingon");
    }
  });

  each(AUTO, "X-06 an unknown event does not decide the dialect", async (world) => {
    const a = await world.connect();
    assert.deepEqual(await a.emitWithAck("foo"), {
      ok: false, error: { code: "UNKNOWN_EVENT", message: "Unknown event: foo" },
    });
    await a.none();
    a.emit("join_user_room", 1);
    assert.deepEqual(await a.next("connected"), { userId: 1, socketId: a.id });
  });

  each(AUTO_STORES, "the first typical event decides, and is handled in what it decided", async (world) => {
    const wrong = [];
    for (const [event, payload, dialect] of FIRST_EVENTS) {
      const client = await world.connect({ auth: { userId: "7" } });
      const what = `${event} ${JSON.stringify(payload)}`;
      if (isUnknown(await client.emitWithAck(event, payload))) wrong.push(`${what} is unknown itself`);
      const spoken = [];
      for (const [name, word] of Object.entries(OWN_WORDS)) {
        if (!isUnknown(await client.emitWithAck(word, { any: "thing" }))) spoken.push(name);
      }
      if (spoken.join() !== dialect) wrong.push(`${what} decided ${spoken.join() || "nothing"} instead of ${dialect}`);
      client.close();
    }
    assert.equal(wrong.length, 0, wrong.join("\n"));
  });

  each(AUTO_STORES, "the handshake decides before any event", async (world) => {
    for (const [dialect, word] of Object.entries(OWN_WORDS)) {
      const auth = { dialect, userId: "7", galleryId: "ga" };
      for (const options of [{ auth }, { auth: { userId: "7", galleryId: "ga" }, query: { dialect } }]) {
        const client = await world.connect(options);
        for (const [other, foreign] of Object.entries(OWN_WORDS)) {
          const isKnown = !isUnknown(await client.emitWithAck(foreign, { any: "thing" }));
          assert.equal(isKnown, other === dialect, `${foreign} in ${dialect}, whose word is ${word}`);
        }
        client.close();
      }
    }
  });

  each(AUTO, "an undecided socket hears what is for its user, in the words of who sent it", async (world) => {
    const undecided = await world.connect({ auth: { userId: "2" } });
    const a = await world.user(1);
    const d = await world.connect({ auth: { dialect: "direct", userId: "3" } });
    const n = await world.connect({ auth: { dialect: "native", userId: "4" } });
    undecided.forget();
    await a.ask("send_message", { conversationId: 42, senderId: 1, receiverId: 2, content: "from 1" });
    assertHas(await undecided.next("new_message"), { content: "from 1", receiverId: 2 });
    await d.ask("chat", { recipientId: 2, messageContent: "from 3" });
    assertHas(await undecided.next("chat"), { senderId: "3", messageContent: "from 3" });
    const { conversation } = (await n.ask("create_conversation", { userId: "2" })).data;
    await n.ask("send_message", { conversationId: conversation.id, content: "from 4" });
    assertHas((await undecided.next("new_message")).message, { senderId: "4", content: "from 4" });
    await undecided.none("new_message");
    undecided.emit("join_user_room", 2);
    await undecided.next("connected");
  });
});

describe("dialects of requests", BUSY, () => {
  each(AUTO_STORES, "a path decides where only one dialect has it", async (world) => {
    for (const [path, status, body] of PATHS) {
      const answer = await world.rest.get(path);
      assert.deepEqual({ status: answer.status, body: answer.body }, { status, body }, path);
    }
    assertRestError(await world.rest.get("/api/v1/conversations"), "UNAUTHENTICATED");
    const users = await world.rest.get("/api/users");
    assert.deepEqual([users.status, Array.isArray(users.body)], [200, true]);
    const debug = await world.rest.get("/api/debug/messages?teacherId=1&studentId=2&debug=true");
    assert.deepEqual([debug.status, debug.body.success], [200, true]);
  });

  each(AUTO_STORES, "a header or a token decides where two dialects have it", async (world) => {
    const header = await world.rest.as({ "x-sohbet-dialect": "chatsphere" }).get("/api/messages");
    assert.deepEqual([header.status, header.body], [401, NO_TOKEN]);
    const u = await newUser(world, "ali");
    const refused = await world.rest.bearer(u.token).get("/api/messages");
    assert.deepEqual([refused.status, refused.body], [403, { error: "Only client tokens can access all messages" }]);
    const messaging = await world.rest.bearer(u.token).get("/api/messages?conversationId=1");
    assert.deepEqual([messaging.status, messaging.body], [200, { success: true, messages: [] }]);
  });

  each(AUTO_STORES, "health is told in the words of all", async (world) => {
    const { status, body } = await world.rest.get("/health");
    assert.equal(status, 200);
    assertHas(body, { ok: true, status: "ok", service: "chat-service" });
    assert.equal(typeof body.uptime, "number");
    assert.equal(new Date(body.timestamp).toISOString(), body.timestamp);
  });
});

function isUnknown(ack) {
  return ack.ok === false && ack.error.code === "UNKNOWN_EVENT";
}
