// Whatever a socket sends: one ack, a known code, and the socket goes on (contract: README, sections 6.1 and 6.8).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BAD_IDS, NO_EVENTS, nested, orRefused, sendRows } from "../support/answers.js";
import { FULL, STORES_ONLY, withTokens } from "../support/gallery.js";
import { BUSY } from "../support/matrix.js";

const WORDS = ["join_room", "leave_room", "typing_start", "typing_stop"];
/** What is no id because of its type or range; texts that are none are below. */
const NO_IDS = BAD_IDS.filter((id) => typeof id !== "string" || id === "");
/** Texts that are too long or too strange for an id. */
const BAD_TEXTS = ["x".repeat(129), "x".repeat(10_000), "a\0b"];

/** What must be refused: event, arguments, code. */
const REFUSED = WORDS.flatMap((word) => [
  [word, [], "INVALID_PAYLOAD"],
  [word, [Buffer.from([1, 2, 3])], "INVALID_PAYLOAD"],
  [word, [{ roomId: Buffer.from("x") }], "INVALID_PAYLOAD"],
  ...NO_IDS.map((id) => [word, [id], "INVALID_PAYLOAD"]),
  ...NO_IDS.map((roomId) => [word, [{ roomId }], "INVALID_PAYLOAD"]),
]);
/** A room that cannot be: refused as malformed or as unknown. */
const NO_ROOMS = BAD_TEXTS.flatMap((text) => WORDS.flatMap((word) => [[word, [text]], [word, [{ roomId: text }]]]));
/** Words of nobody, of other dialects, and our own in the wrong direction. */
const UNKNOWN = [
  ...NO_EVENTS, "authenticate",
  "join_conversation", "join", "message", "typing", "chat", "new_message", "room_joined", "user_typing", "messages_read", "error",
].map((name) => [name, [{ roomId: "x" }], "UNKNOWN_EVENT"]);
/** What a tolerant server may take or refuse, but must answer. */
const TOLERATED = [
  ["join_room", ["nope", "more", null, {}]],
  ["join_room", [{ roomId: "nope", extra: nested(500) }]],
  ["join_room", [JSON.parse('{"__proto__":1,"constructor":2,"":3,"roomId":"nope"}')]],
  ["join_room", ["\ud800 lone surrogate"]],
  ["leave_room", ["nope"]],
  ["leave_room", [{ roomId: 7 }]],
  ["typing_start", ["nope", 1, 2, 3]],
  ["no_such_event", Array.from({ length: 1000 }, (_, i) => i)],
];
const ALL = [...REFUSED, ...UNKNOWN, ...orRefused([...NO_ROOMS, ...TOLERATED])];

describe("malformed payloads", BUSY, () => {
  withTokens(FULL, `${ALL.length} malformed payloads are each answered once, and the socket goes on`, async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const a = await ua.joined(room);
    const b = await ub.joined(room);
    const { faults } = await sendRows(a, ALL, { errors: { join_room: "room_joined" } });
    assert.equal(faults.length, 0, faults.join("\n"));
    await b.none();
    // Still the same dealer in the same room.
    await a.ask("typing_start", room);
    assert.deepEqual(await b.next("user_typing"), { userId: ua.id, roomId: room });
    const message = await ua.send(room);
    assert.deepEqual(await a.next("new_message"), { roomId: room, message });
    assert.deepEqual(await ua.messages(room).then((rows) => rows.map(({ id }) => id)), [message.id]);
  });

  withTokens(STORES_ONLY, "malformed payloads without callback do no harm either", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const a = await ua.joined(room);
    const b = await ub.joined(room);
    for (const [event, args] of ALL) a.emit(event, ...args);
    await a.emitWithin(10_000, "typing_start", room);
    assert.deepEqual(await b.next("user_typing"), { userId: ua.id, roomId: room });
    await a.none("(disconnect)");
  });

  withTokens(STORES_ONLY, "a packet over a megabyte costs that connection and nothing else", async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const a = await ua.joined(room);
    await a.upgraded();
    a.socket.io.reconnection(false);
    a.emit("join_room", { roomId: room, padding: "x".repeat(1_500_000) });
    await a.next("(disconnect)");
    const again = await ua.joined(room);
    const message = await ub.send(room);
    assert.deepEqual(await again.next("new_message"), { roomId: room, message });
  });
});
