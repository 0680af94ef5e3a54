// Whatever a client sends, as a frame, as a Socket.IO event or over REST: it is refused in the words of this dialect, or
// ignored, and neither the connection nor anybody else suffers (contract: chatsphere, sections 2 and 4; README, 6.1, 6.8).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BAD_IDS, EITHER, MAX_TEXT_BYTES, NO_EVENTS, NO_OBJECTS, nested, sendRows } from "../support/answers.js";
import {
  DIALECTS_AND_STORES, FULL, NOT_SAVED, STORES_ONLY, assertErrorFrame, body, contents, each, join, withTokens,
} from "../support/chatsphere.js";
import { BUSY } from "../support/matrix.js";

const INVALID = "INVALID_PAYLOAD";
/** An id that is missing is no bad one here: the joined room, and the user of the connection, stand in. */
const BAD = BAD_IDS.filter((id) => id !== null && id !== "" && id !== false);
const JOINS = ["join", "join_room"];
const SENDS = ["message", "new_message"];
const BAD_CONTENTS = [undefined, null, "", 5, true, [], {}, "a\0b"];
const BAD_CLIENT_IDS = ["nul\0", "x".repeat(129)];
const TOO_LONG = ["x".repeat(MAX_TEXT_BYTES + 1), "x".repeat(900_000)];

/** What must be refused: word, fields, code. The same for frames and events. */
const REFUSED = [
  ...JOINS.flatMap((word) => [
    [word, {}, INVALID],
    ...BAD_IDS.map((roomId) => [word, { roomId }, INVALID]),
    ...BAD.map((userId) => [word, { roomId: "default-room", userId }, INVALID]),
  ]),
  ...SENDS.flatMap((word) => [
    ...BAD_CONTENTS.map((content) => [word, { content }, INVALID]),
    ...TOO_LONG.map((content) => [word, { content }, "TOO_LARGE"]),
    ...BAD.flatMap((id) => ["roomId", "userId"].map((key) => [word, { content: "x", [key]: id }, INVALID])),
    ...BAD_CLIENT_IDS.map((clientMessageId) => [word, { content: "x", clientMessageId }, INVALID]),
    [word, { content: "x", roomId: "nowhere" }, "NOT_FOUND"],
    [word, { content: "x", roomId: "' OR 1=1 --" }, "NOT_FOUND"],
  ]),
];

/** What a tolerant server may take or refuse, but must survive. */
const TOLERATED = SENDS.flatMap((word) => [
  [word, { content: "x", extra: nested(100) }],
  [word, { content: "x", extra: nested(500) }],
  [word, JSON.parse('{"content":"x","__proto__":1,"constructor":2,"":3}')],
  [word, { content: "\ud800 lone surrogate" }],
  [word, { content: "x", roomId: null, userId: null, clientMessageId: 5 }],
]);

const EVENTS = [
  ...REFUSED.map(([word, fields, code]) => [word, [fields], code]),
  ...JOINS.flatMap((word) => [[], ...NO_OBJECTS.map((it) => [it]), [Buffer.from([1])]].map((args) => [word, args, INVALID])),
  ...SENDS.flatMap((word) => [[], ...NO_OBJECTS.map((it) => [it]), [Buffer.from([1])]].map((args) => [word, args, INVALID])),
  ...NO_EVENTS.map((name) => [name, [{ any: "thing" }], "UNKNOWN_EVENT"]),
  // Words of other dialects, and our own in the wrong direction.
  ...["chat", "send_message", "authenticate", "previous_messages", "error"].map((name) => [name, [{ a: 1 }], "UNKNOWN_EVENT"]),
  ...TOLERATED.map(([word, fields]) => [word, [fields], EITHER]),
];
/** The events whose refusal is an `error` event as well. */
const ERRORS = Object.fromEntries([...JOINS, ...SENDS].map((word) => [word, "error"]));

/** Frames that nobody answers: no object, no word, a word that nobody knows (contract, sections 1 and 2). */
const IGNORED = [
  "", "not json", "{", "[]", "null", "5", "\"text\"", "[".repeat(50_000), "{\"type\":", "{\"type\":\"join\"", "\ufeff{}",
  {}, { type: null }, { type: 5 }, { type: {} }, { type: ["join"] }, { type: "" }, { type: "zzz", a: 1 }, { type: "__proto__" },
  { type: "JOIN", roomId: "default-room" }, { Type: "join" }, { type: "x".repeat(10_000) }, Buffer.from("{\"type\":\"join\"}"),
  Buffer.from([0xff, 0xfe]),
];

/** Calls with a body that makes no sense: method, path, body, and the statuses that may come. */
const CALLS = [
  ...BAD_CONTENTS.map((username) => ["POST", "/api/users", { username }, 400]),
  ...["x".repeat(1_000), "x".repeat(900_000)].map((username) => ["POST", "/api/users", { username }, 400, 413]),
  ...BAD_CONTENTS.map((name) => ["POST", "/api/rooms", { name }, 400]),
  ["POST", "/api/rooms", { name: "x".repeat(1_000) }, 400, 413],
  ...BAD.map((userId) => ["POST", "/api/rooms", { name: "R", userId }, 400, 403, 404]),
  ...BAD_IDS.map((userId) => ["POST", "/api/rooms/:room/users", { userId }, 400, 404]),
  ...BAD_CONTENTS.map((content) => ["POST", "/api/rooms/:room/messages", { content }, 400]),
  ...TOO_LONG.map((content) => ["POST", "/api/rooms/:room/messages", { content }, 413]),
  ...BAD_CLIENT_IDS.map((clientMessageId) => ["POST", "/api/rooms/:room/messages", { content: "x", clientMessageId }, 400]),
  ...["limit=x", "limit=-1", "beforeSeq=x", "afterSeq=-1", "limit=1e9"].map((query) => {
    return ["GET", `/api/rooms/:room/messages?${query}`, undefined, 200, 400];
  }),
  ...BAD_IDS.map((userId) => ["POST", "/api/tokens/user", { userId }, 400, 403, 404]),
  ...BAD_IDS.map((userId) => ["POST", "/api/tokens/client", { userId, email: "a@b.c" }, 400, 403, 404]),
  ...["x".repeat(129), "%00", "%ff", "'", "..%2f"].flatMap((id) => [
    ["GET", `/api/rooms/${id}`, undefined, 400, 403, 404],
    ["DELETE", `/api/rooms/:room/users/${id}`, undefined, 400, 403, 404],
    ["PUT", `/api/tokens/${id}/revoke`, {}, 400, 403, 404],
    ["DELETE", `/api/tokens/${id}`, undefined, 400, 403, 404],
  ]),
  ["PATCH", "/api/rooms", {}, 405],
];

describe("malformed input", BUSY, () => {
  each(FULL, `${EVENTS.length} malformed events are each answered once`, async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const watcher = await sphere.joined(v, R);
    const client = await sphere.world.connect({ auth: { dialect: "chatsphere", userId: u.id } });
    await client.ask("join", { roomId: R });
    const { faults, nTaken } = await sendRows(client, EVENTS.map(inRoom(R)), { errors: ERRORS, passing: ["new_message"] });
    assert.equal(faults.length, 0, faults.join("\n"));
    const nSaid = SENDS.reduce((sum, word) => sum + (nTaken[word] ?? 0), 0);
    await assertAllFine(sphere, { u, R, watcher, nSaid });
  });

  each(DIALECTS_AND_STORES, `${REFUSED.length} malformed frames are each told, and ${IGNORED.length} are ignored`, async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const watcher = await sphere.joined(v, R);
    const socket = await sphere.joined(u, R);
    for (const [type, fields] of REFUSED) {
      socket.send({ type, userId: u.id, roomId: JOINS.includes(type) ? undefined : R, ...fields });
      await assertErrorFrame(socket);
      socket.forget();
    }
    for (const frame of IGNORED) socket.send(frame);
    await socket.none();
    assert.equal(socket.isOpen, true);
    await assertAllFine(sphere, { u, R, watcher, nSaid: 0 });
  });

  each(STORES_ONLY, "frames that may mean something do no harm", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const watcher = await sphere.joined(v, R);
    const socket = await sphere.joined(u, R);
    for (const [type, fields] of TOLERATED) socket.send({ type, userId: u.id, roomId: R, ...fields });
    socket.send({ type: "message", userId: u.id, roomId: R, content: "the last" });
    let heard;
    do heard = await watcher.next("new_message");
    while (heard.message.content !== "the last");
    assert.equal(socket.isOpen, true);
  });

  withTokens(DIALECTS_AND_STORES, `${CALLS.length} malformed calls are told in the words of the dialect`, async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const watcher = await sphere.joined(v, R);
    const rest = u.rest.as({ "x-sohbet-dialect": "chatsphere" });
    const wrong = [];
    for (const [method, path, payload, ...statuses] of CALLS) {
      const answer = await callOf(rest, method, path.replace(":room", R), payload);
      const isTold = answer.status === 200 || (typeof answer.body?.error === "string" && Object.keys(answer.body).length === 1);
      if (!statuses.includes(answer.status) || !isTold) {
        wrong.push(`${method} ${path} ${JSON.stringify(payload)?.slice(0, 80)}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 200)}`);
      }
    }
    assert.equal(wrong.length, 0, wrong.join("\n"));
    await assertAllFine(sphere, { u, R, watcher, nSaid: 0 });
  });
});

/** Rows that name no room of their own send to that one. */
function inRoom(R) {
  return ([word, [fields, ...more], code]) => {
    const isObject = fields?.constructor === Object && Object.keys(fields).length > 0;
    return [word, isObject && SENDS.includes(word) ? [{ roomId: R, ...fields }, ...more] : args(fields, more), code];
  };
}

function args(first, more) {
  return first === undefined && more.length === 0 ? [] : [first, ...more];
}

function callOf(rest, method, path, payload) {
  if (method === "POST") return rest.post(path, payload);
  return method === "PUT" ? rest.put(path, payload) : rest.call(method, path);
}

/** Others heard what was taken and nothing else, and a room works as before. */
async function assertAllFine(sphere, { u, R, watcher, nSaid }) {
  await watcher.several("new_message", nSaid);
  await watcher.none();
  assert.equal((await sphere.messages(u, R)).length, nSaid);
  const socket = await sphere.socket(u);
  await join(socket, u.id, R);
  socket.send({ type: "message", userId: u.id, roomId: R, content: "fine" });
  assert.equal((await watcher.next("new_message")).message.content, "fine");
  assert.equal(contents(await sphere.messages(u, R)).at(-1), "fine");
}
