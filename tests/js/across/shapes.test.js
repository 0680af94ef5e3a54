// What is refused before a route is found has the shape of the dialect that the request is for
// (contract: README, section 6.10; the section on statuses of each dialect).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { BUSY, combinationsOf, each } from "../support/matrix.js";

const combinations = combinationsOf("auto");
const FOREIGN = { origin: "https://elsewhere.example" };
const GENERAL = { success: false, message: "Forbidden" };

/** A path that only this dialect has, and what a foreign page hears there. */
const SHAPES = [
  ["/api/v1/conversations", (body) => assert.equal(body.error.code, "FORBIDDEN")],
  ["/chats/r/messages", ({ error }) => assert.deepEqual([error.code, error.message], ["FORBIDDEN", "Forbidden"])],
  ["/api/messages/send", (body) => assert.deepEqual(body, { success: false, error: "Forbidden" })],
  ["/api/rooms/r/messages", (body) => assert.deepEqual(body, { error: "Forbidden" })],
  ["/api/messages", (body) => assert.deepEqual(body, GENERAL)],
  ["/nowhere", (body) => assert.deepEqual(body, GENERAL)],
];

describe("shapes of refusals", BUSY, () => {
  each({ ...combinations.AUTO, transports: ["default"], stores: ["sqlite"] }, "a foreign page is refused in the words of the dialect", async ({ rest }) => {
    for (const [path, check] of SHAPES) {
      const { status, body } = await rest.as(FOREIGN).post(path, {});
      assert.equal(status, 403, path);
      check(body);
    }
    const asStarter = rest.as({ ...FOREIGN, "x-sohbet-dialect": "starter" });
    assert.deepEqual((await asStarter.post("/api/messages", {})).body, { success: false, error: "Forbidden" });
  });

  for (const [dialect, expected] of [["school", { success: false, error: "Method Not Allowed" }], ["chatsphere", { error: "Method Not Allowed" }]]) {
    const { FIXED } = combinationsOf(dialect);
    each({ ...FIXED, transports: ["default"], stores: ["sqlite"] }, `a wrong method is refused in the words of ${dialect}`, async ({ rest }) => {
      const { status, body, headers } = await rest.post("/health", {});
      assert.equal(status, 405);
      assert.deepEqual(body, expected);
      assert.equal(headers.get("allow"), "GET,HEAD");
    });
  }
});
