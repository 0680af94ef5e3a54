// REST of the starter dialect (contract: starter, section 5).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BUSY, each } from "../support/matrix.js";
import {
  DIALECTS_AND_STORES, FIXED, STORES_ONLY, assertAscending, assertReceived, inRooms, people, restOf, send, texts,
} from "../support/starter.js";
import { TOKEN_MODE, token } from "../support/token.js";

const RUNNING = "Socket.io Chat Server is running";
const DEFAULT_ROOMS = ["gaming", "general", "random", "tech"];

describe("REST", BUSY, () => {
  each(FIXED, "T-10 the newest hundred public messages, ascending, no private one", async (world) => {
    const [a, b] = await people(world, "ali", "veli");
    const sent = Array.from({ length: 120 }, (_, i) => `no ${i + 1}`);
    for (const message of sent.slice(0, 100)) a.emit("send_message", { message });
    await a.ask("private_message", { to: b.id, message: "secret" });
    for (const message of sent.slice(100)) a.emit("send_message", { message });
    const heard = await b.several("receive_message", sent.length, 5_000);
    const { status, body } = await world.rest.get("/api/messages");
    assert.equal(status, 200);
    assert.deepEqual(texts(body), sent.slice(-100));
    assert.deepEqual(body, heard.slice(-100));
    assertAscending(body);
    for (const message of body) assertReceived(message, { sender: "ali", senderId: a.id });
  });

  each(STORES_ONLY, "T-15 the root says that the server runs", async (world) => {
    const { status, body } = await world.rest.get("/");
    assert.deepEqual([status, body], [200, RUNNING]);
  });

  each(STORES_ONLY, "other paths are told back", async (world) => {
    for (const path of ["/nope", "/api/nope", "/api", "/api/messages/a/b"]) {
      const { status, body } = await world.rest.get(path);
      assert.equal(status, 404, path);
      assert.deepEqual(body, { success: false, error: "Route not found", path });
    }
    const { status, body } = await world.rest.post("/api/nope?x=1", {});
    assert.deepEqual([status, body.success, body.error], [404, false, "Route not found"]);
  });

  each(DIALECTS_AND_STORES, "the users are those who have joined, in order", async (world) => {
    const rest = restOf(world);
    assert.deepEqual((await rest.get("/api/users")).body, []);
    const [a, b] = await people(world, "ali", "veli");
    await world.connect();
    const { status, body } = await rest.get("/api/users");
    assert.equal(status, 200);
    assert.deepEqual(body, [{ username: "ali", id: a.id }, { username: "veli", id: b.id }]);
    a.disconnect();
    await b.next("user_left");
    assert.deepEqual((await rest.get("/api/users")).body, [{ username: "veli", id: b.id }]);
  });

  each(DIALECTS_AND_STORES, "messages outlive their sender and a restart", async (world) => {
    const [a] = await people(world, "ali");
    const message = await send(a, { message: "kept", color: "red" });
    a.close();
    await world.server.stop();
    await world.server.start();
    assert.deepEqual((await restOf(world).get("/api/messages")).body, [message]);
    assert.deepEqual((await restOf(world).get("/api/users")).body, []);
  });

  each(DIALECTS_AND_STORES, "rooms and their messages", async (world) => {
    const rest = restOf(world);
    assert.deepEqual((await rest.get("/api/rooms")).body.toSorted(), DEFAULT_ROOMS);
    const [a, b] = await inRooms(world, ["ali", "tech"], ["veli", "çay odası"]);
    const one = await send(a, { message: "one" });
    const two = await send(b, { message: "two" });
    assert.deepEqual((await rest.get("/api/rooms")).body.toSorted(), [...DEFAULT_ROOMS, "çay odası"].toSorted());
    const { status, body } = await rest.get("/api/messages/tech");
    assert.equal(status, 200);
    assert.deepEqual(body, [one]);
    assert.deepEqual((await rest.get(`/api/messages/${encodeURIComponent("çay odası")}`)).body, [two]);
    assert.deepEqual((await rest.get("/api/messages/gaming")).body, []);
  });

  each(DIALECTS_AND_STORES, "with a key REST needs a token", async (world) => {
    for (const path of ["/api/messages", "/api/users"]) {
      assert.equal((await restOf(world).get(path)).status, 401, path);
      const { status, body } = await restOf(world).bearer(token(7)).get(path);
      assert.deepEqual([status, body], [200, []], path);
    }
  }, TOKEN_MODE);

  each(STORES_ONLY, "health is the same in every dialect", async (world) => {
    const { status, body } = await world.rest.get("/health");
    assert.deepEqual([status, body.ok, body.status], [200, true, "ok"]);
  });
});
