// Rooms of the chatsphere dialect over REST (contract: chatsphere, section 4).

import assert from "node:assert/strict";
import { describe } from "node:test";
import {
  BAD_TOKEN, NO_ACCESS, NO_SOCKET, NO_TOKEN, assertRefused, body, each, withTokens,
} from "../support/chatsphere.js";
import { BUSY } from "../support/matrix.js";
import { assertHas, assertIso, assertUuid } from "../support/messages.js";

const ROOMS = "/api/rooms";
const ROOM_KEYS = ["createdAt", "id", "name", "updatedAt"];
const REMOVED = { message: "User removed from room successfully" };
const ADDED = { message: "User added to room successfully" };

describe("rooms", BUSY, () => {
  each(NO_SOCKET, "C-02 the list of rooms needs a token", async (sphere) => {
    const u = await sphere.user("ali");
    assertRefused(await sphere.rest.get(ROOMS), 401, NO_TOKEN);
    assertRefused(await sphere.rest.bearer("bad").get(ROOMS), 401, BAD_TOKEN);
    assert.deepEqual(body(await u.rest.get(ROOMS), 200), []);
  });

  each(NO_SOCKET, "C-03 a room needs a name and a user who exists", async (sphere) => {
    const u = await sphere.user("ali");
    const room = body(await sphere.rest.post(ROOMS, { name: "R", userId: u.id }), 201);
    assert.deepEqual(Object.keys(room).sort(), ROOM_KEYS);
    assert.equal(room.name, "R");
    assertUuid(room.id);
    for (const key of ["createdAt", "updatedAt"]) assertIso(room[key]);
    const { users } = body(await sphere.rest.get(`${ROOMS}/${room.id}`), 200);
    assert.deepEqual(users, [{ id: u.id, username: "ali" }]);
    for (const wrong of [{ name: "R" }, { userId: u.id }, {}, { name: "", userId: u.id }, { name: "R", userId: "" }]) {
      assertRefused(await sphere.rest.post(ROOMS, wrong), 400, "Name and userId are required");
    }
    assertRefused(await sphere.rest.post(ROOMS, { name: "R", userId: "nobody" }), 404, "User not found");
  });

  each(NO_SOCKET, "C-04 a room is shown with its users", async (sphere) => {
    const u = await sphere.user("ali");
    const created = body(await sphere.rest.post(ROOMS, { name: "R", userId: u.id }), 201);
    const room = body(await sphere.rest.get(`${ROOMS}/${created.id}`), 200);
    assert.deepEqual(room, { ...created, users: [{ id: u.id, username: "ali" }] });
    assertRefused(await sphere.rest.get(`${ROOMS}/x`), 404, "Room not found");
  });

  each(NO_SOCKET, "C-05 who is added to a room may read it", async (sphere) => {
    const [u, v] = await sphere.users("ali", "veli");
    const R = await sphere.room(u);
    assertRefused(await v.rest.get(`${ROOMS}/${R}/messages`), 403, NO_ACCESS);
    assert.deepEqual(body(await sphere.rest.post(`${ROOMS}/${R}/users`, { userId: v.id }), 200), ADDED);
    assert.deepEqual(body(await v.rest.get(`${ROOMS}/${R}/messages`), 200), []);
  });

  each(NO_SOCKET, "adding a member again changes nothing", async (sphere) => {
    const { v, R } = await sphere.pair();
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => sphere.rest.post(`${ROOMS}/${R}/users`, { userId: v.id })),
    );
    for (const answer of answers) assert.deepEqual(body(answer, 200), ADDED);
    assert.equal(body(await sphere.rest.get(`${ROOMS}/${R}`), 200).users.length, 2);
  });

  each(NO_SOCKET, "adding needs a user and a room that exist", async (sphere) => {
    const u = await sphere.user("ali");
    const R = await sphere.room(u);
    for (const wrong of [{}, { userId: "" }, { userId: null }]) {
      assertRefused(await sphere.rest.post(`${ROOMS}/${R}/users`, wrong), 400, "UserId is required");
    }
    assertRefused(await sphere.rest.post(`${ROOMS}/x/users`, { userId: u.id }), 404, "Room not found");
    assertRefused(await sphere.rest.post(`${ROOMS}/${R}/users`, { userId: "nobody" }), 404, "User not found");
  });

  each(NO_SOCKET, "every fresh store has the room General Chat", async (sphere) => {
    const room = body(await sphere.rest.get(`${ROOMS}/default-room`), 200);
    assert.deepEqual(Object.keys(room).sort(), [...ROOM_KEYS, "users"].sort());
    assertHas(room, { id: "default-room", name: "General Chat", users: [] });
    const u = await sphere.user("ali");
    assert.deepEqual(body(await sphere.rest.post(`${ROOMS}/default-room/users`, { userId: u.id }), 200), ADDED);
    const [message] = await sphere.post(u, "default-room", "hi");
    assert.equal(message.roomId, "default-room");
  });

  each(NO_SOCKET, "a user sees the own rooms, a client application all of them, with counts", async (sphere) => {
    const [u, v] = await sphere.users("ali", "veli");
    const both = await sphere.room(u, v);
    const own = await sphere.room(v);
    await sphere.post(u, both, "one", "two", "three");
    const client = await sphere.clientToken(u);

    const mine = body(await u.rest.get(ROOMS), 200);
    assert.deepEqual(Object.keys(mine[0]).sort(), [...ROOM_KEYS, "_count"].sort());
    assert.deepEqual(counts(mine), { [both]: { messages: 3, users: 2 } });
    assert.deepEqual(counts(body(await v.rest.get(ROOMS), 200)), {
      [both]: { messages: 3, users: 2 }, [own]: { messages: 0, users: 1 },
    });
    const all = counts(body(await client.rest.get(ROOMS), 200));
    assert.deepEqual(all[own], { messages: 0, users: 1 });
    assert.deepEqual(all[both], { messages: 3, users: 2 });
    assert.deepEqual(all["default-room"], { messages: 0, users: 0 });
  });
});

describe("rooms with tokens", BUSY, () => {
  withTokens(NO_SOCKET, "the maker of a room is who the token says", async (sphere) => {
    const [u, v] = await sphere.users("ali", "veli");
    assertRefused(await sphere.rest.post(ROOMS, { name: "R", userId: u.id }), 401, NO_TOKEN);
    assertRefused(await sphere.rest.bearer("bad").post(ROOMS, { name: "R", userId: u.id }), 401, BAD_TOKEN);
    assertRefused(await u.rest.post(ROOMS, { name: "R", userId: v.id }), 403, "Forbidden");
    for (const draft of [{ name: "R" }, { name: "R", userId: u.id }]) {
      const { id } = body(await u.rest.post(ROOMS, draft), 201);
      assert.deepEqual(body(await u.rest.get(`${ROOMS}/${id}`), 200).users, [{ id: u.id, username: "ali" }]);
    }
    assert.equal((await u.rest.post(ROOMS, { userId: u.id })).status, 400);
    assert.deepEqual(body(await v.rest.get(ROOMS), 200), []);
  });

  withTokens(NO_SOCKET, "only members and client applications see a room and add to it", async (sphere) => {
    const [u, v, w] = await sphere.users("ali", "veli", "can");
    const R = await sphere.room(u);
    const client = await sphere.clientToken(w);
    for (const { rest } of [v, w]) {
      assertRefused(await rest.get(`${ROOMS}/${R}`), 403, "Forbidden");
      assertRefused(await rest.post(`${ROOMS}/${R}/users`, { userId: v.id }), 403, "Forbidden");
    }
    assertRefused(await sphere.rest.get(`${ROOMS}/${R}`), 401, NO_TOKEN);
    assertRefused(await sphere.rest.post(`${ROOMS}/${R}/users`, { userId: v.id }), 401, NO_TOKEN);
    for (const { rest } of [u, client, sphere.admin]) {
      assert.equal(body(await rest.get(`${ROOMS}/${R}`), 200).id, R);
      assert.deepEqual(body(await rest.post(`${ROOMS}/${R}/users`, { userId: v.id }), 200), ADDED);
    }
    assert.equal(body(await v.rest.get(`${ROOMS}/${R}`), 200).users.length, 2);
  });

  withTokens(NO_SOCKET, "a MODERATOR is nobody in rooms of others, and a moderator in the own ones", async (sphere) => {
    const [u, v] = await sphere.users("ali", "veli");
    const R = await sphere.room(u, v);
    const { rest } = sphere.signed("mod", { username: "mod", role: "MODERATOR" });
    assertRefused(await rest.get(`${ROOMS}/${R}`), 403, "Forbidden");
    assertRefused(await rest.get(`${ROOMS}/${R}/messages`), 403, NO_ACCESS);
    assertRefused(await rest.post(`${ROOMS}/${R}/users`, { userId: v.id }), 403, "Forbidden");
    assertRefused(await rest.call("DELETE", `${ROOMS}/${R}/users/${v.id}`), 403, "Forbidden");
    assertRefused(await rest.post("/api/tokens/user", { userId: u.id }), 403, "Forbidden");
    assertRefused(await rest.post("/api/tokens/client", { userId: u.id, email: "a@b.c" }), 403, "Forbidden");
    body(await u.rest.post(`${ROOMS}/${R}/users`, { userId: "mod" }), 200);
    assert.deepEqual(body(await rest.get(`${ROOMS}/${R}/messages`), 200), []);
    assert.deepEqual(body(await rest.call("DELETE", `${ROOMS}/${R}/users/${v.id}`), 200), REMOVED);
    assertRefused(await rest.call("DELETE", `${ROOMS}/${R}/users/${u.id}`), 403, "Forbidden");
  });

  withTokens(NO_SOCKET, "who leaves a room sees it no more, and its maker may leave too", async (sphere) => {
    const { u, v, R } = await sphere.pair();
    assertRefused(await v.rest.call("DELETE", `${ROOMS}/${R}/users/${u.id}`), 403, "Forbidden");
    assert.deepEqual(body(await u.rest.call("DELETE", `${ROOMS}/${R}/users/${u.id}`), 200), REMOVED);
    assertRefused(await u.rest.get(`${ROOMS}/${R}`), 403, "Forbidden");
    assertRefused(await v.rest.call("DELETE", `${ROOMS}/${R}/users/${u.id}`), 404, "User not found");
  });
});

function counts(rooms) {
  return Object.fromEntries(rooms.map(({ id, _count }) => [id, _count]));
}
