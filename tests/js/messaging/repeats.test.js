// The same message sent twice (contract: README, section 6.5, and messaging, section 4 "Repeats").

import assert from "node:assert/strict";
import { describe } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { BUSY, FULL, STORES_ONLY, each } from "../support/matrix.js";
import { assertHas, draft, send } from "../support/messages.js";

const CLIENT_ID_KEYS = ["clientMessageId", "clientId", "client_offset"];
const POST = "/api/messages";

describe("repeats", BUSY, () => {
  each(FULL, "M-16 a message sent by socket and by POST at once is one message", async (world) => {
    const { a, b, c } = await world.pair();
    const fields = { conversationId: c, senderId: 1, receiverId: 2, content: "twice", type: "text" };
    a.emit("send_message", { ...fields, tempId: "temp_1" });
    const posted = await world.rest.post(POST, fields);
    const sent = await a.next("message_sent");
    assert.equal(posted.status, 200);
    assert.equal(posted.body.message.id, sent.id);
    assert.equal((await b.next("new_message")).id, sent.id);
    await b.none("new_message");
    assert.equal((await world.rest.messages(c)).length, 1);
  });

  each(FULL, "M-17 the same tempId twice is one message and two confirmations", async (world) => {
    const { a, b, c } = await world.pair();
    a.emit("send_message", draft({ tempId: "t" }));
    a.emit("send_message", draft({ tempId: "t" }));
    const [first, second] = await a.several("message_sent", 2);
    assert.equal(first.id, second.id);
    assert.equal(second.tempId, "t");
    assert.equal((await b.next("new_message")).id, first.id);
    await b.none("new_message");
    assert.equal((await world.rest.messages(c)).length, 1);
  });

  for (const key of CLIENT_ID_KEYS) {
    each(STORES_ONLY, `a repeated ${key} gives the first message again`, async (world) => {
      const { a, b, c } = await world.pair();
      const first = await a.ask("send_message", draft({ [key]: "the-same" }));
      const again = await a.ask("send_message", draft({ [key]: "the-same", content: "another text" }));
      assert.equal("duplicate" in first, false);
      assert.equal(again.duplicate, true);
      assertHas(again.message, { id: first.message.id, seq: first.message.seq, content: "hi" });
      assert.equal((await a.several("message_sent", 2))[1].id, first.message.id);
      await b.next("new_message");
      await b.none("new_message");
      assert.equal((await world.rest.messages(c)).length, 1);
    });
  }

  each(STORES_ONLY, "client ids outlive a restart of the server", async (world) => {
    const a = await world.user(1);
    const ids = [{ clientMessageId: "c-1" }, { tempId: "temp_1700000000000" }];
    const firsts = [];
    for (const id of ids) firsts.push(await send(a, { content: "once", ...id }));
    a.close();
    await world.server.stop();
    await world.server.start();
    world.rest.url = world.server.url;
    const again = await world.user(1);
    for (const [i, id] of ids.entries()) {
      const ack = await again.ask("send_message", draft({ content: "once", ...id }));
      assert.equal(ack.duplicate, true);
      assert.equal(ack.message.id, firsts[i].id);
    }
    assert.equal((await world.rest.messages(firsts[0].conversationId)).length, 2);
  });

  each(STORES_ONLY, "a client id belongs to its sender and its conversation", async (world) => {
    const { a, b } = await world.pair();
    const id = { clientMessageId: "shared" };
    const all = [
      await send(a, id),
      await send(a, { ...id, receiverId: 3, conversationId: 13 }),
      await send(b, { ...id, senderId: 2, receiverId: 1 }),
    ];
    assert.equal(new Set(all.map((message) => message.id)).size, 3);
  });

  each(STORES_ONLY, "a client id holds across socket and POST, whatever the content", async (world) => {
    const { a, b, c } = await world.pair();
    const message = await send(a, { clientMessageId: "both", tempId: "temp_9" });
    const posted = await world.rest.post(POST, draft({ clientMessageId: "both", content: "other" }));
    assert.equal(posted.status, 200);
    assert.equal(posted.body.message.id, message.id);
    const again = await world.rest.post(POST, draft({ clientMessageId: "both", content: "third" }));
    assert.equal(again.body.message.id, message.id);
    await b.next("new_message");
    await b.none("new_message");
    assert.equal((await world.rest.messages(c)).length, 1);
  });

  for (const tempId of [1, "t", "temp_1700000000000"]) {
    each(STORES_ONLY, `tempId ${JSON.stringify(tempId)} with other content is another message`, async (world) => {
      const { a, c } = await world.pair();
      const first = await send(a, { tempId });
      const others = [{ content: "other" }, { type: "file" }, { content: "", fileUrl: "/uploads/x.png" }];
      for (const fields of others) {
        const ack = await a.ask("send_message", draft({ tempId, ...fields }));
        assert.equal("duplicate" in ack, false, JSON.stringify(fields));
        assert.notEqual(ack.message.id, first.id);
      }
      assert.equal((await world.rest.messages(c)).length, 4);
    });
  }

  each(STORES_ONLY, "equal sends without tempId on one channel are two messages", async (world) => {
    const { a, b, c } = await world.pair();
    await send(a);
    await send(a);
    await b.several("new_message", 2);
    const fields = draft({ content: "posted" });
    const first = await world.rest.post(POST, fields);
    const second = await world.rest.post(POST, fields);
    assert.notEqual(first.body.message.id, second.body.message.id);
    assert.equal((await world.rest.messages(c)).length, 4);
  });

  each(STORES_ONLY, "a POST before the socket send is the same message too", async (world) => {
    const { a, b, c } = await world.pair();
    const posted = await world.rest.post(POST, draft());
    const ack = await a.ask("send_message", draft({ tempId: "temp_1" }));
    assert.equal(ack.message.id, posted.body.message.id);
    assert.equal(ack.duplicate, true);
    assert.equal((await a.next("message_sent")).tempId, "temp_1");
    await b.next("new_message");
    await b.none("new_message");
    assert.equal((await world.rest.messages(c)).length, 1);
  });

  for (const tempId of [1, "temp_1700000000000"]) {
    each(STORES_ONLY, `a retry of tempId ${JSON.stringify(tempId)} finds the message that was posted`, async (world) => {
      const { a, b, c } = await world.pair();
      const posted = await world.rest.post(POST, draft());
      for (let n = 0; n < 3; n += 1) {
        const ack = await a.ask("send_message", draft({ tempId }));
        assert.equal(ack.message.id, posted.body.message.id);
        assert.equal(ack.duplicate, true);
      }
      await b.next("new_message");
      await b.none("new_message");
      assert.equal((await world.rest.messages(c)).length, 1);
    });
  }

  each(STORES_ONLY, "a retry by socket takes nothing from the next POST that says the same", async (world) => {
    const { a, b, c } = await world.pair();
    const first = await send(a, { tempId: "temp_12345" });
    const posted = await world.rest.post(POST, draft());
    const again = await a.ask("send_message", draft({ tempId: "temp_12345" }));
    const next = await world.rest.post(POST, draft());
    assert.deepEqual([posted.body.message.id, again.message.id], [first.id, first.id]);
    assert.notEqual(next.body.message.id, first.id);
    await b.several("new_message", 2);
    assert.equal((await world.rest.messages(c)).length, 2);
  });

  each(STORES_ONLY, "socket and POST with different content are two messages", async (world) => {
    const { a, c } = await world.pair();
    await send(a, { tempId: "temp_1" });
    await world.rest.post(POST, draft({ content: "other" }));
    assert.equal((await world.rest.messages(c)).length, 2);
  });

  each(STORES_ONLY, "socket and POST more than two seconds apart are two messages", async (world) => {
    const { a, c } = await world.pair();
    await send(a, { tempId: "temp_1" });
    await wait(2_500);
    await world.rest.post(POST, draft());
    assert.equal((await world.rest.messages(c)).length, 2);
  });

  each(STORES_ONLY, "a hundred repeats at once are one message", async (world) => {
    const { a, b, c } = await world.pair();
    const tab = await world.user(1);
    const payload = draft({ clientMessageId: "many" });
    const acks = await Promise.all(
      Array.from({ length: 100 }, (_, i) => (i % 2 ? a : tab).ask("send_message", payload)),
    );
    assert.equal(new Set(acks.map((ack) => ack.message.id)).size, 1);
    assert.equal(acks.filter((ack) => !ack.duplicate).length, 1);
    await b.next("new_message");
    await b.none("new_message");
    assert.equal((await world.rest.messages(c)).length, 1);
  });
});
