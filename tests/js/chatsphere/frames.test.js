// Joining, sending and leaving on a plain WebSocket (contract: chatsphere, sections 1 to 3).

import assert from "node:assert/strict";
import { describe } from "node:test";
import {
  NO_ACCESS, NO_SOCKET, NOT_SAVED, STORES_ONLY, assertErrorFrame, assertM, contents, each, join, withTokens,
} from "../support/chatsphere.js";
import { BUSY } from "../support/matrix.js";

const NO_ROOM = "roomId is required";
const N = 200;

describe("joining", BUSY, () => {
  each(NO_SOCKET, "C-06 a joiner is confirmed, then told what was said", async (sphere) => {
    const { u, R } = await sphere.pair();
    const socket = await sphere.open(`/ws?token=${u.token}&userId=${u.id}`);
    await socket.none(); // nothing at connect
    socket.send({ type: "join", userId: u.id, roomId: R });
    assert.deepEqual(await socket.next("previous_messages"), { type: "previous_messages", messages: [] });
    assert.deepEqual(socket.order, ["join_confirmation", "previous_messages"]);
    assert.deepEqual(await socket.next("join_confirmation"), { type: "join_confirmation", roomId: R });
    await socket.none();
  });

  each(NO_SOCKET, "C-12 a joiner gets the newest fifty, oldest first", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const writer = await sphere.joined(u, R);
    for (let i = 1; i <= 60; i += 1) writer.send({ type: "message", userId: u.id, roomId: R, content: String(i) });
    await writer.several("new_message", 60, 5_000);
    const newest = Array.from({ length: 50 }, (_, i) => String(i + 11));
    const socket = await sphere.socket(v);
    socket.send({ type: "join", userId: v.id, roomId: R });
    const { messages } = await socket.next("previous_messages");
    assert.deepEqual(contents(messages), newest);
    assert.deepEqual(messages, await sphere.messages(v, R, "?limit=50"));
    const second = await sphere.socket(v);
    second.send({ type: "join_room", roomId: R });
    assert.deepEqual(contents((await second.next("message_history")).messages), newest);
  });

  each(NO_SOCKET, "C-10 a later join replaces the earlier one", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const R2 = await sphere.room(v);
    const one = await sphere.joined(u, R);
    const two = await sphere.joined(v, R);
    await join(two, v.id, R2);
    one.send({ type: "message", userId: u.id, roomId: R, content: "x" });
    await one.next("new_message");
    await two.none();
    two.send({ type: "message", userId: v.id, roomId: R2, content: "y" });
    assert.equal((await two.next("new_message")).message.roomId, R2);
    await one.none();
  });

  each(NO_SOCKET, "a connection with an identity may join without naming it", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    for (const path of [`/ws?token=${u.token}`, `/?userId=${u.id}`]) {
      const socket = await sphere.open(path);
      socket.send({ type: "join", roomId: R });
      assert.deepEqual(await socket.next("join_confirmation"), { type: "join_confirmation", roomId: R });
      await socket.next("previous_messages");
      socket.send({ type: "message", roomId: R, content: "hi" });
      assert.equal((await socket.next("new_message")).message.userId, u.id);
      socket.close();
    }
    const named = await sphere.open("/");
    await join(named, v.id, R);
    named.send({ type: "message", content: "the room and the user of the join" });
    assertM((await named.next("new_message")).message, { userId: v.id, roomId: R });
  });

  each(NO_SOCKET, "joining needs a room", async (sphere) => {
    const { u } = await sphere.pair();
    const socket = await sphere.socket(u);
    for (const type of ["join", "join_room"]) {
      for (const fields of [{}, { roomId: "" }, { roomId: null }]) {
        socket.send({ type, userId: u.id, ...fields });
        await assertErrorFrame(socket, NO_ROOM);
      }
      for (const roomId of [{}, [], true, -1, "a\0b", "x".repeat(129)]) {
        socket.send({ type, userId: u.id, roomId });
        await assertErrorFrame(socket);
      }
    }
    await socket.none();
    assert.ok(socket.isOpen);
  });

  each(NO_SOCKET, "in development an unknown room is confirmed and empty", async (sphere) => {
    const u = await sphere.user("ali");
    const socket = await sphere.socket(u);
    socket.send({ type: "join", userId: u.id, roomId: "nowhere" });
    assert.deepEqual(await socket.next("join_confirmation"), { type: "join_confirmation", roomId: "nowhere" });
    assert.deepEqual(await socket.next("previous_messages"), { type: "previous_messages", messages: [] });
  });
});

describe("sending", BUSY, () => {
  each(NO_SOCKET, "C-07 everybody in the room hears a message, the sender too", async (sphere) => {
    const [u, v] = await sphere.users("ali", "veli");
    const R = await sphere.room(u);
    const one = await sphere.joined(u, R);
    const two = await sphere.open("/");
    await join(two, v.id, R);
    one.send({ type: "message", userId: u.id, roomId: R, content: "hi" });
    const frame = await one.next("new_message");
    assert.deepEqual(Object.keys(frame).sort(), ["message", "type"]);
    assertM(frame.message, { content: "hi", userId: u.id, roomId: R, user: { id: u.id, username: "ali" }, seq: 1 });
    assert.deepEqual(await two.next("new_message"), frame);
    for (const socket of [one, two]) await socket.none();
    assert.deepEqual(await sphere.messages(u, R), [frame.message]);
  });

  each(NO_SOCKET, "C-08 a message of nobody is told to its sender only", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const one = await sphere.open("/");
    await join(one, u.id, R);
    const two = await sphere.joined(v, R);
    one.send({ type: "message", userId: "nope", roomId: R, content: "x" });
    assert.deepEqual(await one.next("error"), { type: "error", message: NOT_SAVED });
    await one.none();
    await two.none();
    assert.deepEqual(await sphere.messages(u, R), []);
  });

  each(NO_SOCKET, "C-09 who never joined is not heard", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const two = await sphere.joined(v, R);
    const one = await sphere.socket(u);
    one.send({ type: "message", userId: u.id, roomId: R, content: "x" });
    one.send({ type: "new_message", roomId: R, content: "x" });
    await one.none();
    await two.none();
    assert.deepEqual(await sphere.messages(u, R), []);
  });

  each(NO_SOCKET, "what cannot be saved is an error of its sender", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const one = await sphere.joined(u, R);
    const two = await sphere.joined(v, R);
    const wrong = [{}, { content: "" }, { content: null }, { roomId: "nowhere", content: "x" }];
    for (const fields of wrong) {
      one.send({ type: "message", userId: u.id, roomId: R, ...fields });
      await assertErrorFrame(one, NOT_SAVED);
    }
    for (const fields of [
      { content: ["x"] }, { content: { text: "x" } }, { content: "a\0b" }, { content: "x".repeat(65_537) },
      { content: "x", roomId: {} },
    ]) {
      one.send({ type: "message", userId: u.id, roomId: R, ...fields });
      await assertErrorFrame(one);
    }
    await one.none();
    await two.none();
    assert.deepEqual(await sphere.messages(u, R), []);
  });

  each(NO_SOCKET, "a message goes to the room it names, not to the one that is open", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const R2 = await sphere.room(u, v);
    const one = await sphere.joined(u, R);
    const two = await sphere.joined(v, R2);
    one.send({ type: "message", userId: u.id, roomId: R2, content: "x" });
    assert.equal((await two.next("new_message")).message.roomId, R2);
    await one.none();
  });

  each(NO_SOCKET, "a token says who speaks, whatever the frame says", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const socket = await sphere.joined(u, R);
    socket.send({ type: "message", userId: v.id, roomId: R, content: "x" });
    assert.equal((await socket.next("new_message")).message.userId, u.id);
  });

  each(STORES_ONLY, "many messages of two people arrive in one order, once", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const sockets = [await sphere.joined(u, R), await sphere.joined(v, R), await sphere.joinedAgain(u, R)];
    for (let i = 1; i <= N; i += 1) {
      sockets[0].send({ type: "message", userId: u.id, roomId: R, content: `u ${i}` });
      sockets[1].send({ type: "message", userId: v.id, roomId: R, content: `v ${i}` });
    }
    const stored = [];
    for (const socket of sockets) {
      const heard = (await socket.several("new_message", 2 * N, 10_000)).map(({ message }) => message);
      stored.push(heard.map(({ seq, content }) => `${seq} ${content}`));
      assert.deepEqual(heard.map(({ seq }) => seq), heard.map((_, i) => i + 1));
    }
    assert.deepEqual(stored[1], stored[0]);
    assert.deepEqual(stored[2], stored[0]);
    const ofU = stored[0].map((line) => line.split(" ").slice(1).join(" ")).filter((line) => line.startsWith("u"));
    assert.deepEqual(ofU, Array.from({ length: N }, (_, i) => `u ${i + 1}`));
    for (const socket of sockets) await socket.none();
  });

  each(STORES_ONLY, "a repeated client id is neither stored nor heard again", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const one = await sphere.joined(u, R);
    const two = await sphere.joined(v, R);
    for (const content of ["once", "again"]) {
      one.send({ type: "message", userId: u.id, roomId: R, content, clientMessageId: "c-1" });
    }
    assert.equal((await two.next("new_message")).message.content, "once");
    await two.none();
    assert.equal(one.all("new_message").length, 1);
    assert.deepEqual(contents(await sphere.messages(u, R)), ["once"]);
  });
});

describe("leaving and noise", BUSY, () => {
  each(NO_SOCKET, "who left hears nothing more and is not answered", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const one = await sphere.joined(u, R);
    for (const frame of [{ type: "leave_room", roomId: R }, { type: "leave" }]) {
      const two = await sphere.joined(v, R);
      two.send(frame);
      await two.none();
      one.send({ type: "message", userId: u.id, roomId: R, content: frame.type });
      await one.next("new_message");
      await two.none();
      await join(two, v.id, R);
      one.send({ type: "message", userId: u.id, roomId: R, content: "back" });
      await two.next("new_message");
    }
  });

  each(NO_SOCKET, "C-15 what is no frame of this dialect is ignored", async (sphere) => {
    const { u, R } = await sphere.pair();
    const socket = await sphere.joined(u, R);
    const noise = [
      "not json", "[]", "", "null", "5", '"join"', "{", "{}", { type: 5 }, { type: null }, { type: ["join"] },
      { type: "zzz" }, { type: "zzz", roomId: R }, { roomId: R }, { type: "__proto__" }, { type: "error", message: "x" },
      { type: "join_confirmation", roomId: R }, { type: "ping" }, { type: "hello there" }, { type: "" },
      Buffer.from([0, 1, 2, 255]), Buffer.from(JSON.stringify({ type: "message", userId: u.id, roomId: R, content: "x" })),
    ];
    for (const frame of noise) socket.send(frame);
    await socket.none();
    assert.ok(socket.isOpen);
    socket.send({ type: "message", userId: u.id, roomId: R, content: "still here" });
    await socket.next("new_message");
    assert.equal((await sphere.messages(u, R)).length, 1);
  });
});

describe("frames with a key", BUSY, () => {
  withTokens(NO_SOCKET, "only members and client applications join and send", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const stranger = await sphere.user("can");
    const Q = await sphere.room(stranger);
    const watcher = await sphere.joined(u, R);
    const socket = await sphere.socket(stranger);
    for (const type of ["join", "join_room"]) {
      for (const roomId of [R, "nowhere"]) {
        socket.send({ type, roomId });
        await assertErrorFrame(socket, NO_ACCESS);
      }
    }
    await join(socket, stranger.id, Q);
    for (const type of ["message", "new_message"]) {
      socket.send({ type, roomId: R, content: "x" });
      await assertErrorFrame(socket, NO_ACCESS);
    }
    await socket.none();
    await watcher.none();

    const client = await sphere.clientToken(stranger);
    for (const { token } of [v, client, sphere.admin]) {
      const allowed = await sphere.open(`/ws?token=${token}`);
      await join(allowed, undefined, R);
      allowed.send({ type: "message", content: "hi" });
      await allowed.next("new_message");
      await watcher.next("new_message");
    }
  });

  withTokens(NO_SOCKET, "speaking as somebody else is refused", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const watcher = await sphere.joined(v, R);
    const socket = await sphere.joined(u, R);
    for (const type of ["message", "new_message"]) {
      socket.send({ type, userId: v.id, roomId: R, content: "forged" });
      await assertErrorFrame(socket, "Forbidden");
    }
    socket.send({ type: "join", userId: v.id, roomId: R });
    await assertErrorFrame(socket);
    await socket.none();
    await watcher.none();
    assert.deepEqual(await sphere.messages(u, R), []);
  });

  withTokens(STORES_ONLY, "who was removed from a room hears nothing more of it", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const one = await sphere.joined(u, R);
    const two = await sphere.joined(v, R);
    await sphere.remove(v, R);
    one.send({ type: "message", roomId: R, content: "secret" });
    await one.next("new_message");
    await two.none();
    two.send({ type: "message", roomId: R, content: "x" });
    await assertErrorFrame(two, NO_ACCESS);
    await one.none("new_message");
  });
});
