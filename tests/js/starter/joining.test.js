// Names on sockets: coming, renaming, going (contract: starter, sections 1 to 3).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BUSY, each } from "../support/matrix.js";
import { assertError } from "../support/messages.js";
import { AUTO_STORES, DIALECTS_AND_STORES, FULL, STORES_ONLY, people, send } from "../support/starter.js";
import { TOKEN_MODE, token } from "../support/token.js";

const NO_NAME = "Username is required";
const MAX_NAME_CHARS = 64;

describe("joining", BUSY, () => {
  each(FULL, "T-01 who joins is told to everybody, the list first", async (world) => {
    const a = await world.connect();
    const b = await world.connect();
    a.emit("user_join", "ali");
    for (const client of [a, b]) {
      assert.deepEqual(await client.next("user_joined"), { username: "ali", id: a.id });
      assert.deepEqual(client.order, ["user_list", "user_joined"]);
      assert.deepEqual(await client.next("user_list"), [{ username: "ali", id: a.id }]);
      await client.none();
    }
  });

  each(DIALECTS_AND_STORES, "nothing is said at connect, and the ack comes first", async (world) => {
    const a = await world.connect();
    await a.none();
    assert.deepEqual(await a.emitWithAck("user_join", "ali"), { ok: true, id: a.id, username: "ali" });
    await a.next("user_joined");
    assert.deepEqual(a.order, ["ack user_join", "user_list", "user_joined"]);
  });

  each(FULL, "T-12 an empty name is an error event before the ack", async (world) => {
    const a = await world.connect();
    const b = await world.connect();
    assertError(await a.emitWithAck("user_join", ""), "INVALID_PAYLOAD", NO_NAME);
    assert.deepEqual(a.order, ["error", "ack user_join"]);
    assert.deepEqual(await a.next("error"), { message: NO_NAME });
    await a.none();
    await b.none();
  });

  each(STORES_ONLY, "what is no name is an error event", async (world) => {
    const [b] = await people(world, "veli");
    const a = await world.connect();
    const wrong = [[], [null], ["   "], [{}], [[]], [{ username: "" }], [{ username: null }], [{ username: " \n" }]];
    for (const args of wrong) {
      assertError(await a.emitWithAck("user_join", ...args), "INVALID_PAYLOAD", NO_NAME);
      assert.deepEqual(await a.next("error"), { message: NO_NAME });
    }
    for (const name of ["a\0b", { username: "a\0b" }, "x".repeat(MAX_NAME_CHARS + 1), "x".repeat(10_000)]) {
      const ack = await a.emitWithAck("user_join", name);
      assert.equal(ack.ok, false);
      assert.ok(["INVALID_PAYLOAD", "TOO_LARGE"].includes(ack.error.code), JSON.stringify(ack));
    }
    await b.none();
  });

  each(STORES_ONLY, "names are trimmed, may be 64 characters long, and two people may share one", async (world) => {
    const [b] = await people(world, "ali");
    const longest = "ş".repeat(MAX_NAME_CHARS);
    for (const [payload, username] of [["  ali\n", "ali"], [longest, longest], [{ username: " can " }, "can"]]) {
      const a = await world.connect();
      assert.deepEqual(await a.ask("user_join", payload), { ok: true, id: a.id, username });
      assert.deepEqual(await b.next("user_joined"), { username, id: a.id });
      assert.deepEqual((await b.next("user_list")).at(-1), { username, id: a.id });
    }
    assert.deepEqual(b.all("user_list").at(-1).map(({ username }) => username), ["ali", "ali", longest, "can"]);
  });

  each(DIALECTS_AND_STORES, "a second user_join renames", async (world) => {
    const [a, b] = await people(world, "ali", "veli");
    assert.deepEqual(await a.ask("user_join", "alice"), { ok: true, id: a.id, username: "alice" });
    for (const client of [a, b]) {
      assert.deepEqual(await client.next("user_joined"), { username: "alice", id: a.id });
      assert.deepEqual(await client.next("user_list"), [{ username: "alice", id: a.id }, { username: "veli", id: b.id }]);
      await client.none("user_left");
    }
    assert.equal((await send(a, { message: "hi" })).sender, "alice");
    assert.equal((await b.next("receive_message")).sender, "alice");
  });

  each(AUTO_STORES, "each word of this dialect decides it", async (world) => {
    const firsts = [
      ["user_join", "ali"], ["user_join", { username: "ali", room: "tech" }], ["send_message", "x"],
      ["send_message", { message: "x" }], ["typing", true], ["typing", { isTyping: true, room: "tech" }],
      ["private_message", { to: "nobody", message: "x" }], ["join_room", { room: "tech" }], ["mark_read", { messageId: 1 }],
    ];
    for (const [name, payload] of firsts) {
      const a = await world.connect();
      const ack = await a.emitWithAck(name, payload);
      assert.notEqual(ack.error?.code, "UNKNOWN_EVENT", name);
      const foreign = await a.emitWithAck("join_user_room", 1);
      assertError(foreign, "UNKNOWN_EVENT", "Unknown event: join_user_room");
      assert.equal((await a.ask("user_join", "veli")).username, "veli");
      a.close();
    }
  });

  each(STORES_ONLY, "the list is in order of joining", async (world) => {
    const clients = await people(world, "zeki", "ali", "Mia");
    const late = await world.connect();
    await late.ask("user_join", "bora");
    const expected = [...clients, late].map(({ id }, i) => ({ username: ["zeki", "ali", "Mia", "bora"][i], id }));
    for (const client of [...clients, late]) assert.deepEqual(await client.next("user_list"), expected);
  });
});

describe("going", BUSY, () => {
  each(FULL, "T-09 who goes is told with name, list and typing, in this order", async (world) => {
    const [a, b] = await people(world, "ali", "veli");
    const { id } = b;
    await b.ask("typing", true);
    await a.next("typing_users");
    a.forget();
    b.disconnect();
    assert.deepEqual(await a.next("typing_users"), []);
    assert.deepEqual(a.order, ["user_left", "user_list", "typing_users"]);
    assert.deepEqual(await a.next("user_left"), { username: "veli", id });
    assert.deepEqual(await a.next("user_list"), [{ username: "ali", id: a.id }]);
    await a.none();
  });

  each(DIALECTS_AND_STORES, "who was not typing goes with the same three events", async (world) => {
    const [a, b] = await people(world, "ali", "veli");
    b.disconnect();
    assert.deepEqual(await a.next("typing_users"), []);
    assert.deepEqual(a.order, ["user_left", "user_list", "typing_users"]);
  });

  each(DIALECTS_AND_STORES, "who never joined goes silently", async (world) => {
    const [a] = await people(world, "ali");
    const c = await world.connect();
    await c.ask("send_message", { message: "x" });
    await a.next("receive_message");
    c.disconnect();
    await a.none();
  });
});

describe("joining with a key", BUSY, () => {
  each(DIALECTS_AND_STORES, "the name is that of the token, and user_join announces it", async (world) => {
    for (const auth of [{}, { token: "bad" }, { userId: "7" }]) {
      assert.equal((await world.refused({ auth })).message, "Authentication error");
    }
    const a = await world.connect({ auth: { token: token(7, { name: "Ada" }) } });
    const b = await world.connect({ auth: { token: token(8, { username: "Bora" }) } });
    assert.equal((await send(a, { message: "before" })).sender, "Ada");
    await b.next("receive_message");
    assert.deepEqual(await a.ask("user_join", "eve"), { ok: true, id: a.id, username: "Ada" });
    assert.deepEqual(await b.next("user_joined"), { username: "Ada", id: a.id });
    assert.deepEqual(await b.next("user_list"), [{ username: "Ada", id: a.id }]);
    assert.equal((await b.ask("user_join", { username: "Ada" })).username, "Bora");
    assert.equal((await send(b, { message: "x", sender: "Ada" })).sender, "Bora");
  }, TOKEN_MODE);
});
