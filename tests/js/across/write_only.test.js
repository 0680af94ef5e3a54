// A token without `read` connects and writes, and neither hears nor sees what is said (docs/api-tokens.md).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { makeUserToken, user } from "../support/api_tokens.js";
import { BUSY, combinationsOf, each } from "../support/matrix.js";
import { Directory } from "../support/gallery.js";
import * as native from "../support/native.js";
import { Plain } from "../support/plain.js";
import { personToken } from "../support/school.js";
import { TOKEN_MODE, token } from "../support/token.js";

const AUTO = { ...combinationsOf("auto").STORES_ONLY, settings: ["auto"] };

/** A socket and calls in that dialect with a token that `owner` made for writing only. */
async function writer(world, owner, dialect) {
  const { token: secret } = await makeUserToken(owner, ["write"]);
  const client = await world.connect({ auth: { dialect, token: secret } });
  const rest = world.rest.bearer(secret).as({ "x-sohbet-dialect": dialect });
  return { client, rest, secret };
}

/** A socket in that dialect of somebody who may do everything. */
function reader(world, jwt, dialect) {
  return world.connect({ auth: { dialect, token: jwt } });
}

/** Nothing of what may not be read is in the answers to these paths. */
async function assertSeesNothing(rest, ...paths) {
  for (const path of paths) {
    const { status, body } = await rest.get(path);
    assert.ok([401, 403, 404].includes(status), `${path}: ${status} ${JSON.stringify(body)}`);
    assert.doesNotMatch(JSON.stringify(body), /secret/);
  }
}

/** Nothing but answers to its own requests has come. */
async function assertHearsNothing(client) {
  await client.none("(anything)");
  const heard = client.log.filter(({ args }) => JSON.stringify(args).includes("secret"));
  assert.deepEqual(heard, []);
}

describe("a token that may only write", BUSY, () => {
  each(AUTO, "messaging", async (world) => {
    const { client, rest } = await writer(world, user(world, "1"), "messaging");
    const other = await reader(world, token("2"), "messaging");
    await other.ask("join_user_room", 2);
    const joined = await client.ask("join_user_room", 1);
    assert.doesNotMatch(JSON.stringify(joined), /"2"|:2/);
    const draft = { conversationId: 42, senderId: 1, receiverId: 2, content: "hi" };
    const { message } = await client.ask("send_message", draft);
    assert.equal((await other.next("new_message")).content, "hi");
    const { conversationId } = message;
    await other.ask("send_message", { conversationId, senderId: 2, receiverId: 1, content: "secret" });
    await client.emitWithAck("join_conversation", conversationId);
    await other.ask("send_message", { conversationId, senderId: 2, receiverId: 1, content: "secret" });
    await assertHearsNothing(client);
    assert.equal(client.all("new_message").length, 0);
    await assertSeesNothing(rest, `/api/messages?conversationId=${conversationId}`, "/api/messages/conversations?userId=1");
    assert.equal((await rest.post("/api/messages", { ...draft, conversationId })).status, 200);
  }, TOKEN_MODE);

  each(AUTO, "messaging in development", async (world) => {
    const { token: secret } = await makeUserToken(native.V1.as(world, "1"), ["write"]);
    const client = await world.connect({ auth: { dialect: "messaging", token: secret } });
    const other = await world.user(2);
    const draft = { conversationId: 42, senderId: 1, receiverId: 2, content: "hi" };
    const { conversationId } = (await client.ask("send_message", draft)).message;
    await client.emitWithAck("join_conversation", conversationId);
    await other.ask("send_message", { conversationId, senderId: 2, receiverId: 1, content: "secret" });
    await assertHearsNothing(client);
    await assertSeesNothing(world.rest.bearer(secret), `/api/messages?conversationId=${conversationId}`);
  });

  each(AUTO, "direct", async (world) => {
    const other = await reader(world, token("2"), "direct");
    await other.ask("register", 2);
    await other.ask("chat", { recipientId: 1, messageContent: "secret" });
    const { client } = await writer(world, user(world, "1"), "direct");
    await client.ask("register", 1);
    assert.equal((await other.ask("chat", { recipientId: 1, messageContent: "secret" })).delivered, false);
    await client.ask("joinGroup", 5);
    await other.ask("joinGroup", 5);
    await other.ask("groupChat", { groupId: 5, messageContent: "secret" });
    await assertHearsNothing(client);
    await client.ask("chat", { recipientId: 2, messageContent: "hi" });
    assert.equal((await other.next("chat")).messageContent, "hi");
    await client.ask("groupChat", { groupId: 5, messageContent: "all" });
    while ((await other.next("groupChat")).messageContent !== "all");
    // What waited goes on waiting for a socket that may read.
    const reading = await reader(world, token("1"), "direct");
    await reading.ask("register", 1);
    assert.equal((await reading.several("chat", 2)).length, 2);
  }, TOKEN_MODE);

  each(AUTO, "school", async (world) => {
    const { client, rest } = await writer(world, user(world, "teacher:7"), "school");
    const student = await reader(world, personToken(1, "student"), "school");
    await student.ask("authenticate", { userId: 1, role: "student" });
    await client.ask("authenticate", { userId: 7, role: "teacher" });
    const draft = { senderId: 7, senderRole: "teacher", recipientId: 1, recipientRole: "student", content: "hi" };
    await client.ask("new_message", draft);
    assert.equal((await student.next("message_received")).content, "hi");
    const answer = { senderId: 1, senderRole: "student", recipientId: 7, recipientRole: "teacher", content: "secret" };
    await student.ask("new_message", answer);
    await assertHearsNothing(client);
    await assertSeesNothing(rest, "/api/messages/unread-count", "/api/messages/teacher?teacherId=7&studentId=1");
    const { body } = await rest.get("/api/debug/messages?teacherId=7&studentId=1&debug=true");
    assert.doesNotMatch(JSON.stringify(body), /secret/);
    assert.equal((await rest.post("/api/messages/send", draft)).status, 200);
  }, TOKEN_MODE);

  each(AUTO, "gallery", async (world) => {
    const directory = new Directory(world, true);
    await directory.write("user", "ua", { name: "Ayşe", galleryId: "ga" });
    const { client, rest } = await writer(world, user(world, "ua", { gallery_id: "ga" }), "gallery");
    const jwt = token("ub", { gallery_id: "gb" });
    const other = await reader(world, jwt, "gallery");
    const opened = await world.rest.bearer(jwt).post("/chats", { roomType: "support", otherGalleryId: "ga" });
    const room = opened.body.data.id;
    await client.emitWithAck("join_room", room);
    await world.rest.bearer(jwt).post(`/chats/${room}/messages`, { content: "secret" });
    await assertHearsNothing(client);
    await assertSeesNothing(rest, "/chats", `/chats/${room}`, `/chats/${room}/messages`);
    const sent = await rest.post(`/chats/${room}/messages`, { content: "hi" });
    assert.equal(sent.status, 200, JSON.stringify(sent.body));
    while ((await other.next("new_message")).message.content !== "hi");
  }, TOKEN_MODE);

  each(AUTO, "starter", async (world) => {
    const { client, rest } = await writer(world, user(world, "ali"), "starter");
    const other = await reader(world, token("veli"), "starter");
    await other.ask("user_join", "veli");
    assert.equal((await client.emitWithAck("user_join", "ali")).ok, false);
    await other.ask("send_message", { message: "secret" });
    await assertHearsNothing(client);
    await client.ask("send_message", { message: "hi" });
    while ((await other.next("receive_message")).message !== "hi");
    await client.none();
    await assertSeesNothing(rest, "/api/messages", "/api/messages/general", "/api/users", "/api/rooms");
  }, TOKEN_MODE);

  each(AUTO, "native", async (world) => {
    const b = await native.tokenPerson(world, "b");
    const c = await native.direct(b, "a");
    await native.send(b, c, { content: "secret" });
    const { client, secret } = await writer(world, user(world, "a"), "native");
    const session = await client.next("session");
    assert.equal(session.unreadTotal, 0);
    b.forget();
    await native.send(b, c, { content: "secret" });
    const { conversation } = await native.ask(client, "create_conversation", { userId: "b" });
    assert.deepEqual([conversation.lastMessage, conversation.unread], [null, 0]);
    for (const [event, payload] of [
      ["list_conversations", {}], ["get_conversation", { conversationId: c }], ["history", { conversationId: c }],
      ["join_room", { conversationId: c }], ["sync", { since: session.epoch }], ["presence", { userIds: ["b"] }],
    ]) {
      const ack = await client.emitWithAck(event, payload);
      assert.equal(ack.ok, false, event);
    }
    await assertHearsNothing(client);
    await native.send(client, c, { content: "hi" });
    while ((await b.next("new_message")).message.content !== "hi");
    const v1 = native.V1.bearer(world, secret);
    for (const path of ["/conversations", `/conversations/${c}`, `/conversations/${c}/messages`]) {
      await v1.fails("GET", path, undefined, "FORBIDDEN");
    }
    await v1.ok("POST", `/conversations/${c}/messages`, { content: "by REST" });
  }, TOKEN_MODE);

  each(AUTO, "chatsphere, by Socket.IO and by a plain socket", async (world) => {
    const owner = world.rest.bearer(token("ali", { username: "ali" }));
    const { body: { id: roomId } } = await owner.post("/api/rooms", { name: "Common room" });
    const { client, rest, secret } = await writer(world, user(world, "ali"), "chatsphere");
    await owner.post(`/api/rooms/${roomId}/messages`, { content: "secret" });
    const plain = await Plain.open(world, `/ws?token=${secret}`);
    plain.send({ type: "join", roomId });
    assert.deepEqual((await plain.next("previous_messages")).messages, []);
    assert.deepEqual((await client.ask("join", { roomId })).messages, []);
    const other = await reader(world, token("ali", { username: "ali" }), "chatsphere");
    await other.ask("join", { roomId });
    await owner.post(`/api/rooms/${roomId}/messages`, { content: "secret" });
    for (const socket of [client, plain]) await assertHearsNothing(socket);
    await client.ask("message", { roomId, content: "hi" });
    while ((await other.next("new_message")).message.content !== "hi");
    plain.send({ type: "message", roomId, content: "plain" });
    while ((await other.next("new_message")).message.content !== "plain");
    await assertSeesNothing(
      rest, "/api/rooms", `/api/rooms/${roomId}`, `/api/rooms/${roomId}/messages`, "/api/users", "/api/messages",
      "/api/messages/user",
    );
    const posted = await rest.post(`/api/rooms/${roomId}/messages`, { content: "by REST" });
    assert.equal(posted.status, 201, JSON.stringify(posted.body));
    plain.close();
  }, TOKEN_MODE);
});
