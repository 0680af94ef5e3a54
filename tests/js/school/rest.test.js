// The REST calls of the dialect: the numbered cases, and the order in which each call finds errors (contract: school,
// sections 5 and 8).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BUSY, each } from "../support/matrix.js";
import { MAX_TEXT_BYTES } from "../support/answers.js";
import {
  DIALECTS_AND_STORES, FULL, NO_SOCKET, STORES_ONLY, assertDenied, assertMessage, draft, draftWithout, getDebug, getHistory,
  history, markRead, patchRead, person, personToken, post, postMessage, restOf, send, unreadCount,
} from "../support/school.js";
import { TOKEN_MODE } from "../support/token.js";

const MISSING = "Missing required fields";
const UNAUTHORIZED = "Unauthorized";
const FRONT = "http://localhost:3000";

describe("school REST conformance", BUSY, () => {
  each(NO_SOCKET, "S-14 the history holds the messages of the pair, with names by id and role", async (world) => {
    const t = restOf(world, 1, "teacher", { name: "Ada" });
    const s = restOf(world, 2, "student", { name: "Bob" });
    const namesake = restOf(world, 1, "student", { name: "Eve" });
    const toTeacher = { senderRole: "student", recipientId: 1, recipientRole: "teacher" };
    const first = await post(t, { recipientId: 2, content: "one" });
    await post(namesake, { ...toTeacher, senderId: 1, content: "of another pair" });
    const second = await post(s, { ...toTeacher, senderId: 2, content: "two" });
    const third = await post(t, { recipientId: 2, content: "three" });
    const messages = await history(t, 1, 2);
    assert.deepEqual(messages.map(({ timestamp, seq, rev, ...rest }) => rest), [
      { id: first, senderId: 1, recipientId: 2, content: "one", senderName: "Ada", senderRole: "teacher" },
      { id: second, senderId: 2, recipientId: 1, content: "two", senderName: "Bob", senderRole: "student" },
      { id: third, senderId: 1, recipientId: 2, content: "three", senderName: "Ada", senderRole: "teacher" },
    ]);
    assert.deepEqual(messages.map(({ seq }) => seq), [1, 2, 3]);
    const times = messages.map(({ timestamp }) => timestamp);
    assert.deepEqual(times, times.toSorted());
    assert.deepEqual(await history(s, 1, 2, "student"), messages);
    assert.deepEqual((await history(t, 1, 1)).map(({ senderName }) => senderName), ["Eve"]);
  });

  each(NO_SOCKET, "S-15 the history of others is refused with its texts", async (world) => {
    const t = restOf(world, 1, "teacher");
    assertDenied(await getHistory(world.rest, 1, 2), 401, UNAUTHORIZED);
    assertDenied(await getHistory(restOf(world, 1, "student"), 1, 2), 401, UNAUTHORIZED);
    assertDenied(await getHistory(t, 3, 2), 401, UNAUTHORIZED);
    assertDenied(await t.get("/api/messages/teacher?teacherId=1"), 400, "Missing required parameters");
  });

  each(FULL, "S-16 a posted message is received by the student", async (world) => {
    const s = await person(world, 1, "student");
    const id = await post(restOf(world, 1, "teacher"));
    assertMessage(await s.next("message_received"), { id, senderId: 1, recipientId: 1, content: "hi", senderRole: "teacher" });
    await s.none();
  });

  each(NO_SOCKET, "S-17 posting as another teacher is refused", async (world) => {
    assertDenied(await postMessage(restOf(world, 1, "teacher"), { senderId: 2 }), 401, UNAUTHORIZED);
    assert.deepEqual(await history(restOf(world, 2, "teacher"), 2, 1), []);
  });

  each(NO_SOCKET, "S-18 unread messages are counted by id and role", async (world) => {
    const t = restOf(world, 1, "teacher");
    const s = restOf(world, 1, "student");
    for (const content of ["one", "two"]) await post(t, { content });
    for (const content of ["one", "two", "three"]) {
      await post(s, { senderRole: "student", recipientRole: "teacher", content });
    }
    assert.equal(await unreadCount(s), 2);
    assert.equal(await unreadCount(t), 3);
  });

  each(STORES_ONLY, "S-20 health is a text", async (world) => {
    const { status, body } = await world.rest.get("/health");
    assert.deepEqual([status, body], [200, "Socket server is running"]);
  });

  each(NO_SOCKET, "S-21 the debug endpoint answers strangers without messages", async (world) => {
    await post(restOf(world, 1, "teacher"), { recipientId: 2 });
    const { status, body, headers } = await getDebug(world.rest, 1, 2);
    assert.deepEqual([status, body], [200, { success: true }]);
    assert.match(headers.get("content-type"), /^application\/json/);
  });
});

describe("order of errors", BUSY, () => {
  for (const [side, role, wrongRole] of [["teacher", "teacher", "student"], ["student", "student", "teacher"]]) {
    each(DIALECTS_AND_STORES, `GET ${side}: role, then parameters, then the person`, async (world) => {
      const path = `/api/messages/${side}`;
      const [own, other] = side === "teacher" ? ["teacherId", "studentId"] : ["studentId", "teacherId"];
      const me = restOf(world, 1, role);
      const others = [wrongRole, "parent", undefined].map((other) => restOf(world, 1, other));
      for (const rest of [world.rest, ...others]) {
        for (const query of ["", `?${own}=1&${other}=2`]) assertDenied(await rest.get(path + query), 401, UNAUTHORIZED);
      }
      for (const query of ["", `?${own}=1`, `?${other}=2`, `?${own}=3`, `?${own}=1&${other}=`, `?${own}=&${other}=2`]) {
        assertDenied(await me.get(path + query), 400, "Missing required parameters");
      }
      assertDenied(await me.get(`${path}?${own}=3&${other}=2`), 401, UNAUTHORIZED);
      assert.deepEqual((await me.get(`${path}?${own}=1&${other}=2`)).body, { success: true, messages: [] });
    });
  }

  each(DIALECTS_AND_STORES, "POST send: identity, then fields, then the person", async (world) => {
    const t = restOf(world, 1, "teacher");
    for (const rest of [world.rest, restOf(world, 1, undefined), world.rest.bearer("bad")]) {
      assertDenied(await rest.post("/api/messages/send", {}), 401, UNAUTHORIZED);
      assertDenied(await postMessage(rest), 401, UNAUTHORIZED);
    }
    for (const key of Object.keys(draft())) {
      assertDenied(await t.post("/api/messages/send", { ...draftWithout(key) }), 400, MISSING);
    }
    assertDenied(await postMessage(t, { senderId: 2, content: "" }), 400, MISSING);
    assertDenied(await postMessage(t, { content: null }), 400, MISSING);
    assertDenied(await postMessage(t, { senderRole: "student" }), 401, UNAUTHORIZED);
    assertDenied(await postMessage(t, { senderId: 2 }), 401, UNAUTHORIZED);
    assert.deepEqual(await history(t, 1, 1), []);
  });

  each(DIALECTS_AND_STORES, "PATCH mark-read: identity, then the array", async (world) => {
    const s = restOf(world, 1, "student");
    for (const rest of [world.rest, restOf(world, 1, undefined)]) {
      assertDenied(await patchRead(rest, {}), 401, UNAUTHORIZED);
      assertDenied(await patchRead(rest, { messageIds: [] }), 401, UNAUTHORIZED);
    }
    for (const messageIds of [undefined, null, "x", 5, {}, true]) {
      assertDenied(await patchRead(s, { messageIds }), 400, "messageIds array is required");
    }
    for (const body of [[], "text", null, 5]) {
      assertDenied(await patchRead(s, JSON.stringify(body)), 400, "messageIds array is required");
    }
  });

  each(DIALECTS_AND_STORES, "unread-count needs a person", async (world) => {
    const halves = [{}, { "x-user-id": "1" }, { "x-user-role": "student" }].map((headers) => world.rest.as(headers));
    for (const rest of [...halves, restOf(world, 1, undefined)]) {
      assertDenied(await rest.get("/api/messages/unread-count"), 401, UNAUTHORIZED);
    }
    assert.equal(await unreadCount(restOf(world, 1, "student")), 0);
  });

  each(STORES_ONLY, "bodies that are no JSON are refused, not failed on", async (world) => {
    const t = restOf(world, 1, "teacher");
    for (const text of ["{", "", "[1", "\0"]) {
      assertFault(await t.post("/api/messages/send", text), 400);
      assertFault(await patchRead(t, text), 400);
    }
    for (const body of [[], null, 5, "text"]) assertFault(await t.post("/api/messages/send", JSON.stringify(body)), 400);
  });
});

describe("POST /api/messages/send", BUSY, () => {
  each(DIALECTS_AND_STORES, "ids may be text", async (world) => {
    const s = await person(world, 2, "student");
    const id = await post(restOf(world, 1, "teacher"), { senderId: "1", recipientId: "2" });
    assertMessage(await s.next("message_received"), { id, senderId: 1, recipientId: 2 });
  });

  each(DIALECTS_AND_STORES, "a repeated clientMessageId is one message, over HTTP and over the socket", async (world) => {
    const s = await person(world, 1, "student");
    const t = await person(world, 1, "teacher");
    const rest = restOf(world, 1, "teacher");
    const fields = { clientMessageId: "the-same" };
    const id = await post(rest, fields);
    assert.equal(await post(rest, { ...fields, content: "another text" }), id);
    const ack = await t.ask("new_message", draft(fields));
    assert.deepEqual([ack.message.id, ack.duplicate], [id, true]);
    assertMessage(await s.next("message_received"), { id, content: "hi" });
    await s.none();
    assert.equal((await history(rest, 1, 1)).length, 1);
  });

  each(STORES_ONLY, "text over the limit is 413, U+0000 and unusable ids are 400", async (world) => {
    const t = restOf(world, 1, "teacher");
    assertFault(await postMessage(t, { content: "x".repeat(MAX_TEXT_BYTES + 1) }), 413);
    assertFault(await postMessage(t, { content: "x".repeat(1_100_000) }), 413);
    assertFault(await postMessage(t, { content: "a\0b" }), 400);
    for (const fields of [{ recipientId: -1 }, { recipientId: 1.5 }, { recipientId: {} }, { recipientRole: "x".repeat(33) }]) {
      assertFault(await postMessage(t, fields), 400);
    }
    assert.deepEqual(await history(t, 1, 1), []);
    await post(t, { content: "ü".repeat(MAX_TEXT_BYTES / 2) });
    assert.equal((await history(t, 1, 1))[0].content.length, MAX_TEXT_BYTES / 2);
  });
});

describe("PATCH /api/messages/mark-read", BUSY, () => {
  each(DIALECTS_AND_STORES, "marks only what was sent to the caller, and counts what has changed", async (world) => {
    const t = await person(world, 1, "teacher");
    const ids = [(await send(t)).id, (await send(t)).id];
    const { id: foreign } = await send(t, { recipientId: 2 });
    const { id: own } = await send(t, { recipientRole: "teacher" });
    await t.next("message_received"); // what the teacher wrote to itself
    t.forget();
    const s = restOf(world, 1, "student");
    assert.equal(await markRead(restOf(world, 1, "teacher"), ids), 0);
    assert.equal(await markRead(s, [ids[0], foreign, own, "zz"]), 1);
    assert.equal(await unreadCount(s), 1);
    assert.equal(await markRead(s, [...ids, ...ids]), 1);
    assert.equal(await markRead(s, ids), 0);
    assert.equal(await unreadCount(s), 0);
    assert.equal(await unreadCount(restOf(world, 2, "student")), 1);
    await t.none(); // the author is not told
  });

  each(STORES_ONLY, "ids that are none do no harm", async (world) => {
    const s = restOf(world, 1, "student");
    for (const messageIds of [[], [null], [5, {}, "", "a\0b", "x".repeat(500)]]) {
      const { status, body } = await patchRead(s, { messageIds });
      assert.ok(status === 200 ? body.updatedCount === 0 : status === 400, JSON.stringify([status, body]));
    }
  });
});

describe("surroundings of school", BUSY, () => {
  each(STORES_ONLY, "other paths are a 404 text", async (world) => {
    for (const path of ["/nope", "/api/nope", "/api/messages/nope/nope"]) {
      const { status, body } = await world.rest.get(path);
      assert.deepEqual([status, body], [404, "Not found"], path);
    }
  });

  for (const origin of [FRONT, "http://127.0.0.1:3000"]) {
    each(NO_SOCKET, `${origin} may call with credentials in development`, async (world) => {
      for (const path of ["/socket.io/?EIO=4&transport=polling", "/api/debug/messages"]) {
        const { status, headers } = await world.rest.as({ origin }).get(path);
        assert.equal(status, 200);
        assertAllowed(headers, origin);
        const foreign = await world.rest.as({ origin: `${origin}.evil.test` }).get(path);
        assert.equal(foreign.headers.get("access-control-allow-origin"), null);
      }
    });
  }

  each(STORES_ONLY, "in token mode the origin must be configured", async (world) => {
    const answer = (origin) => world.rest.as({ origin }).get("/health");
    const originOf = async (origin) => (await answer(origin)).headers.get("access-control-allow-origin");
    assert.equal(await originOf(FRONT), null);
    assert.equal(await originOf("https://school.test"), "https://school.test");
  }, { ...TOKEN_MODE, FRONTEND_URL: "https://school.test/" });

  each(NO_SOCKET, "a preflight of any call is answered 204", async (world) => {
    for (const [method, path] of [["PATCH", "/api/messages/mark-read"], ["POST", "/api/messages/send"], ["GET", "/anything"]]) {
      const asked = { origin: FRONT, "access-control-request-method": method, "access-control-request-headers": "content-type" };
      const { status, headers } = await world.rest.call("OPTIONS", path, undefined, asked);
      assert.equal(status, 204);
      assertAllowed(headers, FRONT);
      assert.match(headers.get("access-control-allow-methods"), new RegExp(method));
      assert.match(headers.get("access-control-allow-headers"), /content-type/i);
    }
  });

  each(STORES_ONLY, "the cookie comes before the Authorization header, a bad one counts as absent", async (world) => {
    const t = restOf(world, 1, "teacher");
    await post(t);
    const cookie = (token) => ({ cookie: `theme=dark; auth-token=${token}` });
    const student = personToken(1, "student");
    assert.equal(await unreadCount(world.rest.as(cookie(student))), 1);
    assert.equal(await unreadCount(t.as(cookie(student))), 1);
    assert.equal(await unreadCount(restOf(world, 1, "student").as(cookie("bad"))), 1);
    assert.equal(await unreadCount(world.rest.as({ "x-user-id": "1", "x-user-role": "student" })), 1);
  });
});

function assertAllowed(headers, origin) {
  assert.equal(headers.get("access-control-allow-origin"), origin);
  assert.equal(headers.get("access-control-allow-credentials"), "true");
  assert.match(headers.get("vary") ?? "", /\borigin\b/i);
}

/** An error with the keys of the dialect, whatever its text. */
function assertFault({ status, body }, expected) {
  assert.equal(status, expected, JSON.stringify(body));
  const { details, ...rest } = body;
  assert.deepEqual(Object.keys(rest).sort(), ["error", "success"]);
  assert.equal(rest.success, false);
  assert.equal(typeof rest.error, "string");
}
