// Whatever a client sends: one ack, a known code, and the socket goes on (contract: README, sections 6.1 and 6.8).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BUSY, each } from "../support/matrix.js";
import { DIALECTS_AND_STORES, FULL, STORES_ONLY, ask, pair, person, send, tokenPerson } from "../support/native.js";
import { CONVERSATION_EVENTS, EVENTS } from "../support/native_operations.js";
import { TOKEN_MODE } from "../support/token.js";

const CODES = [
  "INVALID_PAYLOAD", "UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND", "CONFLICT", "TOO_LARGE", "RATE_LIMITED",
  "UNKNOWN_EVENT", "UNAVAILABLE", "INTERNAL",
];
/** No id in any event: of a wrong type, out of range, too long, or with U+0000. */
const BAD_IDS = [
  null, "", false, true, [], [1], {}, -1, 1.5, 2 ** 53, 1e300, "x".repeat(129), "a\0b", { conversationId: { conversationId: 1 } },
];
const NO_OBJECTS = [undefined, null, 5, true, [], [{}], "text", Buffer.from([1, 2, 3])];
/** Events that take the bare id of a conversation as well. */
const BY_ID = ["join_room", "leave_room"];
/** Events that ask for nothing but what is optional; and `sync`, whose malformed payloads stand in its own file. */
const NOT_HERE = ["list_conversations", "sync"];
const PLACE = { member: "b", newcomer: "n", epoch: "e" };

/** What must be refused: event, arguments, code. */
const REFUSED = [
  ...EVENTS.filter((event) => !BY_ID.includes(event) && !NOT_HERE.includes(event)).flatMap((event) => {
    return [[], ...NO_OBJECTS.map((payload) => [payload]), [{}]].map((args) => [event, args, "INVALID_PAYLOAD"]);
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
  ...["", "no_such_event", "__proto__", "constructor", "toString", "çok güzel 🌸", "x".repeat(10_000)].map((name) => {
    return [name, [{ any: "thing" }], "UNKNOWN_EVENT"];
  }),
];

/** What a tolerant server may take or refuse, but must answer. */
const EITHER = [
  ["list_conversations", []],
  ["list_conversations", [null]],
  ["list_conversations", [{}, {}, "more"]],
  ["join_room", ["c", "more", null, {}]],
  ["join_room", [0]],
  ["leave_room", [{ conversationId: 0 }]],
  ["create_conversation", [{ userId: 0 }]],
  ["create_conversation", [{ userId: "a" }]],
  ["send_message", [{ conversationId: "c", content: "\ud800 lone surrogate" }]],
  ["send_message", [{ conversationId: "c", content: "x", metadata: nested(100) }]],
  ["send_message", [{ conversationId: "c", content: "x", metadata: nested(500) }]],
  ["send_message", [JSON.parse('{"__proto__":1,"constructor":2,"":3,"conversationId":"c","content":"x"}')]],
  ["send_message", [{ conversationId: "c", content: "x", extra: Buffer.from("binary") }]],
  ["send_message", [{ conversationId: "c", content: Buffer.from("binary") }]],
  ["presence", [{ userIds: [0] }]],
  ["no_such_event", Array.from({ length: 1000 }, (_, i) => i)],
];

describe("malformed payloads", BUSY, () => {
  each(FULL, `${REFUSED.length + EITHER.length} malformed payloads are each answered once`, async (world) => {
    const { a, b, c } = await pair(world);
    const wrong = [];
    for (const [event, args, code] of [...REFUSED, ...EITHER.map((row) => [...row, "either"])]) {
      const answer = a.emitWithAck(event, ...args);
      const fault = await answer.then((ack) => faultOf(ack, code), (error) => error.message.split("\n", 1)[0]);
      if (fault) wrong.push(`${event} ${JSON.stringify(args).slice(0, 120)}: ${fault}`);
    }
    assert.equal(wrong.length, 0, wrong.join("\n"));
    await b.none();
    await a.none("(disconnect)");
    assert.deepEqual((await ask(a, "history", { conversationId: c })).messages, []);
    await send(a, c, { content: "still here" });
    assert.equal((await b.next("new_message")).message.content, "still here");
  });

  each(STORES_ONLY, "malformed payloads without callback do no harm either", async (world) => {
    const { a, b, c } = await pair(world);
    for (const [event, args] of [...REFUSED, ...EITHER]) a.emit(event, ...args);
    await a.emitWithin(10_000, "list_conversations", {});
    await send(a, c, { content: "the last" });
    assert.equal((await b.next("new_message")).message.content, "the last");
    await a.none("(disconnect)");
  });

  each(DIALECTS_AND_STORES, "malformed payloads are answered once in token mode too", async (world) => {
    const a = await tokenPerson(world, "a");
    for (const [event, args] of [...REFUSED, ...EITHER]) {
      const fault = faultOf(await a.emitWithAck(event, ...args), "either");
      assert.equal(fault, undefined, `${event} ${JSON.stringify(args).slice(0, 120)}`);
    }
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

/** Why the ack is none that the contract allows; undefined if it is one. */
function faultOf(ack, code) {
  if (ack?.ok === true && code === "either") return undefined;
  if (ack?.ok !== false) return `answered ${JSON.stringify(ack)}`;
  if (!CODES.includes(ack.error?.code)) return `code ${ack.error?.code}`;
  if (typeof ack.error.message !== "string" || ack.error.message === "") return "no text";
  if (ack.error.code === "INTERNAL") return "INTERNAL: the fault is the client's";
  if (code !== "either" && ack.error.code !== code) return `code ${ack.error.code} instead of ${code}`;
  return undefined;
}

function nested(depth) {
  let value = 1;
  for (let i = 0; i < depth; i += 1) value = { in: value };
  return value;
}
