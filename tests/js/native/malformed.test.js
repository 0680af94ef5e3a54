// Whatever a client sends: one ack, a known code, and the socket goes on (contract: README, sections 6.1 and 6.8).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BAD_IDS, EITHER, NO_EVENTS, NO_OBJECTS, nested, orRefused, sendRows } from "../support/answers.js";
import { BUSY, each } from "../support/matrix.js";
import { DIALECTS_AND_STORES, FULL, STORES_ONLY, ask, pair, person, send, tokenPerson } from "../support/native.js";
import { CONVERSATION_EVENTS, EVENTS } from "../support/native_operations.js";
import { TOKEN_MODE } from "../support/token.js";

const NO_PAYLOADS = [...NO_OBJECTS, Buffer.from([1, 2, 3])];
/** Events that take the bare id of a conversation as well. */
const BY_ID = ["join_room", "leave_room"];
/** Events that ask for nothing but what is optional; and `sync`, whose malformed payloads stand in its own file. */
const NOT_HERE = ["list_conversations", "sync"];
/** What the conversation that is made on the way brings. */
const PASSING = ["conversation_updated"];
const PLACE = { member: "b", newcomer: "n", epoch: "e" };

/** What must be refused: event, arguments, code. */
const REFUSED = [
  ...EVENTS.filter((event) => !BY_ID.includes(event) && !NOT_HERE.includes(event)).flatMap((event) => {
    return [[], ...NO_PAYLOADS.map((payload) => [payload])].map((args) => [event, args, "INVALID_PAYLOAD"]);
  }),
  ...BY_ID.flatMap((event) => [[], ...BAD_IDS.map((id) => [id])].map((args) => [event, args, "INVALID_PAYLOAD"])),
  ...CONVERSATION_EVENTS.flatMap(({ event, payload }) => {
    const good = payload({ ...PLACE, c: "c" });
    return BAD_IDS.map((id) => [event, [{ ...good, conversationId: id }], "INVALID_PAYLOAD"]);
  }),
  ["list_conversations", [5], "INVALID_PAYLOAD"],
  ["list_conversations", ["text"], "INVALID_PAYLOAD"],
  ["list_conversations", [[]], "INVALID_PAYLOAD"],
  ["presence", [{ userIds: { 0: "b" } }], "INVALID_PAYLOAD"],
  ...NO_EVENTS.map((name) => [name, [{ any: "thing" }], "UNKNOWN_EVENT"]),
];

/** What a tolerant server may take or refuse, but must answer. */
const TOLERATED = [
  ["list_conversations", []],
  ["list_conversations", [null]],
  ["list_conversations", [{}, {}, "more"]],
  ["join_room", ["c", "more", null, {}]],
  ["join_room", [0]],
  ["leave_room", [{ conversationId: 0 }]],
  ["create_conversation", [{ userId: 0 }]],
  ["create_conversation", [{ userId: "a" }]],
  ["send_message", [{ conversationId: "c", content: "\ud800 lone surrogate" }]],
  ["send_message", [{ conversationId: "c", content: "x", metadata: { deep: nested(100) } }]],
  ["send_message", [{ conversationId: "c", content: "x", metadata: { deep: nested(500) } }]],
  ["send_message", [JSON.parse('{"__proto__":1,"constructor":2,"":3,"conversationId":"c","content":"x"}')]],
  ["send_message", [{ conversationId: "c", content: "x", extra: Buffer.from("binary") }]],
  ["send_message", [{ conversationId: "c", content: Buffer.from("binary") }]],
  ["presence", [{ userIds: [0] }]],
  ["no_such_event", Array.from({ length: 1000 }, (_, i) => i)],
].map((row) => [...row, EITHER]);

describe("malformed payloads", BUSY, () => {
  each(FULL, `${REFUSED.length + TOLERATED.length} malformed payloads are each answered once`, async (world) => {
    const { a, b, c } = await pair(world);
    const { faults } = await sendRows(a, [...REFUSED, ...TOLERATED], { passing: PASSING });
    assert.equal(faults.length, 0, faults.join("\n"));
    await b.none();
    await a.none("(disconnect)");
    assert.deepEqual((await ask(a, "history", { conversationId: c })).messages, []);
    await send(a, c, { content: "still here" });
    assert.equal((await b.next("new_message")).message.content, "still here");
  });

  each(STORES_ONLY, "malformed payloads without callback do no harm either", async (world) => {
    const { a, b, c } = await pair(world);
    for (const [event, args] of [...REFUSED, ...TOLERATED]) a.emit(event, ...args);
    await a.emitWithin(10_000, "list_conversations", {});
    await send(a, c, { content: "the last" });
    assert.equal((await b.next("new_message")).message.content, "the last");
    await a.none("(disconnect)");
  });

  each(DIALECTS_AND_STORES, "malformed payloads are answered once in token mode too", async (world) => {
    const a = await tokenPerson(world, "a");
    const { faults } = await sendRows(a, orRefused([...REFUSED, ...TOLERATED]), { passing: PASSING });
    assert.equal(faults.length, 0, faults.join("\n"));
  }, TOKEN_MODE);

  // The library below cannot read an event name that JSON must escape, and ends the connection.
  each(STORES_ONLY, "an event name with a control character costs that connection and nothing else", async (world) => {
    const { a, b, c } = await pair(world);
    await a.upgraded();
    a.socket.io.reconnection(false);
    a.emit("a\0b", { any: "thing" });
    await a.next("(disconnect)");
    const again = await person(world, "a");
    await send(again, c);
    await b.next("new_message");
  });
});
