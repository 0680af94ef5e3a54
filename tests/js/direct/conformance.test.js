// The numbered cases of the dialect (contract: direct, section 7).

import assert from "node:assert/strict";
import { describe } from "node:test";
import {
  FULL, assertChat, assertGroupChat, assertSent, group, join, noted, registered, say, user,
} from "../support/direct.js";
import { BUSY, each } from "../support/matrix.js";
import { assertError } from "../support/messages.js";
import { TOKEN_MODE, token } from "../support/token.js";

describe("direct conformance", BUSY, () => {
  for (const [number, recipientId] of [["D-01", 2], ["D-02", "2"]]) {
    each(FULL, `${number} a message to ${JSON.stringify(recipientId)} arrives once, without echo`, async (world) => {
      const a = await user(world, 1);
      const b = await user(world, 2);
      a.emit("chat", { recipientId, messageContent: "merhaba" });
      assertChat(await b.next("chat"), { senderId: "1", messageContent: "merhaba" });
      await b.none();
      await a.none();
    });
  }

  each(FULL, "D-03 who came with an id in the handshake need not register", async (world) => {
    const b = await world.connect({ auth: { userId: 2 } });
    const c = await world.connect({ query: { userId: 3 } });
    const a = await user(world, 1);
    a.emit("chat", { recipientId: 2, messageContent: "to b" });
    a.emit("chat", { recipientId: 3, messageContent: "to c" });
    for (const [client, messageContent] of [[b, "to b"], [c, "to c"]]) {
      assertChat(await client.next("chat"), { senderId: "1", messageContent });
      await client.none();
    }
  });

  each(FULL, "D-04 every socket of a user gets the message, and one that leaves hides nothing", async (world) => {
    const a = await user(world, 1);
    const b = await user(world, 2);
    const b2 = await user(world, 2);
    a.emit("chat", { recipientId: 2, messageContent: "both" });
    for (const client of [b, b2]) {
      assertChat(await client.next("chat"), { messageContent: "both" });
      await client.none();
    }
    b2.disconnect();
    a.emit("chat", { recipientId: 2, messageContent: "one" });
    assertChat(await b.next("chat"), { messageContent: "one" });
    await b.none();
  });

  each(FULL, "D-05 a socket without a name may send", async (world) => {
    const a = await world.connect();
    const b = await user(world, 2);
    a.emit("chat", { recipientId: 2, messageContent: "who am I" });
    const event = await b.next("chat");
    assertChat(event, { messageContent: "who am I" });
    assert.notEqual(event.senderId, a.id);
    assert.match(event.senderId, /^guest-./);
    await a.none();
  });

  each(FULL, "D-06 a socket without a name can be answered", async (world) => {
    const a = await world.connect();
    const b = await user(world, 2);
    a.emit("chat", { recipientId: 2, messageContent: "who am I" });
    b.emit("chat", { recipientId: (await b.next("chat")).senderId, messageContent: "a guest" });
    assertChat(await a.next("chat"), { senderId: "2", messageContent: "a guest" });
    await a.none();
    await b.none();
  });

  each(FULL, "D-07 a message to somebody who is away waits for the first socket", async (world) => {
    const a = await user(world, 1);
    const ack = await say(a, 9, "later");
    assertSent(ack, { delivered: false });
    await a.none();
    const c = await registered(world, 9);
    assertChat(await c.next("chat"), { senderId: "1", messageContent: "later", id: ack.id, timestamp: ack.timestamp });
    if (world.hasTwoServers) await noted(world, 9);
    const c2 = await registered(world, 9);
    for (const client of [c, c2]) await client.none();
  });

  each(FULL, "D-08 a group message reaches the participants, the sender included", async (world) => {
    const { a, b, c } = await group(world);
    a.emit("groupChat", { groupId: 5, messageContent: "x" });
    for (const [client, senderId] of [[a, a.id], [b, "1"]]) {
      assertGroupChat(await client.next("groupChat"), { groupId: 5, messageContent: "x", senderId });
      await client.none();
    }
    await c.none();
  });

  each(FULL, "D-09 a group id is echoed in the type in which it was sent", async (world) => {
    const { a, b } = await group(world);
    a.emit("groupChat", { groupId: "5", messageContent: "x" });
    for (const client of [a, b]) {
      assertGroupChat(await client.next("groupChat"), { groupId: "5" });
      await client.none();
    }
  });

  each(FULL, "D-10 text and group may be two arguments", async (world) => {
    const { a, b } = await group(world);
    a.emit("groupChat", "y", 5);
    for (const client of [a, b]) {
      assertGroupChat(await client.next("groupChat"), { groupId: 5, messageContent: "y" });
      await client.none();
    }
  });

  each(FULL, "D-11 an unknown group is not found", async (world) => {
    const a = await user(world, 1);
    assertError(await a.emitWithAck("groupChat", { groupId: "none", messageContent: "x" }), "NOT_FOUND");
    await a.none();
  });

  each(FULL, "D-12 incomplete messages are refused and the connection stays open", async (world) => {
    const a = await user(world, 1);
    const { id } = a;
    for (const args of [[{ recipientId: 2 }], [], [null]]) assertError(await a.emitWithAck("chat", ...args), "INVALID_PAYLOAD");
    await a.none();
    assert.equal(a.id, id);
    await say(a, 2, "still here");
  });

  each(FULL, "D-13 fifty messages without waiting arrive in order", async (world) => {
    const a = await user(world, 1);
    const b = await user(world, 2);
    const contents = Array.from({ length: 50 }, (_, i) => `${i}`);
    for (const messageContent of contents) a.emit("chat", { recipientId: 2, messageContent });
    const heard = await b.several("chat", contents.length);
    assert.deepEqual(heard.map(({ messageContent }) => messageContent), contents);
    assert.deepEqual(heard.map(({ seq }) => seq), contents.map((_, i) => i + 1));
    await b.none();
    await a.none();
  });

  each(FULL, "D-14 nobody reads the socket id of somebody else", async (world) => {
    const [a, a2, b] = [await world.connect(), await world.connect(), await world.connect()];
    for (const [client, id] of [[a, 1], [a2, 1], [b, 2]]) await client.ask("register", id);
    await join(5, a, a2, b);
    a.emit("groupChat", { groupId: 5, messageContent: "x" });
    for (const [client, senderId] of [[a, a.id], [a2, a2.id], [b, "1"]]) {
      assertGroupChat(await client.next("groupChat"), { senderId });
      await client.none();
    }
    await b.ask("groupChat", { groupId: 5, messageContent: "y" });
    await b.next("groupChat");
    for (const socketId of [a.id, a2.id]) assert.equal(JSON.stringify(b.log).includes(socketId), false);
  });

  each(FULL, "D-15 in token mode the token says who sends", async (world) => {
    assert.equal((await world.refused()).message, "Authentication error");
    const a = await world.connect({ auth: { token: token(1) } });
    const b = await user(world, 2, { auth: { token: token(2) } });
    a.emit("chat", { recipientId: 2, messageContent: "x" });
    assertChat(await b.next("chat"), { senderId: "1", messageContent: "x" });
    await b.none();
  }, TOKEN_MODE);

  each(FULL, "D-16 recipient and text may have other names", async (world) => {
    const a = await user(world, 1);
    const b = await user(world, 2);
    a.emit("chat", { to: 2, message: "z" });
    assertChat(await b.next("chat"), { senderId: "1", messageContent: "z" });
    await b.none();
  });
});
