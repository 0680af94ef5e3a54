// Whatever a client sends: one ack, a known code, and the socket goes on (contract: README, sections 6.1 and 6.8).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { EITHER, NO_EVENTS, NO_OBJECTS, nested, sendRows } from "../support/answers.js";
import { BUSY, each } from "../support/matrix.js";
import { FULL, STORES_ONLY, people, restOf, roommates } from "../support/starter.js";

/** No payload of any event; a text is one of two. */
const NO_PAYLOADS = [...NO_OBJECTS.filter((payload) => payload !== "text"), [{}], Buffer.from([1, 2])];
/** Events whose refusal is told by an event as well. */
const ERRORS = { user_join: "error" };
/** What everybody hears of what was taken. */
const PASSING = ["user_list", "user_joined", "typing_users", "receive_message", "private_message"];
const EVERYWHERE = ["user_join", "send_message", "private_message"];
const IN_ROOMS = ["join_room", "mark_read", "add_reaction", "remove_reaction"];

/** What must be refused: event, arguments, code. */
const REFUSED = [
  ...EVERYWHERE.flatMap((name) => [[], ...NO_PAYLOADS.map((payload) => [payload])].map((args) => {
    return [name, args, "INVALID_PAYLOAD"];
  })),
  ["send_message", [{ message: "nul\0" }], "INVALID_PAYLOAD"],
  ["send_message", ["x".repeat(65_537)], "TOO_LARGE"],
  ["send_message", [{ message: "x".repeat(900_000) }], "TOO_LARGE"],
  ["private_message", ["text"], "INVALID_PAYLOAD"],
  ...NO_EVENTS.map((name) => [name, [{ any: "thing" }], "UNKNOWN_EVENT"]),
  // Words of other dialects, and our own words in the wrong direction.
  ...["chat", "authenticate", "new_message", "join_conversation", "typing_start", "register", "mark_as_read",
    "receive_message", "user_list", "user_joined", "typing_users", "error"].map((name) => [name, [1], "UNKNOWN_EVENT"]),
];

const REFUSED_IN_ROOMS = IN_ROOMS.flatMap((name) => NO_PAYLOADS.map((payload) => [name, [payload], "INVALID_PAYLOAD"]));

/** What a tolerant server may take or refuse, but must answer. */
const TOLERATED = [
  ["user_join", ["ali", "more", {}]],
  ["user_join", [{ username: 5 }]],
  ["send_message", [""]],
  ["send_message", [{ message: "" }]],
  ["send_message", [{ message: null }]],
  ["send_message", [{ message: 5 }]],
  ["send_message", [{ message: { nested: true } }]],
  ["send_message", [{ message: "x" }, { message: "y" }]],
  ["send_message", [{ message: "x", extra: nested(100) }]],
  ["send_message", [{ message: "x", extra: nested(500) }]],
  ["send_message", [{ message: "x", extra: "y".repeat(900_000) }]],
  ["send_message", [{ message: "x", clientMessageId: "" }]],
  ["send_message", [{ message: "x", clientMessageId: 5 }]],
  ["send_message", [{ message: "x", clientMessageId: "x".repeat(129) }]],
  ["send_message", [{ message: "\ud800 lone surrogate" }]],
  ["send_message", [JSON.parse('{"message":"x","__proto__":1,"constructor":2}')]],
  ["send_message", [{ message: Buffer.from("binary") }]],
  ["private_message", [{ to: 5, message: "x" }]],
  ["private_message", [{ to: "x".repeat(129), message: "x" }]],
  ["private_message", [{ to: "a", message: {} }]],
  ["typing", []],
  ["typing", ["yes"]],
  ["typing", [5]],
  ["typing", [null]],
  ["typing", [[]]],
  ["typing", [{}]],
  ["typing", [{ isTyping: "yes" }]],
  ["no_such_event", Array.from({ length: 1000 }, (_, i) => i)],
].map((row) => [...row, EITHER]);

describe("malformed payloads", BUSY, () => {
  each(FULL, `${REFUSED.length + TOLERATED.length} malformed payloads are each answered once`, async (world) => {
    const [a, b] = await people(world, "ali", "veli");
    const stored = await answerAll(a, [...REFUSED, ...TOLERATED]);
    await b.none("(disconnect)");
    assert.equal(b.all("receive_message").length, stored, "delivered exactly what was acknowledged");
    assert.equal((await restOf(world).get("/api/messages")).body.length, stored, "stored exactly what was acknowledged");
  });

  each(STORES_ONLY, "in room mode as well", async (world) => {
    const [a, b] = await roommates(world, "tech", "ali", "veli");
    const rows = [...REFUSED, ...REFUSED_IN_ROOMS, ...TOLERATED.filter(([name]) => name !== "user_join")];
    const stored = await answerAll(a, rows);
    await b.none("(disconnect)");
    assert.equal(b.all("receive_message").length, stored, "delivered exactly what was acknowledged");
  });

  each(STORES_ONLY, "malformed payloads without callback do no harm either", async (world) => {
    const [a, b] = await people(world, "ali", "veli");
    for (const [name, args] of [...REFUSED, ...TOLERATED]) a.emit(name, ...args);
    await a.emitWithin(5_000, "send_message", { message: "the last" });
    let heard;
    do heard = await b.next("receive_message");
    while (heard.message !== "the last");
    await a.none("(disconnect)");
  });
});

/** Gives how many messages were stored. */
async function answerAll(client, rows) {
  const { faults, nTaken } = await sendRows(client, rows, { errors: ERRORS, passing: PASSING });
  assert.equal(faults.length, 0, faults.join("\n"));
  return nTaken.send_message;
}
