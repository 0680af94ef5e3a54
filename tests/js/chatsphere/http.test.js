// What is common to all REST calls of the chatsphere dialect (contract: chatsphere, sections 4 and 5; README, 6.10).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { DIALECTS_AND_STORES, NO_SOCKET, STORES_ONLY, assertRefused, body, each } from "../support/chatsphere.js";
import { BUSY } from "../support/matrix.js";

const ORIGIN = "http://localhost:5173";

describe("HTTP", BUSY, () => {
  each(NO_SOCKET, "a body that is not JSON is told so", async (sphere) => {
    const { u, R } = await sphere.pair();
    const posts = ["users", "rooms", `rooms/${R}/users`, `rooms/${R}/messages`, "tokens/user", "tokens/client"];
    for (const path of posts) {
      for (const text of ["{", "{'username':1}", "username=ali", "{\"content\":\"x\""]) {
        assertRefused(await u.rest.post(`/api/${path}`, text), 400, "Invalid JSON");
      }
      for (const odd of ["[]", "5", "null", "\"x\"", "{\"content\":\"\\ud800\"}", "[".repeat(50_000)]) {
        const answer = await u.rest.post(`/api/${path}`, odd);
        assert.ok(answer.status >= 400 && answer.status < 500, `${path} ${odd.slice(0, 30)}: ${answer.status}`);
        assert.deepEqual(Object.keys(answer.body), ["error"]);
      }
    }
    assert.deepEqual(await sphere.messages(u, R), []);
  });

  each(STORES_ONLY, "an unknown path is Not Found", async (sphere) => {
    const u = await sphere.user("ali");
    for (const path of ["/api/nope", "/api/rooms/a/b/c", "/api/tokens/a/b/c/d", "/api/users/x/y"]) {
      for (const rest of [sphere.rest, u.rest]) assertRefused(await rest.get(path), 404, "Not Found");
    }
  });

  each(DIALECTS_AND_STORES, "an unknown path under the own ones is Not Found", async ({ rest }) => {
    assertRefused(await rest.get("/api/rooms/a/b/c"), 404, "Not Found");
  });

  each(NO_SOCKET, "health", async ({ rest }) => {
    assert.deepEqual(body(await rest.get("/api/health"), 200), { status: "ok" });
  });

  each(NO_SOCKET, "odd ids in a path are not found, and no fault of ours", async (sphere) => {
    const u = await sphere.user("ali");
    for (const id of ["%00", "a%00b", "x".repeat(129), "%F0%9F%8C%B8", "..%2f..", "%ff", "'", "%25"]) {
      for (const path of [`/api/rooms/${id}`, `/api/rooms/${id}/messages`]) {
        const { status } = await u.rest.get(path);
        assert.ok(status >= 400 && status < 500, `${path}: ${status}`);
      }
      const { status } = await u.rest.call("DELETE", `/api/tokens/${id}`);
      assert.ok(status >= 400 && status < 500, `token ${id}: ${status}`);
    }
  });

  each(DIALECTS_AND_STORES, "a front end of an allowed origin may do all that there is", async ({ rest }) => {
    const wanted = "content-type,authorization,x-requested-with";
    for (const method of ["GET", "POST", "PUT", "DELETE"]) {
      const { status, headers } = await rest.call("OPTIONS", "/api/rooms", undefined, {
        origin: ORIGIN, "access-control-request-method": method, "access-control-request-headers": wanted,
      });
      assert.equal(status, 204);
      assert.equal(headers.get("access-control-allow-origin"), ORIGIN);
      assert.equal(headers.get("access-control-allow-credentials"), "true");
      assert.ok(listed(headers, "access-control-allow-methods").includes(method.toLowerCase()));
      const allowed = listed(headers, "access-control-allow-headers");
      for (const name of wanted.split(",")) assert.ok(allowed.includes(name), name);
    }
    const { headers } = await rest.call("GET", "/api/users", undefined, { origin: ORIGIN });
    assert.equal(headers.get("access-control-allow-origin"), ORIGIN);
    const foreign = await rest.call("GET", "/api/users", undefined, { origin: "https://evil.example" });
    assert.equal(foreign.headers.get("access-control-allow-origin"), null);
  });
});

function listed(headers, name) {
  return (headers.get(name) ?? "").toLowerCase().split(",").map((part) => part.trim());
}
