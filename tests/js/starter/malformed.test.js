// Whatever a client sends: one ack, a known code, and the socket goes on (contract: README, sections 6.1 and 6.8).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BUSY, each } from "../support/matrix.js";
import { FULL, STORES_ONLY, people, restOf, roommates } from "../support/starter.js";

const CODES = [
  "INVALID_PAYLOAD", "UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND", "CONFLICT", "TOO_LARGE", "RATE_LIMITED", "UNKNOWN_EVENT",
  "UNAVAILABLE",
];
/** No object with the keys of any event. */
const NO_OBJECTS = [undefined, null, 5, true, [], [{}], {}, Buffer.from([1, 2])];
const EVERYWHERE = ["user_join", "send_message", "private_message"];
const IN_ROOMS = ["join_room", "mark_read", "add_reaction", "remove_reaction"];

/** What must be refused: event, arguments, code. */
const REFUSED = [
  ...EVERYWHERE.flatMap((name) => [[], ...NO_OBJECTS.map((payload) => [payload])].map((args) => [name, args, "INVALID_PAYLOAD"])),
  ["user_join", [{ username: "a\0b" }], "INVALID_PAYLOAD"],
  ["send_message", [{ message: "nul\0" }], "INVALID_PAYLOAD"],
  ["send_message", ["x".repeat(65_537)], "TOO_LARGE"],
  ["send_message", [{ message: "x".repeat(900_000) }], "TOO_LARGE"],
  ["private_message", ["text"], "INVALID_PAYLOAD"],
  ...["", "no_such_event", "__proto__", "constructor", "çok güzel 🌸", "x".repeat(10_000)].map((name) => {
    return [name, [{ any: "thing" }], "UNKNOWN_EVENT"];
  }),
  // Words of other dialects, and our own words in the wrong direction.
  ...["chat", "authenticate", "new_message", "join_conversation", "typing_start", "register", "mark_as_read",
    "receive_message", "user_list", "user_joined", "typing_users", "error"].map((name) => [name, [1], "UNKNOWN_EVENT"]),
];

const REFUSED_IN_ROOMS = IN_ROOMS.flatMap((name) => NO_OBJECTS.map((payload) => [name, [payload], "INVALID_PAYLOAD"]));

/** What a tolerant server may take or refuse, but must answer. */
const EITHER = [
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
];

describe("malformed payloads", BUSY, () => {
  each(FULL, `${REFUSED.length + EITHER.length} malformed payloads are each answered once`, async (world) => {
    const [a, b] = await people(world, "ali", "veli");
    const stored = await answerAll(a, [...REFUSED, ...EITHER.map((row) => [...row, "either"])]);
    await b.none("(disconnect)");
    assert.equal(b.all("receive_message").length, stored, "delivered exactly what was acknowledged");
    assert.equal((await restOf(world).get("/api/messages")).body.length, stored, "stored exactly what was acknowledged");
  });

  each(STORES_ONLY, "in room mode as well", async (world) => {
    const [a, b] = await roommates(world, "tech", "ali", "veli");
    const rows = [...REFUSED, ...REFUSED_IN_ROOMS, ...EITHER.filter(([name]) => name !== "user_join").map((row) => [...row, "either"])];
    const stored = await answerAll(a, rows);
    await b.none("(disconnect)");
    assert.equal(b.all("receive_message").length, stored, "delivered exactly what was acknowledged");
  });

  each(STORES_ONLY, "malformed payloads without callback do no harm either", async (world) => {
    const [a, b] = await people(world, "ali", "veli");
    for (const [name, args] of [...REFUSED, ...EITHER]) a.emit(name, ...args);
    await a.emitWithin(5_000, "send_message", { message: "the last" });
    let heard;
    do heard = await b.next("receive_message");
    while (heard.message !== "the last");
    await a.none("(disconnect)");
  });
});

/** Emits every row and checks its ack and that nothing but it came. Gives how many messages were stored. */
async function answerAll(client, rows) {
  const wrong = [];
  let stored = 0;
  for (const [name, args, code] of rows) {
    client.forget();
    const fault = await client.emitWithAck(name, ...args).then((ack) => {
      if (name === "send_message" && ack?.ok) stored += 1;
      return faultOf(ack, code) ?? faultOfEvents(client, name, ack);
    }, (error) => error.message.split("\n", 1)[0]);
    if (fault) wrong.push(`${name} ${JSON.stringify(args).slice(0, 120)}: ${fault}`);
  }
  assert.equal(wrong.length, 0, wrong.join("\n"));
  return stored;
}

/** Why the ack is none that the contract allows; undefined if it is one. */
function faultOf(ack, code) {
  if (ack?.ok === true && code === "either") return undefined;
  if (ack?.ok !== false) return `answered ${JSON.stringify(ack)}`;
  if (!CODES.includes(ack.error?.code)) return `code ${ack.error?.code}`;
  if (typeof ack.error.message !== "string" || ack.error.message === "") return "no text";
  if (code !== "either" && ack.error.code !== code) return `code ${ack.error.code} instead of ${code}`;
  return undefined;
}

/** A refusal is an ack and nothing else, but for a name: there an `error` says the same before. */
function faultOfEvents(client, name, ack) {
  if (ack.ok) return undefined;
  // What earlier rows brought about may still be on its way.
  const order = client.order.filter((name) => name.startsWith("ack ") || name === "error");
  const expected = name === "user_join" && client.all("error").length > 0 ? ["error", `ack ${name}`] : [`ack ${name}`];
  return order.join() === expected.join() ? undefined : `events ${order}`;
}

function nested(depth) {
  let value = 1;
  for (let i = 0; i < depth; i += 1) value = [value];
  return value;
}
