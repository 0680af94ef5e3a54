// The second spelling of the plain WebSocket: `join_room`, `message_history`, text as a frame's type
// (contract: chatsphere, sections 2 and 3).

import assert from "node:assert/strict";
import { describe } from "node:test";
import {
  NO_ACCESS, NO_SOCKET, NOT_SAVED, assertErrorFrame, assertM, assertM2, assertSpread, contents, each, withTokens,
} from "../support/chatsphere.js";
import { BUSY } from "../support/matrix.js";

describe("second spelling", BUSY, () => {
  each(NO_SOCKET, "C-13 join_room is answered with the history, messages carry their fields on top", async (sphere) => {
    const u = await sphere.user("ali");
    const R = await sphere.room(u);
    const socket = await sphere.socket(u);
    socket.send({ type: "join_room", roomId: R });
    assert.deepEqual(await socket.next("message_history"), { type: "message_history", roomId: R, messages: [] });
    assert.deepEqual(socket.order, ["message_history"]);
    socket.send({ type: "new_message", content: "hi" });
    const expected = { content: "hi", userId: u.id, roomId: R, user: { id: u.id, username: "ali" } };
    assertSpread(await socket.next("new_message"), expected);
    await socket.none();
  });

  each(NO_SOCKET, "C-14 a frame of nothing but a type is a text message", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const second = await sphere.joinedAgain(u, R);
    const first = await sphere.joined(v, R);
    second.send({ type: "hello there" });
    assertSpread(await second.next("new_message"), { content: "hello there", userId: u.id, roomId: R });
    assert.equal((await first.next("new_message")).message.content, "hello there");
    first.send({ type: "hello there" });
    await first.none();
    await second.none();
  });

  each(NO_SOCKET, "words, heartbeats and frames with more keys are no text messages", async (sphere) => {
    const { u, R } = await sphere.pair();
    const socket = await sphere.joinedAgain(u, R);
    for (const type of ["ping", "pong", "heartbeat", "keepalive"]) socket.send({ type });
    socket.send({ type: "hello there", at: 1 });
    socket.send({ type: 5 });
    await socket.none();
    for (const type of ["message", "new_message"]) {
      socket.send({ type });
      await assertErrorFrame(socket, NOT_SAVED);
    }
    for (const type of ["join", "join_room"]) {
      socket.send({ type });
      await assertErrorFrame(socket, "roomId is required");
    }
    assert.deepEqual(await sphere.messages(u, R), []);
    for (const type of ["join us", "çok güzel 🌸", "__proto__", "toString"]) {
      socket.send({ type });
      assertSpread(await socket.next("new_message"), { content: type });
    }
    socket.send({ type: "leave" });
    await sphere.post(u, R, "unheard");
    await socket.none();
  });

  each(NO_SOCKET, "each socket hears its own spelling, wherever the message comes from", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const first = await sphere.joined(u, R);
    const second = await sphere.joinedAgain(v, R);
    first.send({ type: "message", userId: u.id, roomId: R, content: "one" });
    second.send({ type: "new_message", roomId: R, content: "two" });
    second.send({ type: "message", content: "three" });
    await second.several("new_message", 3).then((frames) => frames.forEach((frame) => assertSpread(frame)));
    const [posted] = await sphere.post(u, R, "four");
    assertSpread(await second.next("new_message"), posted);
    const frames = await first.several("new_message", 4);
    for (const frame of frames) {
      assert.deepEqual(Object.keys(frame).sort(), ["message", "type"]);
      assertM(frame.message);
    }
    assert.deepEqual(frames[3].message, posted);
  });

  withTokens(NO_SOCKET, "a join_room that is refused leaves the spelling as it is", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const [foreign, socket] = [await sphere.room(v), await sphere.joined(u, R)];
    socket.send({ type: "join_room", roomId: foreign });
    await assertErrorFrame(socket, NO_ACCESS);
    await sphere.post(u, R, "still the first");
    assert.deepEqual(Object.keys(await socket.next("new_message")).sort(), ["message", "type"]);
  });

  each(NO_SOCKET, "the history names the sender at the top of each message", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const [one] = await sphere.post(u, R, "one");
    const [two] = await sphere.post(v, R, "two");
    const socket = await sphere.socket(v);
    socket.send({ type: "join_room", roomId: R });
    const { messages } = await socket.next("message_history");
    assert.deepEqual(contents(messages), ["one", "two"]);
    assertM2(messages[0], one);
    assertM2(messages[1], two);
    assert.deepEqual(messages.map(({ username }) => username), ["ali", "veli"]);
  });

  each(NO_SOCKET, "a later join_room replaces the earlier one, leave_room ends it", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const R2 = await sphere.room(v);
    const socket = await sphere.joinedAgain(v, R);
    socket.send({ type: "join_room", roomId: R2 });
    assert.equal((await socket.next("message_history")).roomId, R2);
    await sphere.post(u, R, "elsewhere");
    await sphere.post(v, R2, "here");
    assertSpread(await socket.next("new_message"), { content: "here" });
    socket.send({ type: "leave_room", roomId: R2 });
    await socket.none();
    await sphere.post(v, R2, "unheard");
    await socket.none();
  });
});
