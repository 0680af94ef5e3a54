// Read marks and reactions in rooms (contract: starter, section 4).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BUSY, each } from "../support/matrix.js";
import { assertError, assertHas } from "../support/messages.js";
import { DIALECTS_AND_STORES, FULL, STORES_ONLY, inRooms, roommates, send } from "../support/starter.js";

const LIKE = "👍";
const UNKNOWN_ID = 1_234_567_890_123;
/** What names no message. */
const NO_IDS = [undefined, null, {}, [], true, -1, 1.5, "", "a\0b"];

describe("reactions", BUSY, () => {
  each(FULL, "T-14 the same reaction of one person counts once", async (world) => {
    const [a, b] = await roommates(world, "tech", "ali", "veli");
    const m = await sent(a, b);
    for (let i = 0; i < 2; i += 1) b.emit("add_reaction", { messageId: m, reaction: LIKE });
    for (const client of [a, b]) {
      assert.deepEqual(await client.next("reaction_added"), {
        messageId: m, reaction: LIKE, reactions: { [LIKE]: [b.id] },
      });
    }
    await b.ask("add_reaction", { messageId: m, reaction: LIKE });
    for (const client of [a, b]) {
      await client.none("(anything)");
      for (const { reactions } of client.all("reaction_added")) assert.deepEqual(reactions, { [LIKE]: [b.id] });
    }
  });

  each(DIALECTS_AND_STORES, "reactions of several people are added and taken away", async (world) => {
    const [a, b, far] = await inRooms(world, ["ali", "tech"], ["veli", "tech"], ["zeki", "general"]);
    const m = await sent(a, b);
    const change = async (client, name, reaction) => {
      assert.equal((await client.ask(name, { messageId: m, reaction, room: "tech" })).ok, true);
      const [heard, same] = await Promise.all([a, b].map((client) => client.next("reaction_added")));
      assert.deepEqual(heard, same);
      assertHas(heard, { messageId: m, reaction });
      return Object.fromEntries(Object.entries(heard.reactions).filter(([, ids]) => ids.length > 0));
    };
    assert.deepEqual(await change(b, "add_reaction", LIKE), { [LIKE]: [b.id] });
    assert.deepEqual(await change(a, "add_reaction", LIKE), { [LIKE]: [b.id, a.id] });
    assert.deepEqual(await change(a, "add_reaction", "❤️"), { [LIKE]: [b.id, a.id], "❤️": [a.id] });
    assert.deepEqual(await change(b, "remove_reaction", LIKE), { [LIKE]: [a.id], "❤️": [a.id] });
    assert.deepEqual(await change(a, "remove_reaction", "❤️"), { [LIKE]: [a.id] });
    await b.ask("load_messages", {});
    assert.deepEqual((await b.next("paginated_messages")).messages[0].reactions[LIKE], [a.id]);
    await far.none();
  });

  each(STORES_ONLY, "ids may be text, and removing what is not there does no harm", async (world) => {
    const [a, b] = await roommates(world, "tech", "ali", "veli");
    const m = await sent(a, b);
    await b.ask("add_reaction", { messageId: String(m), reaction: LIKE });
    assert.deepEqual((await a.next("reaction_added")).reactions, { [LIKE]: [b.id] });
    assert.equal(typeof (await a.emitWithAck("remove_reaction", { messageId: m, reaction: LIKE })).ok, "boolean");
    for (const { reactions } of a.all("reaction_added")) assert.deepEqual(reactions, { [LIKE]: [b.id] });
  });

  each(STORES_ONLY, "what is no message or no reaction is refused", async (world) => {
    const [a, b, far] = await inRooms(world, ["ali", "tech"], ["veli", "tech"], ["zeki", "general"]);
    const m = await sent(a, b);
    for (const name of ["add_reaction", "remove_reaction"]) {
      for (const messageId of NO_IDS) {
        assertError(await b.emitWithAck(name, { messageId, reaction: LIKE }), "INVALID_PAYLOAD");
      }
      for (const reaction of [undefined, null, "", {}, [], "a\0b"]) {
        assertError(await b.emitWithAck(name, { messageId: m, reaction }), "INVALID_PAYLOAD");
      }
      assert.equal((await b.emitWithAck(name, { messageId: m, reaction: "x".repeat(10_000) })).ok, false);
      assertError(await b.emitWithAck(name, { messageId: UNKNOWN_ID, reaction: LIKE }), "NOT_FOUND");
      assertError(await far.emitWithAck(name, { messageId: m, reaction: LIKE }), "NOT_FOUND");
    }
    for (const client of [a, b, far]) await client.none("reaction_added");
  });
});

describe("read marks", BUSY, () => {
  each(FULL, "the author learns who has read a message", async (world) => {
    const [a, b, c] = await roommates(world, "tech", "ali", "veli", "can");
    const m = await sent(a, b, c);
    b.emit("mark_read", { messageId: m });
    assert.deepEqual(await a.next("message_read"), { messageId: m, readBy: "veli" });
    await c.ask("mark_read", { messageId: m, room: "tech" });
    assert.deepEqual(await a.next("message_read"), { messageId: m, readBy: "can" });
    for (const client of [a, b, c]) await client.none();
    await c.ask("load_messages", {});
    const [{ readBy }] = (await c.next("paginated_messages")).messages;
    assert.equal(Object.keys(readBy).length, 3, JSON.stringify(readBy));
  });

  each(STORES_ONLY, "what is no message of the room cannot be read", async (world) => {
    const [a, b, far] = await inRooms(world, ["ali", "tech"], ["veli", "tech"], ["zeki", "general"]);
    const m = await sent(a, b);
    for (const messageId of NO_IDS) {
      assertError(await b.emitWithAck("mark_read", { messageId }), "INVALID_PAYLOAD");
    }
    assertError(await b.emitWithAck("mark_read", { messageId: UNKNOWN_ID }), "NOT_FOUND");
    assertError(await far.emitWithAck("mark_read", { messageId: m }), "NOT_FOUND");
    await a.none();
  });

  each(STORES_ONLY, "an author who is gone does not keep others from reading", async (world) => {
    const [a, b] = await roommates(world, "tech", "ali", "veli");
    const m = await sent(a, b);
    a.disconnect();
    await b.next("user_left");
    await b.ask("mark_read", { messageId: m });
    await b.none("message_read");
  });
});

/** The id of a message of the first, heard by all of them. */
async function sent(...clients) {
  const { id } = await send(clients[0], { message: "m" });
  for (const client of clients) await client.next("receive_message");
  for (const client of clients) client.forget();
  return id;
}
