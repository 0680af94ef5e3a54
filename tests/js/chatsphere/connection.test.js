// The plain WebSocket as a connection: where it opens, for whom, and how it ends (contract: chatsphere, section 1).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { DIALECTS_AND_STORES, NO_SOCKET, STORES_ONLY, body, each, join, withTokens } from "../support/chatsphere.js";
import { BUSY, WAITING } from "../support/matrix.js";
import { OTHER_SECRET, token, unsignedToken } from "../support/token.js";

const PING_MS = 25_000;
const SLACK_MS = 2_000;
const MAX_FRAME_BYTES = 1_000_000;
/** Says at connect what Engine.IO says, and no word of this dialect. */
const ENGINE = "/socket.io/?EIO=4&transport=websocket";

describe("upgrade", BUSY, () => {
  each(NO_SOCKET, "any path but that of Socket.IO opens this dialect, and nothing is said at connect", async (sphere) => {
    const { u, R } = await sphere.pair();
    for (const path of ["/", "/ws", "/ws/", "/chat/any/where", "/api/rooms", "/socket", "/?EIO=4&transport=websocket"]) {
      const socket = await sphere.open(path);
      await join(socket, u.id, R);
      socket.close();
    }
    const silent = await sphere.open("/ws");
    await silent.none();
  });

  each(NO_SOCKET, "C-23 the path of Socket.IO speaks Engine.IO", async (sphere) => {
    const { u, R } = await sphere.pair();
    const socket = await sphere.open(ENGINE);
    const packet = await socket.next("(text)");
    assert.equal(packet[0], "0");
    assert.deepEqual(Object.keys(JSON.parse(packet.slice(1))).sort(), [
      "maxPayload", "pingInterval", "pingTimeout", "sid", "upgrades",
    ]);
    socket.send({ type: "join", userId: u.id, roomId: R });
    await socket.none("join_confirmation");
  });

  each(NO_SOCKET, "in development a bad token is ignored", async (sphere) => {
    const { u, R } = await sphere.pair();
    const bad = ["bad", "a.b.c", unsignedToken(""), ""];
    for (const path of bad.map((text) => `/ws?token=${text}&userId=${u.id}`)) {
      const socket = await sphere.open(path);
      await join(socket, undefined, R);
      socket.send({ type: "message", content: "hi" });
      assert.equal((await socket.next("new_message")).message.userId, u.id);
      socket.close();
    }
    await sphere.open("/ws", { headers: { authorization: "Bearer bad", cookie: "user_api_token=bad" } });
  });

  each(NO_SOCKET, "in development an API token says who somebody is, also one whom nobody registered", async (sphere) => {
    const made = await sphere.world.server.command("token", "create", "--user", "zed");
    const zed = { id: "zed", token: made.stdout.trim(), rest: sphere.rest.bearer(made.stdout.trim()) };
    const socket = await sphere.open(`/ws?token=${zed.token}`);
    const users = body(await sphere.rest.get("/api/users"), 200);
    assert.deepEqual(users.map(({ id, username }) => [id, username]), [["zed", "zed"]]);
    const R = await sphere.room(zed);
    await join(socket, undefined, R);
    socket.send({ type: "message", content: "hi" });
    assert.equal((await socket.next("new_message")).message.userId, "zed");
  });

  withTokens(NO_SOCKET, "with a key an upgrade without a good token is answered 401", async (sphere) => {
    const u = await sphere.user("ali");
    const bad = ["bad", token(u.id, {}, OTHER_SECRET), unsignedToken(u.id)];
    const refused = [
      ["/"], ["/ws"], [`/ws?userId=${u.id}`], ["/ws?token="],
      ...bad.flatMap((text) => [
        [`/ws?token=${text}`],
        ["/", { headers: { authorization: `Bearer ${text}` } }],
        ["/", { headers: { cookie: `user_api_token=${text}` } }],
      ]),
    ];
    for (const [path, options] of refused) assert.equal(await sphere.refused(path, options), 401, path);
  });

  withTokens(NO_SOCKET, "a token is taken from the query, the header and the cookie", async (sphere) => {
    const { u, R } = await sphere.pair();
    const jwt = sphere.signed(u.id).token;
    const ways = [u.token, jwt].flatMap((text) => [
      [`/ws?token=${text}`],
      ["/ws", { headers: { authorization: `Bearer ${text}` } }],
      ["/ws", { headers: { cookie: `theme=dark; user_api_token=${text}` } }],
    ]);
    for (const [path, options] of ways) {
      const socket = await sphere.open(path, options);
      await join(socket, undefined, R);
      socket.send({ type: "message", content: "hi" });
      assert.equal((await socket.next("new_message")).message.userId, u.id);
      socket.close();
    }
  });

  each(DIALECTS_AND_STORES, "a page of another origin opens nothing", async (sphere) => {
    assert.equal(await sphere.refused("/ws", { origin: "https://evil.example" }), 403);
    await sphere.open("/ws", { origin: "http://localhost:5173" });
  });
});

describe("close", BUSY, () => {
  each(NO_SOCKET, "C-21 a server that stops closes with 1012, and comes back", async (sphere) => {
    const { u, R } = await sphere.pair();
    const joined = await sphere.joined(u, R);
    const idle = await sphere.open("/");
    await sphere.server.stop();
    for (const socket of [joined, idle]) assert.equal(await socket.closed(), 1012);
    await sphere.server.start();
    await sphere.joined(u, R);
  });

  each(NO_SOCKET, "a frame above the limit closes with 1009 and costs that connection only", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const other = await sphere.joined(v, R);
    const socket = await sphere.joined(u, R);
    socket.send({ type: "zzz", padding: "x".repeat(MAX_FRAME_BYTES - 1_000) });
    await socket.none();
    assert.ok(socket.isOpen);
    socket.send({ type: "message", userId: u.id, roomId: R, content: "x".repeat(MAX_FRAME_BYTES) });
    assert.equal(await socket.closed(), 1009);
    await other.none();
    await sphere.post(u, R, "hi");
    await other.next("new_message");
  });

  each(STORES_ONLY, "who closes is gone, and the others stay", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const leaver = await sphere.joined(u, R);
    const other = await sphere.joined(v, R);
    leaver.socket.close(1000);
    assert.equal(await leaver.closed(), 1000);
    await sphere.post(u, R, "hi");
    await other.next("new_message");
    await other.none();
  });
});

describe("pings", WAITING, () => {
  each(STORES_ONLY, "the server pings every 25 seconds", async (sphere) => {
    const socket = await sphere.open("/");
    const start = performance.now();
    await socket.pinged(PING_MS + SLACK_MS);
    const ms = performance.now() - start;
    assert.ok(ms > PING_MS - SLACK_MS, `pinged after ${Math.round(ms)} ms`);
  });

  each(STORES_ONLY, "a peer that does not answer is dropped, one that does is not", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    const deaf = await sphere.socket(u, { autoPong: false });
    const alive = await sphere.joined(v, R);
    await deaf.closed(10_000);
    assert.ok(alive.isOpen);
    await sphere.post(u, R, "hi");
    await alive.next("new_message");
  }, { PING_INTERVAL_MS: "500", PING_TIMEOUT_MS: "3000" });
});
