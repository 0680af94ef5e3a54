// Every peer answers as the benchmark expects. Those with a database are tried only where DATABASE_URL is set, each in
// a database of its own that is dropped afterwards.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import { createInterface } from "node:readline";
import jwt from "jsonwebtoken";
import pg from "pg";
import { io } from "socket.io-client";

const { DATABASE_URL } = process.env;
const SECRET = "a secret of the smoke test";
const SIXTEEN = [
  "id", "conversationId", "senderId", "receiverId", "content", "type", "fileUrl", "fileName", "fileSize", "fileType",
  "read", "readAt", "createdAt", "updatedAt", "sender", "receiver",
].sort();

for (const peer of ["memory", "pg", "prisma"]) {
  const stores = peer !== "memory";
  describe(peer, { skip: stores && !DATABASE_URL && "DATABASE_URL is not set" }, () => {
    it("carries a conversation of two", async (t) => {
      const url = await start(t, peer);
      const [a, b] = [await person(t, url, 1), await person(t, url, "2")];
      assert.deepEqual((await a.emitWithAck("join_user_room", { userId: 1 })).onlineUsers, [1, 2]);
      for (const socket of [a, b]) {
        assert.deepEqual(await socket.emitWithAck("join_conversation", 42), { ok: true, conversationId: 42 });
      }

      const heard = once(b, "new_message");
      const heardByA = [];
      a.on("new_message", (message) => heardByA.push(message));
      const sent = once(a, "message_sent");
      const { ok, message } = await a.emitWithAck("send_message", draft({ conversationId: 42, tempId: "t1" }));
      assert.equal(ok, true);
      assert.deepEqual(Object.keys(message).sort(), SIXTEEN);
      assert.equal(message.conversationId, 42);
      assert.deepEqual(message.receiver, { id: 2, fullName: null, profilePicture: null });
      assert.ok(Math.abs(Date.parse(message.createdAt) - Date.now()) < 60_000, message.createdAt);
      assert.deepEqual((await sent)[0], { ...message, tempId: "t1" });
      assert.deepEqual((await heard)[0], message);

      // Without tempId the sender hears it too, and the first one has not come to it meanwhile.
      const echo = once(a, "new_message");
      const second = await a.emitWithAck("send_message", draft({ conversationId: 42, content: "again" }));
      await echo;
      assert.deepEqual(heardByA, [second.message]);
      assert.ok(second.message.id > message.id);

      const typing = once(b, "user_typing");
      a.emit("typing", { conversationId: 42, userId: 1, isTyping: true });
      assert.deepEqual((await typing)[0], { userId: 1, isTyping: true, conversationId: 42 });

      assert.deepEqual(await get(`${url}/health`), { ok: true });
      const history = await get(`${url}/api/messages?conversationId=42`);
      const list = await get(`${url}/api/messages/conversations?userId=2`);
      assert.deepEqual(history, { success: true, messages: stores ? [message, second.message] : [] });
      const { content, type, createdAt } = second.message;
      const item = {
        id: 42, otherUserId: 1, otherUserName: "Unknown User", otherUserProfilePicture: null,
        lastMessage: { content, type, createdAt }, unreadCount: 2, lastMessageAt: createdAt,
      };
      assert.deepEqual(list, { success: true, conversations: stores ? [item] : [] });
      const newest = await get(`${url}/api/messages?conversationId=42&limit=1`);
      assert.deepEqual(newest.messages, stores ? [second.message] : []);

      const read = once(a, "messages_read");
      const { updatedCount } = await b.emitWithAck("mark_read", { conversationId: 42, userId: 2 });
      assert.equal(updatedCount, stores ? 2 : 0);
      assert.equal((await read)[0].userId, 2);
    });

    it("refuses what is incomplete", async (t) => {
      const url = await start(t, peer);
      const a = await person(t, url, 1);
      const error = once(a, "message_error");
      const answer = await a.emitWithAck("send_message", draft({ receiverId: undefined, tempId: 6 }));
      const message = "Missing required fields";
      assert.deepEqual(answer, { ok: false, error: { code: "INVALID_PAYLOAD", message } });
      assert.deepEqual((await error)[0], { tempId: 6, message, error: message, code: "INVALID_PAYLOAD" });
    });

    it("lets in who has a token", async (t) => {
      const url = await start(t, peer, { JWT_SECRET: SECRET });
      const stranger = connect(t, url, { token: "bad" });
      const [error] = await once(stranger, "connect_error");
      assert.equal(error.message, "Authentication error");
      const a = await person(t, url, 1, { token: jwt.sign({ sub: "1" }, SECRET) });
      assert.equal((await a.emitWithAck("send_message", draft({ conversationId: 1 }))).ok, true);
      assert.equal((await a.emitWithAck("send_message", draft({ senderId: 3 }))).ok, false);
    });

    it("keeps to the conversation of the pair", { skip: !stores }, async (t) => {
      const url = await start(t, peer);
      const a = await person(t, url, 1);
      const conversationOf = async (fields) => {
        return (await a.emitWithAck("send_message", draft(fields))).message.conversationId;
      };
      assert.equal(await conversationOf({ conversationId: 1 }), 1);
      assert.equal(await conversationOf({ conversationId: 999 }), 1);
      assert.equal(await conversationOf({ conversationId: 1, senderId: 3 }), 2, "1 is taken");
      assert.equal(await conversationOf({ conversationId: 1_700_000_000_000, receiverId: 3 }), 3, "made up");
      const crossing = [4, 5, 4, 5].map((senderId) => {
        return conversationOf({ conversationId: 50, senderId, receiverId: 9 - senderId });
      });
      assert.deepEqual(await Promise.all(crossing), [50, 50, 50, 50]);
    });
  });
}

function draft(fields) {
  return { conversationId: 1, senderId: 1, receiverId: 2, content: "merhaba", type: "text", ...fields };
}

/** The URL of a peer that ends with the test. */
async function start(t, peer, env = {}) {
  const database = peer === "memory" ? null : await ownDatabase();
  const child = spawn(process.execPath, [new URL(`${peer}.mjs`, import.meta.url).pathname], {
    // Far from UTC, where a wrong reading of times shows.
    env: { ...process.env, TZ: "Asia/Tokyo", ...database?.env, ...env, PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(async () => {
    const exited = once(child, "exit");
    child.kill();
    assert.equal((await exited)[0], 0, "SIGTERM ends it in order");
    await database?.drop();
  });
  const [line] = await once(createInterface(child.stdout), "line");
  return `http://127.0.0.1:${/^listening on (\d+)$/.exec(line)[1]}`;
}

async function ownDatabase() {
  const name = `peer_${process.pid}_${Date.now()}`;
  const admin = new pg.Client({ connectionString: DATABASE_URL });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  const url = Object.assign(new URL(DATABASE_URL), { pathname: `/${name}` });
  const drop = async () => {
    await admin.query(`DROP DATABASE ${name}`);
    await admin.end();
  };
  return { env: { DATABASE_URL: url.href }, drop };
}

function connect(t, url, auth) {
  const socket = io(url, { transports: ["websocket"], reconnection: false, forceNew: true, auth });
  t.after(() => socket.close());
  return socket;
}

async function person(t, url, userId, auth) {
  const socket = connect(t, url, auth);
  await once(socket, "connect");
  const answer = await socket.emitWithAck("join_user_room", userId);
  assert.deepEqual([answer.ok, answer.userId, answer.socketId], [true, Number(userId), socket.id]);
  return socket;
}

async function get(url) {
  const response = await fetch(url);
  assert.equal(response.status, 200);
  return response.json();
}
