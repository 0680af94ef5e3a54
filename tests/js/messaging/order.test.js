// Order, and how a socket gets its dialect (contract: README, sections 2, 6.1 to 6.3 and 9).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { AUTO, BUSY, FULL, STORES_ONLY, TRANSPORTS_AND_STORES, each } from "../support/matrix.js";
import { draft, send } from "../support/messages.js";

const PATIENCE_MS = 30_000;

describe("order", BUSY, () => {
  each(TRANSPORTS_AND_STORES, "events right after the connection are handled in the order they were sent", async (world) => {
    const a = await world.connect();
    const steps = [
      a.ask("join_user_room", 1),
      a.ask("join_conversation", 42),
      a.ask("send_message", draft({ content: "one" })),
      a.ask("leave_conversation", 42),
      a.ask("send_message", draft({ content: "two" })),
      a.ask("mark_read", { conversationId: 42, userId: 1 }),
    ];
    await Promise.all(steps);
    const acks = a.order.filter((name) => name.startsWith("ack"));
    const events = ["join_user_room", "join_conversation", "send_message", "leave_conversation", "send_message", "mark_read"];
    assert.deepEqual(acks, events.map((name) => `ack ${name}`));
    assert.equal((await a.next("new_message")).content, "one"); // still in the room, no longer when the second was sent
    await a.none("new_message");
  });

  each(STORES_ONLY, "a thousand pipelined messages keep their order, and the history pages through them", async (world) => {
    const { a, b, c } = await world.pair();
    const n = 1005;
    const answers = [];
    const done = new Promise((resolve) => {
      for (let i = 1; i <= n; i += 1) {
        a.socket.emit("send_message", draft({ content: `no ${i}`, tempId: `temp_${i}` }), (ack) => {
          answers.push(ack);
          if (answers.length === n) resolve();
        });
      }
    });
    const heard = await b.several("new_message", n, PATIENCE_MS);
    await done;
    const expected = Array.from({ length: n }, (_, i) => [i + 1, `no ${i + 1}`]);
    const short = ({ seq, content }) => [seq, content];
    assert.deepEqual(answers.map((ack) => short(ack.message)), expected);
    assert.deepEqual(heard.map(short), expected);
    assert.deepEqual((await a.several("message_sent", n)).map(short), expected);
    assert.deepEqual((await world.rest.messages(c)).map(short), expected.slice(-1000));
    assert.deepEqual((await world.rest.messages(c, "&beforeSeq=6")).map(short), expected.slice(0, 5));
  });

  each(STORES_ONLY, "messages of many senders reach everybody in the order of seq", async (world) => {
    const { a, b, c } = await world.pair();
    const n = 50;
    const senders = [[a, 1, 2], [b, 2, 1]];
    await Promise.all(senders.flatMap(([client, senderId, receiverId]) => {
      return Array.from({ length: n }, (_, i) => client.ask("send_message", draft({ senderId, receiverId, content: `${i}` })));
    }));
    const seqs = Array.from({ length: 2 * n }, (_, i) => i + 1);
    for (const client of [a, b]) {
      const heard = await client.several("new_message", 2 * n, PATIENCE_MS);
      assert.deepEqual(heard.map(({ seq }) => seq), seqs);
    }
    assert.deepEqual((await world.rest.messages(c)).map(({ seq }) => seq), seqs);
  });

  each(STORES_ONLY, "the default client moves to WebSocket and loses nothing on the way", async (world) => {
    const a = await world.user(1);
    const b = await world.connect();
    await b.ask("join_user_room", 2);
    const sending = Promise.all(Array.from({ length: 20 }, (_, i) => send(a, { content: `${i}`, tempId: `temp_${i}` })));
    await Promise.all([a.upgraded(), b.upgraded(), sending]);
    const heard = await b.several("new_message", 20);
    assert.deepEqual(heard.map(({ content }) => content), Array.from({ length: 20 }, (_, i) => `${i}`));
  });
});

describe("dialects", BUSY, () => {
  each(FULL, "X-05 an unknown dialect is refused by name", async (world) => {
    const error = await world.refused({ auth: { dialect: "klingon" } });
    assert.equal(error.message, "Unknown dialect: klingon");
    assert.equal((await world.refused({ query: { dialect: "klingon" } })).message, "Unknown dialect: klingon");
  });

  each(AUTO, "X-06 an unknown event does not decide the dialect", async (world) => {
    const a = await world.connect();
    assert.deepEqual(await a.emitWithAck("foo"), {
      ok: false, error: { code: "UNKNOWN_EVENT", message: "Unknown event: foo" },
    });
    await a.none();
    a.emit("join_user_room", 1);
    assert.deepEqual(await a.next("connected"), { userId: 1, socketId: a.id });
  });

  each(AUTO, "the dialect may be named in the handshake", async (world) => {
    for (const options of [{ auth: { dialect: "messaging" } }, { query: { dialect: "messaging" } }]) {
      const a = await world.connect(options);
      assert.equal((await a.emitWithAck("chat", { recipientId: 2, messageContent: "x" })).error.code, "UNKNOWN_EVENT");
      await a.ask("join_user_room", 1);
    }
  });
});
