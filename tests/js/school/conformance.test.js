// The numbered cases of the dialect that need a socket (contract: school, section 8).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BUSY, each } from "../support/matrix.js";
import { assertError } from "../support/messages.js";
import {
  FULL, assertMessage, classroom, debugRows, draft, draftWithout, history, person, personToken, restOf, send,
} from "../support/school.js";
import { TOKEN_MODE } from "../support/token.js";

const FAILED = "Failed to send message";

describe("school conformance", BUSY, () => {
  each(FULL, "S-01 authenticating is confirmed", async (world) => {
    const t = await world.connect();
    t.emit("authenticate", { userId: 1, role: "teacher" });
    assert.deepEqual(await t.next("authenticated"), { success: true });
    await t.none();
  });

  each(FULL, "S-02 a message is confirmed to the teacher and received by the student of the same number", async (world) => {
    const { t, s } = await classroom(world);
    t.emit("new_message", draft());
    const sent = await t.next("message_sent");
    assertMessage(sent, { senderId: 1, recipientId: 1, content: "hi", senderRole: "teacher" });
    assert.deepEqual(await s.next("message_received"), sent);
    await s.none();
    await t.none();
  });

  each(FULL, "S-03 message_sent comes before the ack", async (world) => {
    const { t } = await classroom(world);
    const ack = await t.emitWithAck("new_message", draft());
    assert.deepEqual(t.order, ["message_sent", "ack new_message"]);
    assert.deepEqual(Object.keys(ack).sort(), ["message", "ok"]);
    assert.equal(ack.ok, true);
    assert.deepEqual(ack.message, await t.next("message_sent"));
    await t.none();
  });

  each(FULL, "S-04 a message without content is refused by event and by ack, and not stored", async (world) => {
    const { t, s } = await classroom(world);
    t.emit("new_message", draftWithout("content"));
    assert.deepEqual(await t.next("message_error"), { error: FAILED });
    await t.none();
    assertError(await t.emitWithAck("new_message", draftWithout("content")), "INVALID_PAYLOAD", FAILED);
    assert.deepEqual(await t.next("message_error"), { error: FAILED });
    await s.none();
    assert.deepEqual(await history(restOf(world, 1, "teacher"), 1, 1), []);
  });

  each(FULL, "S-05 ids may be sent as text and leave as numbers", async (world) => {
    const t = await person(world, 1, "teacher");
    t.emit("new_message", draft({ senderId: "1", recipientId: "2" }));
    assertMessage(await t.next("message_sent"), { senderId: 1, recipientId: 2 });
    await t.none();
  });

  each(FULL, "S-06 the recipient need not exist", async (world) => {
    const t = await person(world, 1, "teacher");
    t.emit("new_message", draft({ recipientId: 9 }));
    const { id } = await t.next("message_sent");
    await t.none();
    assert.deepEqual((await history(restOf(world, 1, "teacher"), 1, 9)).map((message) => message.id), [id]);
  });

  each(FULL, "S-07 a socket that never authenticated may send", async (world) => {
    const s = await person(world, 1, "student");
    const x = await world.connect();
    x.emit("new_message", draft());
    const sent = await x.next("message_sent");
    assertMessage(sent, { senderId: 1, senderRole: "teacher" });
    assert.deepEqual(await s.next("message_received"), sent);
    await x.none();
  });

  each(FULL, "S-08 every socket of the recipient gets the message once", async (world) => {
    const { t, s } = await classroom(world);
    const s2 = await person(world, 1, "student");
    const message = await send(t);
    for (const client of [s, s2]) {
      assert.deepEqual(await client.next("message_received"), message);
      await client.none();
    }
  });

  each(FULL, "S-09 the other sockets of the sender receive what one has sent", async (world) => {
    const { t } = await classroom(world);
    const t2 = await person(world, 1, "teacher");
    t.emit("new_message", draft());
    const sent = await t.next("message_sent");
    assert.deepEqual(await t2.next("message_received"), sent);
    await t2.none();
    await t.none();
  });

  each(FULL, "S-10 the same number in another role hears nothing", async (world) => {
    const t = await person(world, 1, "teacher");
    const u = await person(world, 1, "parent");
    await send(t);
    await u.none();
  });

  each(FULL, "S-11 the recipient marks a message as read, twice", async (world) => {
    const { t, s } = await classroom(world);
    const { id: messageId } = await send(t);
    await s.next("message_received");
    t.forget();
    for (let times = 0; times < 2; times += 1) {
      s.forget();
      assert.deepEqual(await s.emitWithAck("mark_as_read", { messageId }), { ok: true, messageId });
      assert.deepEqual(s.order, ["message_marked_read", "ack mark_as_read"]);
      assert.deepEqual(await s.next("message_marked_read"), { messageId });
    }
    await s.none();
    await t.none();
    const [row] = await debugRows(restOf(world, 1, "teacher"), 1, 1);
    assert.deepEqual([row.id, row.isRead], [messageId, true]);
  });

  each(FULL, "S-12 an unknown message is not marked", async (world) => {
    const s = await person(world, 1, "student");
    assertError(await s.emitWithAck("mark_as_read", { messageId: "zz" }), "NOT_FOUND");
    await s.none();
  });

  each(FULL, "S-13 ten messages without waiting are confirmed and received in order", async (world) => {
    const { t, s } = await classroom(world);
    const contents = Array.from({ length: 10 }, (_, i) => `${i}`);
    for (const content of contents) t.emit("new_message", draft({ content }));
    for (const [client, event] of [[t, "message_sent"], [s, "message_received"]]) {
      const heard = await client.several(event, contents.length);
      assert.deepEqual(heard.map(({ content }) => content), contents);
      assert.deepEqual(heard.map(({ seq }) => seq), contents.map((_, i) => i + 1));
      await client.none();
    }
  });

  each(FULL, "S-19 authenticating as somebody else than the token says is refused", async (world) => {
    const t = await world.connect({ auth: { token: personToken(1, "teacher") } });
    t.emit("authenticate", { userId: 2, role: "teacher" });
    assert.deepEqual(await t.next("authenticated"), { success: false, error: "Unauthorized" });
    await t.none();
    assertError(await t.emitWithAck("authenticate", { userId: 1, role: "student" }), "FORBIDDEN", "Unauthorized");
    assert.deepEqual(await t.next("authenticated"), { success: false, error: "Unauthorized" });
  }, TOKEN_MODE);
});
