// Whatever a client sends: one ack, a known code, and the socket goes on (contract: README, sections 6.1 and 6.8).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BAD_IDS, EITHER, MAX_TEXT_BYTES, NO_EVENTS, NO_OBJECTS, nested, orRefused, sendRows } from "../support/answers.js";
import { AUTO_STORES, BUSY, DIALECTS_AND_STORES, FULL, STORES_ONLY, each } from "../support/matrix.js";
import { assertError, assertMessageError, draft, send } from "../support/messages.js";
import { TOKEN_MODE } from "../support/token.js";

const MISSING = "Missing required fields";
/** Here 0 is no id either. */
const NO_IDS = [0, ...BAD_IDS];
/** Events whose refusal is told by an event as well. */
const ERRORS = { join_user_room: "error", send_message: "message_error" };
const WITHOUT = (key) => Object.fromEntries(Object.entries(draft()).filter(([name]) => name !== key));

/** What must be refused: event, arguments, code. */
const REFUSED = [
  ...[[], ...NO_IDS.map((id) => [id])].map((args) => ["join_user_room", args, "INVALID_PAYLOAD"]),
  ...NO_IDS.map((id) => ["join_user_room", [{ userId: id }], "INVALID_PAYLOAD"]),
  ...[[], ...NO_IDS.map((id) => [id])].map((args) => ["join_conversation", args, "INVALID_PAYLOAD"]),
  ...NO_IDS.map((id) => ["join_conversation", [{ conversationId: id }], "INVALID_PAYLOAD"]),
  ...[[], ...NO_IDS.map((id) => [id])].map((args) => ["leave_conversation", args, "INVALID_PAYLOAD"]),

  ...NO_OBJECTS.map((payload) => ["send_message", [payload], "INVALID_PAYLOAD"]),
  ["send_message", [], "INVALID_PAYLOAD"],
  ["send_message", [[draft()]], "INVALID_PAYLOAD"],
  ["send_message", [Buffer.from([1, 2, 3])], "INVALID_PAYLOAD"],
  ...["conversationId", "senderId", "receiverId", "content"].map((key) => ["send_message", [WITHOUT(key)], "INVALID_PAYLOAD"]),
  ...NO_IDS.flatMap((id) => ["senderId", "receiverId"].map((key) => ["send_message", [draft({ [key]: id })], "INVALID_PAYLOAD"])),
  ...["", null, {}, [], Buffer.from("binary")].map((content) => ["send_message", [draft({ content })], "INVALID_PAYLOAD"]),
  ...["content", "type", "fileUrl", "fileName", "fileType", "clientMessageId"].map((key) => {
    return ["send_message", [draft({ [key]: "nul\0" })], "INVALID_PAYLOAD"];
  }),
  ["send_message", [draft({ clientMessageId: "x".repeat(129) })], "INVALID_PAYLOAD"],
  ["send_message", [draft({ content: "x".repeat(MAX_TEXT_BYTES + 1) })], "TOO_LARGE"],
  ["send_message", [draft({ content: "x".repeat(900_000) })], "TOO_LARGE"],
  ["send_message", [draft({ type: "x".repeat(33) })], "INVALID_PAYLOAD"],

  ...NO_OBJECTS.map((payload) => ["typing", [payload], "INVALID_PAYLOAD"]),
  ...NO_IDS.map((id) => ["typing", [{ conversationId: id, userId: 1, isTyping: true }], "INVALID_PAYLOAD"]),
  ...NO_OBJECTS.map((payload) => ["mark_read", [payload], "INVALID_PAYLOAD"]),
  ...NO_IDS.map((id) => ["mark_read", [{ conversationId: id, userId: 1 }], "INVALID_PAYLOAD"]),
  ...NO_IDS.map((id) => ["mark_read", [{ conversationId: 42, userId: id }], "INVALID_PAYLOAD"]),

  ...NO_OBJECTS.map((payload) => ["broadcast_new_message", [payload], "INVALID_PAYLOAD"]),
  ["broadcast_new_message", [{ message: { id: 1 } }], "INVALID_PAYLOAD"],
  ["broadcast_new_message", [{ conversationId: 42 }], "INVALID_PAYLOAD"],
  ["broadcast_new_message", [{ conversationId: 42, message: null }], "INVALID_PAYLOAD"],
  ["broadcast_new_message", [{ conversationId: [42], message: { id: 1 } }], "INVALID_PAYLOAD"],
  ...NO_OBJECTS.map((payload) => ["broadcast_messages_read", [payload], "INVALID_PAYLOAD"]),
  ["broadcast_messages_read", [{ conversationId: 42 }], "INVALID_PAYLOAD"],
  ["broadcast_messages_read", [{ userId: 1 }], "INVALID_PAYLOAD"],

  ...NO_EVENTS.map((name) => [name, [{ any: "thing" }], "UNKNOWN_EVENT"]),
  // Words of other dialects, and our own words in the wrong direction.
  ...["chat", "authenticate", "new_message", "join_room", "user_join", "message_sent", "user_online", "error"].map((name) => {
    return [name, [1], "UNKNOWN_EVENT"];
  }),
];

/** What a tolerant server may take or refuse, but must answer. */
const TOLERATED = [
  ["join_user_room", [1, 2, 3]],
  ["join_conversation", [42, "more", null, {}]],
  ["leave_user_room", []],
  ["leave_user_room", [{}]],
  ["leave_conversation", [{ conversationId: null }]],
  ["send_message", [draft(), draft(), "more"]],
  ["send_message", [draft({ content: 5 })]],
  ["send_message", [draft({ conversationId: {} })]],
  ["send_message", [draft({ fileSize: "many" })]],
  ["send_message", [draft({ fileSize: -1 })]],
  ["send_message", [draft({ fileSize: 1e300 })]],
  ["send_message", [draft({ fileUrl: 5 })]],
  ["send_message", [draft({ type: { nested: true } })]],
  ["send_message", [draft({ tempId: { nested: true } })]],
  ["send_message", [draft({ tempId: "x".repeat(10_000) })]],
  ["send_message", [draft({ clientMessageId: "" })]],
  ["send_message", [draft({ clientMessageId: 5 })]],
  ["send_message", [draft({ extra: nested(100) })]],
  ["send_message", [draft({ extra: nested(500) })]],
  ["send_message", [draft(JSON.parse('{"__proto__":1,"constructor":2,"":3}'))]],
  ["send_message", [draft({ content: "\ud800 lone surrogate" })]],
  ["typing", [{ conversationId: 42, userId: 1, isTyping: "yes" }]],
  ["typing", [{ conversationId: 42, userId: 1 }]],
  ["mark_read", [{ conversationId: 42, userId: 1 }, { conversationId: 43 }]],
  ["broadcast_new_message", [{ conversationId: 42, message: "only a text" }]],
  ["no_such_event", Array.from({ length: 1000 }, (_, i) => i)],
].map((row) => [...row, EITHER]);

describe("malformed payloads", BUSY, () => {
  each(FULL, "M-25 an unknown event is answered by its ack and by nothing else", async (world) => {
    const a = await world.connect();
    const ack = await a.emitWithAck("no_such_event", 1);
    assert.deepEqual(ack, { ok: false, error: { code: "UNKNOWN_EVENT", message: "Unknown event: no_such_event" } });
    await a.none();
  });

  each(FULL, `${REFUSED.length + TOLERATED.length} malformed payloads are each answered once`, async (world) => {
    const { a, b, c } = await world.pair();
    const { faults, nTaken } = await sendRows(a, [...REFUSED, ...TOLERATED], { errors: ERRORS, passing: ["new_message"] });
    assert.equal(faults.length, 0, faults.join("\n"));
    // Still the same person in the same places.
    await a.ask("join_user_room", 1);
    await a.ask("join_conversation", c);
    await b.none("(disconnect)");
    const heard = b.all("new_message").filter((message) => message?.senderId === 1);
    assert.equal(heard.length, nTaken.send_message, "delivered exactly what was acknowledged");
    const history = await world.rest.messages(c);
    assert.equal(history.length, nTaken.send_message, "stored exactly what was acknowledged");
  });

  // The library below cannot read an event name that JSON must escape, and ends the connection.
  each(STORES_ONLY, "an event name with a control character costs that connection and nothing else", async (world) => {
    const { a, b } = await world.pair();
    await a.upgraded();
    a.socket.io.reconnection(false);
    a.emit("a\0b", { any: "thing" });
    await a.next("(disconnect)");
    const again = await world.user(1);
    await send(again, { tempId: "temp_1" });
    await b.next("new_message");
  });

  each(STORES_ONLY, "malformed payloads without callback do no harm either", async (world) => {
    const { a, b } = await world.pair();
    for (const [event, args] of [...REFUSED, ...TOLERATED]) {
      if (event !== "join_user_room" && event !== "leave_user_room") a.emit(event, ...args);
    }
    await a.ask("join_user_room", 1);
    const { id } = await send(a, { content: "the last", tempId: "temp_last" });
    let message;
    do message = await b.next("new_message");
    while (message.id !== id);
    await a.none("(disconnect)");
  });

  each(AUTO_STORES, "nothing can be done in an undecided dialect but to be told so", async (world) => {
    const a = await world.connect();
    for (let i = 0; i < 20; i += 1) {
      assertError(await a.emitWithAck(`event_${i}`), "UNKNOWN_EVENT", `Unknown event: event_${i}`);
    }
    await a.none();
  });

  each(DIALECTS_AND_STORES, "every event that a stranger may not do is answered once in token mode", async (world) => {
    const a = await world.tokenUser(1);
    const { faults } = await sendRows(a, orRefused([...REFUSED, ...TOLERATED]), { errors: ERRORS, passing: ["new_message"] });
    assert.equal(faults.length, 0, faults.join("\n"));
  }, TOKEN_MODE);
});

describe("limits", BUSY, () => {
  each(DIALECTS_AND_STORES, "text may have 65,536 bytes and no more", async (world) => {
    const { a, b } = await world.pair();
    const longest = "ü".repeat(MAX_TEXT_BYTES / 2);
    await a.ask("send_message", draft({ content: longest, tempId: "temp_1" }));
    assert.equal((await b.next("new_message")).content, longest);
    for (const content of [`${longest}x`, "x".repeat(MAX_TEXT_BYTES + 1)]) {
      const ack = await a.emitWithAck("send_message", draft({ content, tempId: 3 }));
      assertError(ack, "TOO_LARGE", "Message is too long");
      assertMessageError(await a.next("message_error"), "TOO_LARGE", "Message is too long", 3);
    }
    await b.none("new_message");
  });

  each(DIALECTS_AND_STORES, "text with U+0000 is refused", async (world) => {
    const { a, b } = await world.pair();
    assertError(await a.emitWithAck("send_message", draft({ content: "a\0b" })), "INVALID_PAYLOAD", MISSING);
    assertMessageError(await a.next("message_error"), "INVALID_PAYLOAD", MISSING);
    await b.none("new_message");
  });

  each(STORES_ONLY, "a packet over a megabyte costs that connection and nothing else", async (world) => {
    const { a, b } = await world.pair();
    await a.upgraded();
    a.socket.io.reconnection(false);
    a.emit("send_message", draft({ content: "x".repeat(1_500_000) }));
    await a.next("(disconnect)");
    const again = await world.user(1);
    await send(again, { tempId: "temp_1" });
    await b.next("new_message");
    await b.none("new_message");
  });
});
