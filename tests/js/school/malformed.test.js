// Whatever a client sends: one answer, a known code, and the socket goes on (contract: README, 6.1 and 6.8; school, 2 to 4).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BAD_IDS, EITHER, MAX_TEXT_BYTES, NO_EVENTS, NO_OBJECTS, nested, orRefused, sendRows } from "../support/answers.js";
import { BUSY, each } from "../support/matrix.js";
import { assertError } from "../support/messages.js";
import {
  DIALECTS_AND_STORES, FULL, STORES_ONLY, classroom, draft, draftWithout, history, person, restOf, send, tokenPerson,
} from "../support/school.js";
import { TOKEN_MODE } from "../support/token.js";

const INVALID = "INVALID_PAYLOAD";
const BAD_ROLES = [undefined, null, "", 5, true, {}, [], ["teacher"], "r".repeat(33), "a\0b"];
const BAD_TEXTS = ["", null, 5, true, {}, [], ["hi"], Buffer.from("binary"), "a\0b"];
/** Events whose refusal is told by an event as well. */
const ERRORS = { authenticate: "authenticated", new_message: "message_error" };

const person1 = { userId: 1, role: "teacher" };

const REFUSED = [
  ...NO_OBJECTS.map((payload) => ["authenticate", [payload], INVALID]),
  ["authenticate", [], INVALID],
  ["authenticate", [Buffer.from([1, 2, 3])], INVALID],
  ["authenticate", [{ userId: 1 }], INVALID],
  ["authenticate", [{ role: "teacher" }], INVALID],
  ...BAD_IDS.map((userId) => ["authenticate", [{ ...person1, userId }], INVALID]),
  ...BAD_ROLES.map((role) => ["authenticate", [{ ...person1, role }], INVALID]),

  ...NO_OBJECTS.map((payload) => ["new_message", [payload], INVALID]),
  ["new_message", [], INVALID],
  ["new_message", [Buffer.from([1, 2, 3])], INVALID],
  ["new_message", [[draft()]], INVALID],
  ...Object.keys(draft()).map((key) => ["new_message", [draftWithout(key)], INVALID]),
  ...BAD_IDS.flatMap((id) => ["senderId", "recipientId"].map((key) => ["new_message", [draft({ [key]: id })], INVALID])),
  ...["senderRole", "recipientRole"].flatMap((key) => {
    return BAD_ROLES.map((role) => ["new_message", [draft({ [key]: role })], INVALID]);
  }),
  ...BAD_TEXTS.map((content) => ["new_message", [draft({ content })], INVALID]),
  ["new_message", [draft({ clientMessageId: "nul\0" })], INVALID],
  ["new_message", [draft({ clientMessageId: "x".repeat(129) })], INVALID],
  ["new_message", [draft({ content: "x".repeat(MAX_TEXT_BYTES + 1) })], "TOO_LARGE"],
  ["new_message", [draft({ content: "x".repeat(900_000) })], "TOO_LARGE"],

  ...NO_OBJECTS.map((payload) => ["mark_as_read", [payload], INVALID]),
  ["mark_as_read", [], INVALID],
  ...BAD_IDS.map((messageId) => ["mark_as_read", [{ messageId }], INVALID]),
  ["mark_as_read", [{ messageId: "00000000-0000-7000-8000-000000000000" }], "NOT_FOUND"],
  ["mark_as_read", [{ messageId: "' OR 1=1 --" }], "NOT_FOUND"],

  ...NO_EVENTS.map((name) => [name, [{ any: "thing" }], "UNKNOWN_EVENT"]),
  // Words of other dialects, and our own words in the wrong direction.
  ...["chat", "send_message", "join_user_room", "join_room", "typing", "message_sent", "authenticated", "error"].map((name) => {
    return [name, [1], "UNKNOWN_EVENT"];
  }),
];

/** What a tolerant server may take or refuse, but must answer. */
const TOLERATED = [
  ["authenticate", [person1, "more", null]],
  ["authenticate", [{ ...person1, extra: nested(100) }]],
  ["new_message", [draft(), draft(), "more"]],
  ["new_message", [draft({ clientMessageId: "" })]],
  ["new_message", [draft({ clientMessageId: 5 })]],
  ["new_message", [draft({ extra: nested(100) })]],
  ["new_message", [draft({ extra: nested(500) })]],
  ["new_message", [draft(JSON.parse('{"__proto__":1,"constructor":2,"":3}'))]],
  ["new_message", [draft({ content: "\ud800 lone surrogate" })]],
  ["new_message", [draft({ recipientRole: "rôle: ?" })]],
  ["mark_as_read", [{ messageId: 0 }]],
  ["no_such_event", Array.from({ length: 1000 }, (_, i) => i)],
].map((row) => [...row, EITHER]);

describe("malformed payloads of school", BUSY, () => {
  each(FULL, `${REFUSED.length + TOLERATED.length} malformed payloads are each answered once`, async (world) => {
    const { t, s } = await classroom(world);
    const { faults, nTaken } = await sendRows(t, [...REFUSED, ...TOLERATED], { errors: ERRORS });
    assert.equal(faults.length, 0, faults.join("\n"));
    // Still the same person.
    const { id } = await send(s, { senderRole: "student", recipientRole: "teacher" });
    assert.equal((await t.next("message_received")).id, id);
    await s.none("message_error");
    const stored = (await history(restOf(world, 1, "teacher"), 1, 1)).filter(({ senderRole }) => senderRole === "teacher");
    assert.deepEqual(s.all("message_received").map((message) => message.id), stored.map((message) => message.id));
    assert.ok(stored.length <= (nTaken.new_message ?? 0), "stored no more than what was acknowledged");
  });

  each(DIALECTS_AND_STORES, "malformed payloads without callback do no harm either", async (world) => {
    const { t, s } = await classroom(world);
    const rows = [...REFUSED, ...TOLERATED].filter(([event]) => event !== "authenticate");
    for (const [event, args] of rows) t.emit(event, ...args);
    const { id } = await t.emitWithin(10_000, "new_message", draft({ content: "the last" })).then((ack) => ack.message);
    let message;
    do message = await s.next("message_received");
    while (message.id !== id);
    const nAnswers = t.all("message_sent").length + t.all("message_error").length;
    assert.equal(nAnswers, rows.filter(([event]) => event === "new_message").length + 1);
    assert.equal(t.all("message_marked_read").length, 0);
    assert.equal(t.all("error").length + t.all("(disconnect)").length, 0);
  });

  each(DIALECTS_AND_STORES, "malformed payloads are each answered once in token mode", async (world) => {
    const t = await tokenPerson(world, 1, "teacher");
    const { faults } = await sendRows(t, orRefused([...REFUSED, ...TOLERATED]), { errors: ERRORS });
    assert.equal(faults.length, 0, faults.join("\n"));
  }, TOKEN_MODE);

  each(STORES_ONLY, "words of other dialects have no effect", async (world) => {
    const t = await person(world, 1, "teacher");
    assertError(await t.emitWithAck("register", 1), "UNKNOWN_EVENT", "Unknown event: register");
    assertError(await t.emitWithAck("join_user_room", 1), "UNKNOWN_EVENT", "Unknown event: join_user_room");
    await t.none();
  });
});
