// Messages to everybody (contract: starter, sections 2 and 3).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { MAX_TEXT_BYTES } from "../support/answers.js";
import { BUSY, each } from "../support/matrix.js";
import { assertError } from "../support/messages.js";
import {
  DIALECTS_AND_STORES, FULL, STORES_ONLY, TRANSPORTS_AND_STORES, assertAscending, assertReceived, people, restOf, send,
  texts,
} from "../support/starter.js";

describe("sending", BUSY, () => {
  each(FULL, "T-02 everybody hears a message, the sender too", async (world) => {
    const [a, b] = await people(world, "ali", "veli");
    b.emit("send_message", { message: "hi" });
    const heard = await a.next("receive_message");
    assertReceived(heard, { message: "hi", sender: "veli", senderId: b.id });
    assert.deepEqual(await b.next("receive_message"), heard);
    for (const client of [a, b]) await client.none();
  });

  each(FULL, "T-03 who never joined is Anonymous", async (world) => {
    const [a] = await people(world, "ali");
    const c = await world.connect();
    c.emit("send_message", { message: "x" });
    for (const client of [a, c]) {
      assertReceived(await client.next("receive_message"), { message: "x", sender: "Anonymous", senderId: c.id });
    }
  });

  each(FULL, "T-04 further keys are passed through, ours cannot be replaced", async (world) => {
    const [a, b] = await people(world, "ali", "veli");
    a.emit("send_message", { message: "x", color: "red", sender: "eve", id: 1 });
    for (const client of [a, b]) {
      const message = await client.next("receive_message");
      assertReceived(message, { message: "x", color: "red", sender: "ali", senderId: a.id }, ["message", "color"]);
      assert.notEqual(message.id, 1);
    }
    const passed = { nested: { list: [1, null, "ü"] }, "": 1, avatar: "/a.png", n: 1.5, yes: false, none: null };
    const message = await send(a, { message: "y", ...passed, senderId: "eve", timestamp: "yesterday" });
    assertReceived(message, { message: "y", ...passed, senderId: a.id }, ["message", ...Object.keys(passed)]);
    assert.deepEqual(await b.next("receive_message"), message);
  });

  each(FULL, "T-05 ids go strictly up and the order is kept", async (world) => {
    const [a, b] = await people(world, "ali", "veli");
    const sent = Array.from({ length: 20 }, (_, i) => `no ${i}`);
    for (const message of sent) a.emit("send_message", { message });
    for (const client of [a, b]) {
      const heard = await client.several("receive_message", sent.length);
      assert.deepEqual(texts(heard), sent);
      assertAscending(heard);
      await client.none();
    }
  });

  each(FULL, "T-11 a plain text is a message", async (world) => {
    const [a] = await people(world, "ali");
    a.emit("send_message", "plain");
    assertReceived(await a.next("receive_message"), { message: "plain", sender: "ali" });
  });

  each(TRANSPORTS_AND_STORES, "the ack holds the message and comes before it", async (world) => {
    const [a] = await people(world, "ali");
    const before = Date.now();
    const ack = await a.emitWithAck("send_message", { message: "hi" });
    assert.deepEqual(Object.keys(ack).sort(), ["message", "ok"]);
    assert.equal(ack.ok, true);
    assert.deepEqual(await a.next("receive_message"), ack.message);
    assert.deepEqual(a.order, ["ack send_message", "receive_message"]);
    // A number of milliseconds, as front ends of this kind sort by it.
    assert.ok(ack.message.id >= before - 1_000 && ack.message.id < Date.now() + 60_000, `id ${ack.message.id}`);
  });

  each(DIALECTS_AND_STORES, "who only listens hears everything", async (world) => {
    const listener = await world.connect();
    const [a] = await people(world, "ali");
    await a.ask("typing", true);
    const message = await send(a, { message: "hi" });
    assert.deepEqual(await listener.next("receive_message"), message);
    assert.deepEqual(listener.order, ["user_list", "user_joined", "typing_users", "typing_users", "receive_message"]);
  });

  each(STORES_ONLY, "ids go strictly up for many senders and over a restart", async (world) => {
    const senders = await people(world, "ali", "veli", "can");
    for (let i = 0; i < 30; i += 1) for (const client of senders) client.emit("send_message", { message: `no ${i}` });
    const [a] = senders;
    const heard = await a.several("receive_message", 90);
    assertAscending(heard);
    for (const client of senders.slice(1)) assert.deepEqual(await client.several("receive_message", 90), heard);
    for (const client of senders) client.close();
    await world.server.stop();
    await world.server.start();
    const again = await world.connect();
    assert.ok((await send(again, { message: "after" })).id > heard.at(-1).id);
  });

  each(DIALECTS_AND_STORES, "a message may have other keys only", async (world) => {
    const [a, b] = await people(world, "ali", "veli");
    await a.ask("send_message", { image: "/a.png" });
    assertReceived(await b.next("receive_message"), { image: "/a.png", sender: "ali" }, ["image"]);
  });

  each(DIALECTS_AND_STORES, "without anything to say there is no message", async (world) => {
    const [a, b] = await people(world, "ali", "veli");
    for (const args of [[], [null], [{}], [[]], [5], [true], [Buffer.from("x")]]) {
      assertError(await a.emitWithAck("send_message", ...args), "INVALID_PAYLOAD");
    }
    assert.deepEqual(a.order, Array(7).fill("ack send_message"));
    await b.none();
    assert.deepEqual((await restOf(world).get("/api/messages")).body, []);
  });

  each(DIALECTS_AND_STORES, "text may have 65,536 bytes and no U+0000", async (world) => {
    const [a, b] = await people(world, "ali", "veli");
    const longest = "ü".repeat(MAX_TEXT_BYTES / 2);
    await a.ask("send_message", { message: longest });
    assert.equal((await b.next("receive_message")).message, longest);
    for (const payload of [`${longest}x`, { message: `${longest}x` }]) {
      assertError(await a.emitWithAck("send_message", payload), "TOO_LARGE");
    }
    for (const payload of ["a\0b", { message: "a\0b" }, { message: "x", color: "a\0b" }, { message: "x", "a\0b": 1 }]) {
      assertError(await a.emitWithAck("send_message", payload), "INVALID_PAYLOAD");
    }
    await b.none();
    assert.equal((await restOf(world).get("/api/messages")).body.length, 1);
  });

  for (const key of ["clientMessageId", "clientId", "client_offset"]) {
    each(STORES_ONLY, `a repeated ${key} gives the first message again`, async (world) => {
      const [a, b] = await people(world, "ali", "veli");
      const first = await a.ask("send_message", { message: "once", [key]: "c-1" });
      const again = await a.ask("send_message", { message: "other", [key]: "c-1" });
      assert.equal("duplicate" in first, false);
      assert.deepEqual(again, { ...first, duplicate: true });
      await b.ask("send_message", { message: "of b", [key]: "c-1" });
      for (const client of [a, b]) {
        assert.deepEqual(texts(await client.several("receive_message", 2)), ["once", "of b"]);
        await client.none("receive_message");
      }
      assert.deepEqual(texts((await restOf(world).get("/api/messages")).body), ["once", "of b"]);
    });
  }
});
