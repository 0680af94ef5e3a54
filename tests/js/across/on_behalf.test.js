// A program acts for a user in every dialect, on a socket and by REST, and never with that user's role (docs/api-tokens.md).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { admin, makeClientToken, makeUserToken, user } from "../support/api_tokens.js";
import { Directory } from "../support/gallery.js";
import { BUSY, combinationsOf, each } from "../support/matrix.js";
import { Plain } from "../support/plain.js";
import { TOKEN_MODE, token } from "../support/token.js";

const AUTO = { ...combinationsOf("auto").STORES_ONLY, settings: ["auto"] };
const MAY = ["read", "write", "onBehalfOf"];
const FOR = "x-on-behalf-of";
const DIALECTS = ["messaging", "direct", "school", "gallery", "starter", "native", "chatsphere"];

/** A program that acts for `id`: a socket of that dialect, and calls. */
async function program(world, dialect, id) {
  const { token: secret } = await makeClientToken(world, MAY);
  const client = await world.connect({ auth: { dialect, token: secret, onBehalfOf: id } });
  return { secret, client, rest: restFor(world, secret, dialect, id) };
}

function restFor(world, secret, dialect, id) {
  return world.rest.bearer(secret).as({ "x-sohbet-dialect": dialect, [FOR]: id });
}

function reader(world, jwt, dialect) {
  return world.connect({ auth: { dialect, token: jwt } });
}

/** The id of a room of chatsphere that ali made. */
async function aliRoom(world) {
  const ali = world.rest.bearer(token("ali", { username: "ali" }));
  return (await ali.post("/api/rooms", { name: "Common room" })).body.id;
}

describe("a program that acts for a user", BUSY, () => {
  each(AUTO, "messaging", async (world) => {
    const { client, rest } = await program(world, "messaging", "1");
    const other = await reader(world, token("2"), "messaging");
    await other.ask("join_user_room", 2);
    await client.ask("join_user_room", 1);
    const draft = { conversationId: 42, senderId: 1, receiverId: 2, content: "by socket" };
    const { conversationId } = (await client.ask("send_message", draft)).message;
    const posted = await rest.post("/api/messages", { ...draft, conversationId, content: "by REST" });
    assert.equal(posted.status, 200, JSON.stringify(posted.body));
    const heard = await other.several("new_message", 2);
    assert.deepEqual(heard.map(({ senderId, content }) => [senderId, content]), [[1, "by socket"], [1, "by REST"]]);
  }, TOKEN_MODE);

  each(AUTO, "direct", async (world) => {
    const { client } = await program(world, "direct", "1");
    const other = await reader(world, token("2"), "direct");
    await other.ask("register", 2);
    await client.ask("register", 1);
    await client.ask("chat", { recipientId: 2, messageContent: "hi" });
    assert.equal((await other.next("chat")).senderId, "1");
  }, TOKEN_MODE);

  each(AUTO, "gallery", async (world) => {
    await new Directory(world, true).write("user", "ua", { name: "Ayşe", galleryId: "ga" });
    const jwt = token("ub", { gallery_id: "gb" });
    const other = await reader(world, jwt, "gallery");
    const opened = await world.rest.bearer(jwt).post("/chats", { roomType: "support", otherGalleryId: "ga" });
    const room = opened.body.data.id;
    const { client, rest } = await program(world, "gallery", "ua");
    await client.ask("join_room", room);
    const posted = await rest.post(`/chats/${room}/messages`, { content: "by REST" });
    assert.equal(posted.status, 200, JSON.stringify(posted.body));
    for (const socket of [client, other]) assert.equal((await socket.next("new_message")).message.sender_id, "ua");
  }, TOKEN_MODE);

  each(AUTO, "starter", async (world) => {
    const { client, rest } = await program(world, "starter", "ali");
    await client.ask("user_join", "ali");
    await client.ask("send_message", { message: "hi" });
    assert.equal((await client.next("receive_message")).sender, "ali");
    assert.equal((await rest.get("/api/messages")).body.length, 1);
  }, TOKEN_MODE);

  each(AUTO, "chatsphere, by Socket.IO, by a plain socket and by REST", async (world) => {
    const roomId = await aliRoom(world);
    const { client, rest, secret } = await program(world, "chatsphere", "ali");
    const byQuery = await Plain.open(world, `/ws?token=${secret}&onBehalfOf=ali`);
    const byHeader = await Plain.open(world, `/ws?token=${secret}`, { headers: { [FOR]: "ali" } });
    await client.ask("join", { roomId });
    for (const socket of [byQuery, byHeader]) {
      socket.send({ type: "join", roomId });
      await socket.next("previous_messages");
      socket.send({ type: "message", roomId, content: "plain" });
    }
    await client.ask("message", { roomId, content: "by Socket.IO" });
    const posted = await rest.post(`/api/rooms/${roomId}/messages`, { content: "by REST" });
    assert.equal(posted.status, 201, JSON.stringify(posted.body));
    for (const { message } of await client.several("new_message", 4)) assert.equal(message.userId, "ali");
    // It is that member, and no longer the program that sees all.
    assert.equal((await rest.get("/api/messages")).status, 403);
    for (const socket of [byQuery, byHeader]) socket.close();
  }, TOKEN_MODE);

  each(AUTO, "where people are registered, only for somebody who is there", async (world) => {
    const { token: secret } = await makeClientToken(world, MAY);
    const answer = await restFor(world, secret, "chatsphere", "nobody").get("/api/rooms");
    assert.equal(answer.status, 404, JSON.stringify(answer.body));
  }, TOKEN_MODE);

  each(AUTO, "never has that user's role, whether a header or a payload names the user", async (world) => {
    const roomId = await aliRoom(world);
    await world.rest.bearer(token("boss", { username: "boss", role: "ADMIN" })).get("/api/rooms");
    const { token: secret } = await makeClientToken(world, MAY);
    const client = await world.connect({ auth: { dialect: "chatsphere", token: secret } });
    await client.ask("join", { roomId });
    const refused = await client.emitWithAck("message", { roomId, userId: "boss", content: "x" });
    assert.equal(refused.ok, false, JSON.stringify(refused));
    assert.equal((await client.emitWithAck("join", { roomId, userId: "boss" })).ok, false);
    const rest = restFor(world, secret, "chatsphere", "boss");
    assert.equal((await rest.get(`/api/rooms/${roomId}/messages`)).status, 403);
  }, TOKEN_MODE);
});

describe("a token that may not act for others", BUSY, () => {
  for (const dialect of DIALECTS) {
    each(AUTO, `${dialect} refuses it`, async (world) => {
      const own = await makeUserToken(user(world, "u"));
      const weak = await makeClientToken(world, ["read", "write"]);
      await admin(world).ok("GET", "/users/me");
      for (const { token: secret } of [own, weak]) {
        const error = await world.refused({ auth: { dialect, token: secret, onBehalfOf: "a" } });
        assert.equal(error.message, "Authentication error");
      }
    }, TOKEN_MODE);
  }

  each(AUTO, "REST and plain sockets refuse it", async (world) => {
    const own = await makeUserToken(user(world, "u"));
    const weak = await makeClientToken(world, ["read", "write"]);
    const paths = {
      messaging: "/api/messages/conversations?userId=a", school: "/api/messages/unread-count", gallery: "/chats",
      starter: "/api/users", native: "/api/v1/users/me", chatsphere: "/api/rooms",
    };
    for (const { token: secret } of [own, weak]) {
      for (const [dialect, path] of Object.entries(paths)) {
        const { status } = await restFor(world, secret, dialect, "a").get(path);
        assert.ok([401, 403].includes(status), `${dialect}: ${status}`);
      }
      assert.equal(await Plain.refused(world, `/ws?token=${secret}&onBehalfOf=a`), 403);
      assert.equal(await Plain.refused(world, `/ws?token=${secret}`, { headers: { [FOR]: "a" } }), 403);
    }
  }, TOKEN_MODE);
});
