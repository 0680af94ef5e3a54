// Whatever a socket sends: one ack, a known code, and the socket goes on (contract: README, sections 6.1 and 6.8).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { FULL, STORES_ONLY, withTokens } from "../support/gallery.js";
import { BUSY } from "../support/matrix.js";

const CODES = [
  "INVALID_PAYLOAD", "UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND", "CONFLICT", "TOO_LARGE", "RATE_LIMITED",
  "UNKNOWN_EVENT", "UNAVAILABLE", "INTERNAL",
];
const WORDS = ["join_room", "leave_room", "typing_start", "typing_stop"];
/** No id: of a wrong type, or out of range. */
const NO_IDS = [null, "", false, true, [], ["x"], {}, -1, 1.5, 2 ** 53, 1e300, { roomId: { roomId: "x" } }];
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
  "", "no_such_event", "__proto__", "constructor", "toString", "çok güzel 🌸", "x".repeat(10_000), "authenticate",
  "join_conversation", "join", "message", "typing", "chat", "new_message", "room_joined", "user_typing", "messages_read", "error",
].map((name) => [name, [{ roomId: "x" }], "UNKNOWN_EVENT"]);
/** What a tolerant server may take or refuse, but must answer. */
const EITHER = [
  ["join_room", ["nope", "more", null, {}]],
  ["join_room", [{ roomId: "nope", extra: nested(500) }]],
  ["join_room", [JSON.parse('{"__proto__":1,"constructor":2,"":3,"roomId":"nope"}')]],
  ["join_room", ["\ud800 lone surrogate"]],
  ["leave_room", ["nope"]],
  ["leave_room", [{ roomId: 7 }]],
  ["typing_start", ["nope", 1, 2, 3]],
  ["no_such_event", Array.from({ length: 1000 }, (_, i) => i)],
];
const ALL = [...REFUSED, ...UNKNOWN, ...[...NO_ROOMS, ...EITHER].map((row) => [...row, undefined])];

describe("malformed payloads", BUSY, () => {
  withTokens(FULL, `${ALL.length} malformed payloads are each answered once, and the socket goes on`, async ({ ua, ub }) => {
    const room = await ua.roomWith(ub);
    const a = await ua.joined(room);
    const b = await ub.joined(room);
    const wrong = [];
    for (const [event, args, code] of ALL) {
      const sent = `${event.slice(0, 40)} ${JSON.stringify(args).slice(0, 80)}`;
      const fault = await a.emitWithAck(event, ...args).then(
        (ack) => faultOf(ack, code) ?? faultOfEvents(a, event, ack),
        (error) => error.message.split("\n", 1)[0],
      );
      if (fault) wrong.push(`${sent}: ${fault}`);
      a.forget();
    }
    assert.equal(wrong.length, 0, wrong.join("\n"));
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

/** Why the ack is none that the contract allows; undefined if it is one. */
function faultOf(ack, code) {
  if (ack?.ok === true && code === undefined) return undefined;
  if (ack?.ok !== false) return `answered ${JSON.stringify(ack)}`;
  if (!CODES.includes(ack.error?.code)) return `code ${ack.error?.code}`;
  if (typeof ack.error.message !== "string" || ack.error.message === "") return "no text";
  if (ack.error.code === "INTERNAL") return "INTERNAL: the fault is the client's";
  if (code && ack.error.code !== code) return `code ${ack.error.code} instead of ${code}`;
  return undefined;
}

/** Why the events beside the ack are wrong: `join_room` has one, with the same words, before the ack. */
function faultOfEvents(client, event, ack) {
  const expected = event === "join_room" ? ["room_joined"] : [];
  if (client.order.join() !== [...expected, `ack ${event}`].join()) return `events ${client.order}`;
  if (expected.length === 0 || ack.ok) return undefined;
  const { roomId, ...told } = client.all("room_joined")[0];
  if (roomId !== null && typeof roomId !== "string") return `roomId is ${JSON.stringify(roomId)}`;
  const isSame = Object.keys(told).length === 2 && told.success === false && told.error === ack.error.message;
  return isSame ? undefined : `event says ${JSON.stringify(told)}, ack ${ack.error.message}`;
}

function nested(depth) {
  let value = 1;
  for (let i = 0; i < depth; i += 1) value = [value];
  return value;
}
