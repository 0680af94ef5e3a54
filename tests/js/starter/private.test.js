// Private messages, addressed by socket id (contract: starter, sections 2, 3 and 5).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BUSY, each } from "../support/matrix.js";
import { assertError, assertHas } from "../support/messages.js";
import { DIALECTS_AND_STORES, FULL, STORES_ONLY, assertPrivate, people, restOf, roommates, send, texts } from "../support/starter.js";

describe("private messages", BUSY, () => {
  each(FULL, "T-07 target and sender hear a private message, nobody else", async (world) => {
    const [a, b, c] = await people(world, "ali", "veli", "can");
    a.emit("private_message", { to: b.id, message: "s" });
    const heard = await b.next("private_message");
    assertPrivate(heard, { message: "s", sender: "ali", senderId: a.id });
    assert.deepEqual(await a.next("private_message"), heard);
    for (const client of [a, b, c]) await client.none();
  });

  each(FULL, "T-08 to oneself it comes once, to nobody only back to the sender", async (world) => {
    const [a, b] = await people(world, "ali", "veli");
    a.emit("private_message", { to: a.id, message: "self" });
    assertPrivate(await a.next("private_message"), { message: "self", senderId: a.id });
    await a.none();
    assertHas(await a.ask("private_message", { to: "nobody", message: "lost" }), { ok: true, delivered: false });
    assertPrivate(await a.next("private_message"), { message: "lost", senderId: a.id });
    await a.none();
    await b.none();
  });

  each(DIALECTS_AND_STORES, "a message that arrived is acked as delivered", async (world) => {
    const [a, b] = await people(world, "ali", "veli");
    assertHas(await a.ask("private_message", { to: b.id, message: "s" }), { ok: true, delivered: true });
    const { id } = b;
    await b.next("private_message");
    b.close();
    await a.next("user_left");
    assertHas(await a.ask("private_message", { to: id, message: "late" }), { ok: true, delivered: false });
  });

  each(DIALECTS_AND_STORES, "private messages appear in no REST answer", async (world) => {
    const [a, b] = await people(world, "ali", "veli");
    await send(a, { message: "public" });
    await a.ask("private_message", { to: b.id, message: "secret" });
    await a.ask("private_message", { to: a.id, message: "secret" });
    const rest = restOf(world);
    assert.deepEqual(texts((await rest.get("/api/messages")).body), ["public"]);
    for (const path of ["/api/messages", "/api/messages/general", `/api/messages/${a.id}`, `/api/messages/${b.id}`, "/api/rooms"]) {
      assert.equal(JSON.stringify((await rest.get(path)).body).includes("secret"), false, path);
    }
    const [first] = (await rest.get("/api/messages")).body;
    assert.ok((await send(a, { message: "public again" })).id > first.id);
  });

  each(STORES_ONLY, "private messages appear in no history and no search of a room", async (world) => {
    const [a, b] = await roommates(world, "tech", "ali", "veli");
    await a.ask("private_message", { to: b.id, message: "secret" });
    assertHas(await b.next("private_message"), { message: "secret", isPrivate: true });
    await b.ask("load_messages", {});
    assert.deepEqual((await b.next("paginated_messages")).messages, []);
    await b.ask("search_messages", { query: "secret" });
    assert.deepEqual((await b.next("search_results")).results, []);
    const c = await world.connect();
    await c.ask("user_join", { username: "can", room: "tech" });
    assert.deepEqual(await c.next("room_messages"), []);
    assert.deepEqual((await restOf(world).get("/api/messages/tech")).body, []);
  });

  each(DIALECTS_AND_STORES, "without target or text nothing is sent", async (world) => {
    const [a, b] = await people(world, "ali", "veli");
    const wrong = [
      undefined, null, "text", 5, [], {}, { to: b.id }, { message: "x" }, { to: null, message: "x" },
      { to: {}, message: "x" }, { to: b.id, message: null }, { to: b.id, message: "a\0b" }, { to: "a\0b", message: "x" },
    ];
    for (const payload of wrong) assertError(await a.emitWithAck("private_message", payload), "INVALID_PAYLOAD");
    const tooLong = { to: b.id, message: "x".repeat(65_537) };
    assertError(await a.emitWithAck("private_message", tooLong), "TOO_LARGE");
    assert.deepEqual(a.order, Array(wrong.length + 1).fill("ack private_message"));
    await b.none();
  });

  each(STORES_ONLY, "a repeat to a socket that is gone is the same message", async (world) => {
    const [a, b] = await people(world, "ali", "veli");
    const payload = { to: b.id, message: "once", clientMessageId: "c-1" };
    const first = await a.ask("private_message", payload);
    await b.next("private_message");
    b.close();
    await a.next("user_left");
    const again = await a.ask("private_message", payload);
    assertHas(again, { duplicate: true, delivered: true });
    assert.equal(again.message.id, first.message.id);
    const other = await a.ask("private_message", { ...payload, clientMessageId: "c-2" });
    assertHas(other, { delivered: false });
    assert.notEqual(other.message.id, first.message.id);
  });

  each(STORES_ONLY, "a repeated client id is delivered once", async (world) => {
    const [a, b] = await people(world, "ali", "veli");
    const first = await a.ask("private_message", { to: b.id, message: "once", clientMessageId: "c-1" });
    const again = await a.ask("private_message", { to: b.id, message: "other", clientMessageId: "c-1" });
    assert.equal("duplicate" in first, false);
    assert.equal(again.duplicate, true);
    assert.equal((await b.next("private_message")).message, "once");
    await b.none("private_message");
  });
});
