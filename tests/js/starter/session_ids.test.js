// A socket id that everybody reads in `user_list` is no key to the session (contract: README, 6.6).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BUSY, each } from "../support/matrix.js";
import { DIALECTS_AND_STORES, people, restOf } from "../support/starter.js";

const FORGED = '42["send_message",{"message":"x"}]';

describe("session ids", BUSY, () => {
  for (const transport of ["polling", "websocket"]) {
    each(DIALECTS_AND_STORES, `T-16 nobody speaks for a socket on ${transport} whose id is known`, async (world) => {
      const a = await world.connect({ transports: [transport] });
      await a.ask("user_join", "ali");
      const b = await world.connect();
      await b.ask("user_join", "veli");
      await b.next("user_joined");
      const [{ id }] = await b.next("user_list");
      assert.equal(id, a.id);
      await a.several("user_joined", 2);
      for (const client of [a, b]) client.forget();
      for (const way of ["polling", "websocket"]) {
        const path = `/socket.io/?EIO=4&transport=${way}&sid=${id}`;
        assert.equal((await world.rest.call("POST", path, FORGED)).status, 400, `POST on ${way}`);
        assert.equal((await world.rest.call("GET", path)).status, 400, `GET on ${way}`);
      }
      for (const client of [a, b]) await client.none();
      assert.equal(a.socket.connected, true);
      await a.ask("send_message", { message: "still here" });
      assert.equal((await b.next("receive_message")).message, "still here");
      assert.equal((await restOf(world).get("/api/messages")).body.length, 1);
    });
  }

  each(DIALECTS_AND_STORES, "an upgraded socket is not reached with its id either", async (world) => {
    const [a, b] = await people(world, "ali", "veli");
    await a.upgraded();
    const path = `/socket.io/?EIO=4&transport=polling&sid=${a.id}`;
    assert.equal((await world.rest.call("POST", path, FORGED)).status, 400);
    for (const client of [a, b]) await client.none();
    assert.equal(a.socket.connected, true);
  });
});
