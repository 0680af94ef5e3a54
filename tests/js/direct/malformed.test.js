// Whatever a client sends: one ack, a known code, no event, and the socket goes on (contract: README, 6.1 and 6.8; direct,
// section 4).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BAD_IDS, EITHER, MAX_TEXT_BYTES, NO_EVENTS, NO_OBJECTS, nested, orRefused, sendRows } from "../support/answers.js";
import { DIALECTS_AND_STORES, FULL, STORES_ONLY, assertChat, group, say, sayToGroup, tokenUser } from "../support/direct.js";
import { BUSY, each } from "../support/matrix.js";
import { TOKEN_MODE } from "../support/token.js";

const INVALID = "INVALID_PAYLOAD";
const toTwo = (fields = {}) => ({ recipientId: 2, messageContent: "hi", ...fields });
const toFive = (fields = {}) => ({ groupId: 5, messageContent: "hi", ...fields });
const SPELLINGS = ["register", "register_user", "addUser", "add-user", "set_user_id", "setup", "login", "join"];

const BAD_CONTENTS = ["", null, "a\0b", { deep: ["a\0b"] }, Buffer.from("binary")];

const REFUSED = [
  ...SPELLINGS.flatMap((event) => [[], ...BAD_IDS.map((id) => [id])].map((args) => [event, args, INVALID])),
  ...["userId", "id"].flatMap((key) => BAD_IDS.map((id) => ["register", [{ [key]: id }], INVALID])),

  ...NO_OBJECTS.map((payload) => ["chat", [payload], INVALID]),
  ["chat", [], INVALID],
  ["chat", [Buffer.from([1, 2, 3])], INVALID],
  ["chat", [[toTwo()]], INVALID],
  ["chat", [{ recipientId: 2 }], INVALID],
  ["chat", [{ messageContent: "hi" }], INVALID],
  ...BAD_IDS.map((recipientId) => ["chat", [toTwo({ recipientId })], INVALID]),

  ...NO_OBJECTS.map((payload) => ["groupChat", [payload], INVALID]),
  ["groupChat", [], INVALID],
  ["groupChat", [{ groupId: 5 }], INVALID],
  ["groupChat", [{ messageContent: "hi" }], INVALID],
  ...BAD_IDS.map((groupId) => ["groupChat", [toFive({ groupId })], INVALID]),
  ["groupChat", ["hi", null], INVALID],
  ["groupChat", ["hi", {}], INVALID],
  ["groupChat", [null, 5], INVALID],

  ...[["chat", toTwo], ["groupChat", toFive]].flatMap(([event, payload]) => [
    ...BAD_CONTENTS.map((messageContent) => [event, [payload({ messageContent })], INVALID]),
    [event, [payload({ messageContent: "x".repeat(MAX_TEXT_BYTES + 1) })], "TOO_LARGE"],
    [event, [payload({ messageContent: "x".repeat(900_000) })], "TOO_LARGE"],
    [event, [payload({ messageContent: Array(MAX_TEXT_BYTES).fill(1) })], "TOO_LARGE"],
    [event, [payload({ clientMessageId: "nul\0" })], INVALID],
    [event, [payload({ clientMessageId: "x".repeat(129) })], INVALID],
  ]),

  ...["joinGroup", "leaveGroup"].flatMap((event) => [
    ...[[], ...BAD_IDS.map((id) => [id])].map((args) => [event, args, INVALID]),
    ...BAD_IDS.map((groupId) => [event, [{ groupId }], INVALID]),
  ]),
  ["leaveGroup", ["none"], "NOT_FOUND"],
  ["groupChat", [toFive({ groupId: "none" })], "NOT_FOUND"],
  ["groupChat", [toFive({ groupId: "' OR 1=1 --" })], "NOT_FOUND"],
  ["chat", [toTwo({ recipientId: "guest-of-nobody" })], "NOT_FOUND"],

  ...NO_EVENTS.map((name) => [name, [{ any: "thing" }], "UNKNOWN_EVENT"]),
  // Words of other dialects.
  ...["send_message", "new_message", "authenticate", "join_user_room", "join_room", "typing", "error"].map((name) => {
    return [name, [1], "UNKNOWN_EVENT"];
  }),
];

/** What a tolerant server may take or refuse, but must answer. */
const TOLERATED = [
  ["register", [3, 4, 5]],
  ["register", [{ userId: 3, extra: nested(100) }]],
  ["joinGroup", [6, "more", null, {}]],
  ["leaveGroup", [0]],
  ["chat", [toTwo({ recipientId: 0 })]],
  ["chat", [toTwo(), toTwo(), "more"]],
  ["chat", [toTwo({ messageContent: nested(100) })]],
  ["chat", [toTwo({ messageContent: nested(500) })]],
  ["chat", [toTwo({ messageContent: JSON.parse('{"__proto__":1,"constructor":2,"":3}') })]],
  ["chat", [toTwo({ messageContent: "\ud800 lone surrogate" })]],
  ["chat", [toTwo({ messageContent: { "\0": 1 } })]],
  ["chat", [toTwo({ messageContent: { _placeholder: true, num: 0 } })]],
  ["chat", [toTwo({ clientMessageId: "" })]],
  ["chat", [toTwo({ clientMessageId: 5 })]],
  ["groupChat", [toFive(), 5, "more"]],
  ["groupChat", [toFive({ groupId: "none" }), 5]],
  ["groupChat", [5, 5]],
  ["groupChat", [{}, 5]],
  ["no_such_event", Array.from({ length: 1000 }, (_, i) => i)],
].map((row) => [...row, EITHER]);

describe("malformed payloads of direct", BUSY, () => {
  each(FULL, `${REFUSED.length + TOLERATED.length} malformed payloads are each answered once`, async (world) => {
    const { a, b, c } = await group(world);
    const { faults, nTaken } = await sendRows(c, [...REFUSED, ...TOLERATED]);
    assert.equal(faults.length, 0, faults.join("\n"));
    const { id } = await say(c, 2, "the last"); // still user 3, who is in no group with the others
    let event;
    do event = await b.next("chat");
    while (event.id !== id);
    await b.none("(disconnect)");
    assert.ok(b.all("chat").length <= (nTaken.chat ?? 0) + 1, "delivered no more than what was acknowledged");
    assert.equal(b.all("groupChat").length, nTaken.groupChat ?? 0);
    assert.equal(a.all("groupChat").length, nTaken.groupChat ?? 0);
  });

  each(DIALECTS_AND_STORES, "malformed payloads without callback do no harm and cause no event", async (world) => {
    const { a, b, c } = await group(world);
    for (const [event, args] of REFUSED) c.emit(event, ...args);
    const { id } = await c.emitWithin(10_000, "chat", toTwo({ messageContent: "the last" }));
    assertChat(await b.next("chat"), { id, messageContent: "the last", senderId: "3" });
    for (const client of [a, b, c]) await client.none();
  });

  each(DIALECTS_AND_STORES, "malformed payloads are each answered once in token mode", async (world) => {
    const a = await tokenUser(world, 1);
    const { faults } = await sendRows(a, orRefused([...REFUSED, ...TOLERATED]));
    assert.equal(faults.length, 0, faults.join("\n"));
    const b = await tokenUser(world, 3);
    await say(a, 3, "still 1");
    assertChat(await b.next("chat"), { senderId: "1" });
  }, TOKEN_MODE);

  each(STORES_ONLY, "a packet over a megabyte costs that connection and nothing else", async (world) => {
    const { a, b, c } = await group(world);
    await c.upgraded();
    c.socket.io.reconnection(false);
    c.emit("chat", toTwo({ messageContent: "x".repeat(1_500_000) }));
    await c.next("(disconnect)");
    await sayToGroup(a, 5, "fine");
    await b.next("groupChat");
    await b.none();
  });
});
