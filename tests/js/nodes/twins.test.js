// A message that one front end sends by socket and by POST at once, when the two come to two servers (contract:
// messaging, section 4, repeats b).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BUSY, combinationsOf, each } from "../support/matrix.js";
import { range } from "../support/native.js";

const N_ROUNDS = 40;
const NODES = { ...combinationsOf("messaging").FIXED, transports: ["websocket"], stores: ["nodes", "redis"] };

describe("double sends over two servers", BUSY, () => {
  each(NODES, "are one message each, in either order and at once", async (world) => {
    const { a, b, c } = await world.pair();
    const ways = [
      async (n) => { const sent = await bySocket(a, c, n); return [sent, await byPost(world, c, n)]; },
      async (n) => { const posted = await byPost(world, c, n); return [await bySocket(a, c, n), posted]; },
      (n) => Promise.all([bySocket(a, c, n), byPost(world, c, n)]),
    ];
    for (const n of range(1, N_ROUNDS)) {
      const [sent, posted] = await ways[n % ways.length](n);
      assert.equal(sent.id, posted.id, `round ${n}`);
      assert.equal((await b.next("new_message")).id, sent.id);
    }
    await b.none("new_message");
    assert.equal((await world.rest.messages(c)).length, N_ROUNDS);
  });

  each(NODES, "are told apart although many come at once", async (world) => {
    const { a, b, c } = await world.pair();
    const pairs = await Promise.all(range(1, N_ROUNDS).map((n) => Promise.all([bySocket(a, c, n), byPost(world, c, n)])));
    for (const [sent, posted] of pairs) assert.equal(sent.id, posted.id);
    assert.equal(new Set(pairs.map(([{ id }]) => id)).size, N_ROUNDS);
    await b.several("new_message", N_ROUNDS);
    await b.none("new_message");
  });

  each(NODES, "a half that found its other half is used up", async (world) => {
    const { a, b, c } = await world.pair();
    const sent = await bySocket(a, c, "ok");
    const posted = await byPost(world, c, "ok");
    const third = await byPost(world, c, "ok");
    const fourth = await byPost(world, c, "ok");
    assert.equal(posted.id, sent.id);
    assert.equal(new Set([sent.id, third.id, fourth.id]).size, 3, "equal sends over one channel are messages of their own");
    await b.several("new_message", 3);
    await b.none("new_message");
  });

  each(NODES, "what says something else, or somebody else says, is another message", async (world) => {
    const { a, b, c } = await world.pair();
    const sent = await bySocket(a, c, "one");
    const other = await byPost(world, c, "other");
    const foreign = await byPost(world, c, "one", { senderId: 2, receiverId: 1 });
    assert.equal(new Set([sent.id, other.id, foreign.id]).size, 3);
    await b.several("new_message", 2);
  });
});

let nSent = 0;

async function bySocket(client, conversationId, content) {
  nSent += 1;
  const draft = { conversationId, senderId: 1, receiverId: 2, content: `no ${content}`, type: "text", tempId: `temp_${nSent}` };
  return (await client.ask("send_message", draft)).message;
}

async function byPost(world, conversationId, content, fields = {}) {
  const draft = { conversationId, senderId: 1, receiverId: 2, content: `no ${content}`, type: "text", ...fields };
  const { status, body } = await world.rest.post("/api/messages", draft);
  assert.equal(status, 200, JSON.stringify(body));
  return body.message;
}
