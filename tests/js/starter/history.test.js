// Paging and searching in rooms (contract: starter, section 4).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { query } from "../support/database.js";
import { BUSY, each } from "../support/matrix.js";
import { assertHas } from "../support/messages.js";
import {
  DIALECTS_AND_STORES, STORES_ONLY, assertAscending, assertRoomMessage, inRooms, roommates, send, texts,
} from "../support/starter.js";

const MAX_RESULTS = 50;
const SEARCH_WINDOW = 5_000;
/** As many as a search reads at a time: it looks at their length then. */
const N_LONG = 200;
/** A search may have to look at megabytes. */
const SEARCH_MS = 20_000;

describe("load_messages", BUSY, () => {
  each(DIALECTS_AND_STORES, "page 0 is the newest, each page ascends", async (world) => {
    const [a, b] = await inRooms(world, ["ali", "tech"], ["veli", "tech"]);
    const all = await sendAll(a, range(1, 25));
    const pages = [
      [{ page: 0, limit: 10 }, range(16, 25), true],
      [{ page: 1, limit: 10 }, range(6, 15), true],
      [{ page: 2, limit: 10 }, range(1, 5), false],
      [{ page: 3, limit: 10 }, [], false],
      [{ page: 0, limit: 25 }, range(1, 25), false],
      [{ page: 4, limit: 5, room: "tech" }, range(1, 5), false],
    ];
    for (const [payload, expected, hasMore] of pages) {
      await b.ask("load_messages", payload);
      const answer = await b.next("paginated_messages");
      assert.deepEqual(Object.keys(answer).sort(), ["hasMore", "messages", "page"]);
      assert.deepEqual([texts(answer.messages), answer.page, answer.hasMore], [expected, payload.page, hasMore]);
      for (const message of answer.messages) assert.deepEqual(message, all[Number(message.message) - 1]);
    }
    await b.ask("load_messages", {});
    const { messages, page } = await b.next("paginated_messages");
    assert.equal(page, 0);
    assert.deepEqual(texts(messages), range(1, 25).slice(-messages.length));
    await a.none("paginated_messages");
  });

  each(STORES_ONLY, "a page is of one room", async (world) => {
    const [a, far] = await inRooms(world, ["ali", "tech"], ["veli", "general"]);
    await sendAll(a, ["one", "two"]);
    await far.ask("load_messages", {});
    assert.deepEqual(await far.next("paginated_messages"), { messages: [], page: 0, hasMore: false });
  });

  each(STORES_ONLY, "senseless pages are answered once, and never with everything", async (world) => {
    const [a] = await roommates(world, "tech", "ali");
    await sendAll(a, range(1, 5));
    const odd = [
      null, 5, "x", [], { page: -1 }, { page: "x" }, { page: 1.5 }, { page: 2 ** 53 }, { page: 1e300 }, { page: {} },
      { limit: 0 }, { limit: -1 }, { limit: "x" }, { limit: 1e9 }, { limit: null }, { room: {} }, { room: "a\0b" },
    ];
    for (const payload of odd) {
      const ack = await a.emitWithAck("load_messages", payload);
      if (!ack.ok) assert.equal(ack.error.code, "INVALID_PAYLOAD", JSON.stringify(payload));
      else assert.ok((await a.next("paginated_messages")).messages.length <= 5);
    }
  });
});

describe("search_messages", BUSY, () => {
  each(DIALECTS_AND_STORES, "letters are found in any case, Turkish ones too", async (world) => {
    const [a, b] = await roommates(world, "tech", "ali", "veli");
    const cities = ["İSTANBUL", "istanbul", "ISTANBUL", "ıstanbul", "bir İstanbul sabahı"];
    const others = ["ankara", "ÇOK ŞIK BİR ÖĞÜN", "IĞDIR", "stanbul"];
    await sendAll(a, [...cities, ...others]);
    const found = {
      istanbul: cities, İstanbul: cities, ISTANBUL: cities, "ıSTANBUL": cities,
      "çok şık bir öğün": ["ÇOK ŞIK BİR ÖĞÜN"],
      "ığdır": ["IĞDIR"], "İĞDİR": ["IĞDIR"], Ankara: ["ankara"], STANBUL: [...cities, "stanbul"], izmir: [],
    };
    for (const [query, expected] of Object.entries(found)) {
      await b.ask("search_messages", { query });
      const answer = await b.next("search_results");
      assert.deepEqual(Object.keys(answer).sort(), ["query", "results"]);
      assert.equal(answer.query, query);
      assert.deepEqual(texts(answer.results), expected, query);
      assertAscending(answer.results);
      for (const message of answer.results) assertRoomMessage(message, { room: "tech", sender: "ali" });
    }
    await a.none("search_results");
  });

  each(STORES_ONLY, "signs of a query are taken as they are", async (world) => {
    const [a] = await roommates(world, "tech", "ali");
    const lines = ["100% sure", "100 sure", "snake_case", "snakeXcase", "back\\slash", "it's", "a \"quote\"", "a*b", "🌸"];
    await sendAll(a, lines);
    const found = {
      "100%": ["100% sure"], "%": ["100% sure"], "_": ["snake_case"], "\\": ["back\\slash"], "'": ["it's"],
      "\"": ["a \"quote\""], "*": ["a*b"], "🌸": ["🌸"], "e_c": ["snake_case"],
    };
    for (const [query, expected] of Object.entries(found)) {
      await a.ask("search_messages", { query });
      assert.deepEqual(texts((await a.next("search_results")).results), expected, query);
    }
  });

  each(STORES_ONLY, "at most fifty are found, ascending, of one room", async (world) => {
    const [a, far] = await inRooms(world, ["ali", "tech"], ["veli", "general"]);
    await sendAll(a, range(1, MAX_RESULTS + 10).map((n) => `needle ${n}`));
    await a.ask("search_messages", { query: "NEEDLE", room: "tech" });
    const { results } = await a.next("search_results");
    assert.equal(results.length, MAX_RESULTS);
    assertAscending(results);
    await far.ask("search_messages", { query: "needle" });
    assert.deepEqual(await far.next("search_results"), { query: "needle", results: [] });
  });

  each(STORES_ONLY, "the newest five thousand are looked at, and no more", async (world) => {
    const [a] = await roommates(world, "tech", "ali");
    await sendAll(a, ["needle"]);
    await fill(world, SEARCH_WINDOW - 1, "hay");
    assert.deepEqual(await find(a, "needle"), ["needle"]);
    await sendAll(a, ["hay"]);
    assert.deepEqual(await find(a, "needle"), []);
  });

  each(STORES_ONLY, "long messages make that fewer", async (world) => {
    const [author] = await roommates(world, "tech", "ali");
    await sendAll(author, ["needle"]);
    author.disconnect();
    await world.server.stop(); // it would tell who is there so much at once that they would count as slow
    await fill(world, N_LONG, "y".repeat(60_000));
    await world.server.start();
    const [a] = await roommates(world, "tech", "veli");
    assert.deepEqual(await find(a, "needle"), []);
    await query(world.server, "UPDATE message SET content = 'hay' WHERE id LIKE 'filler%'");
    assert.deepEqual(await find(a, "needle"), ["needle"]);
  });

  each(STORES_ONLY, "senseless queries are answered once, and never with everything", async (world) => {
    const [a] = await roommates(world, "tech", "ali");
    await sendAll(a, ["one", "two"]);
    const odd = [
      undefined, null, 5, [], {}, { query: "" }, { query: "   " }, { query: null }, { query: {} }, { query: "a\0b" },
      { query: "x".repeat(100_000) },
    ];
    for (const payload of odd) {
      const ack = await a.emitWithAck("search_messages", payload);
      if (!ack.ok) assert.ok(["INVALID_PAYLOAD", "TOO_LARGE"].includes(ack.error.code), JSON.stringify(ack));
      else assertHas(await a.next("search_results"), { results: [] });
    }
  });
});

/** Sends and gives the stored messages, in order. */
async function sendAll(client, messages) {
  const stored = await Promise.all(messages.map((message) => send(client, { message })));
  await client.several("receive_message", messages.length);
  return stored;
}

/** What a search finds. */
async function find(client, text) {
  await client.askWithin(SEARCH_MS, "search_messages", { query: text });
  return texts((await client.next("search_results")).results);
}

/** Puts so many messages behind the only one that there is. */
async function fill(world, n, content) {
  await query(world.server, `WITH RECURSIVE numbers(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n <= ${n})
    INSERT INTO message (id, conversation_id, seq, rev, sender_id, sender_party, kind, content, created_at)
    SELECT 'filler' || n, conversation_id, n, n, sender_id, sender_party, kind, '${content}', created_at FROM numbers, message`);
  await query(world.server, `UPDATE conversation SET last_seq = ${n + 1}, last_rev = ${n + 1}
    WHERE id = (SELECT conversation_id FROM message WHERE seq = 1)`);
}

/** Numbers from `first` to `last` as texts. */
function range(first, last) {
  return Array.from({ length: last - first + 1 }, (_, i) => String(first + i));
}
