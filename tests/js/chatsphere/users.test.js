// People of the chatsphere dialect (contract: chatsphere, section 4).

import assert from "node:assert/strict";
import { describe } from "node:test";
import { NO_SOCKET, NO_TOKEN, assertIssued, assertRefused, body, each, withTokens } from "../support/chatsphere.js";
import { BUSY } from "../support/matrix.js";
import { assertUuid } from "../support/messages.js";
import { TOKEN_MODE } from "../support/token.js";

const USERS = "/api/users";

describe("users", BUSY, () => {
  each(NO_SOCKET, "C-01 a user needs a name of its own and gets a token", async ({ rest }) => {
    const issued = body(await rest.post(USERS, { username: "ali" }), 201);
    assertUuid(issued.user.id);
    assertIssued(issued, {
      user: { id: issued.user.id, username: "ali", role: "MEMBER" },
      days: 30,
      claims: { userId: issued.user.id, username: "ali", role: "MEMBER", type: 1 },
    });
    assertRefused(await rest.post(USERS, { username: "ali" }), 409, "Username already exists");
    assertRefused(await rest.post(USERS, {}), 400, "Username is required");
  });

  each(NO_SOCKET, "an empty name is none", async ({ rest }) => {
    for (const wrong of [{ username: "" }, { username: null }, { name: "ali" }]) {
      assertRefused(await rest.post(USERS, wrong), 400, "Username is required");
    }
  });

  each(NO_SOCKET, "a name that cannot be stored is the caller's fault", async ({ rest }) => {
    for (const username of [5, true, ["ali"], { first: "ali" }, "a\0b", "x".repeat(70_000)]) {
      const answer = await rest.post(USERS, { username });
      assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status}`);
      assert.deepEqual(Object.keys(answer.body), ["error"]);
    }
    for (const odd of ["Ali", "çağrı 🌸", "it's \"quoted\" \\ %_"]) {
      assert.equal(body(await rest.post(USERS, { username: odd }), 201).user.username, odd);
    }
  });

  each(NO_SOCKET, "ten at once with one name are one user", async ({ rest }) => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => rest.post(USERS, { username: "ali" })));
    const statuses = answers.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [201, ...Array(9).fill(409)]);
  });

  each(NO_SOCKET, "the list of users has three keys a user", async (sphere) => {
    const [u, v] = await sphere.users("ali", "veli");
    const list = body(await sphere.rest.get(USERS), 200);
    for (const { id, username } of [u, v]) {
      assert.deepEqual(list.filter((user) => user.id === id), [{ id, username, role: "MEMBER" }]);
    }
    for (const user of list) assert.deepEqual(Object.keys(user).sort(), ["id", "role", "username"]);
  });

  withTokens(NO_SOCKET, "with a key the list is for people with a token", async (sphere) => {
    const u = await sphere.user("ali");
    assertRefused(await sphere.rest.get(USERS), 401, NO_TOKEN);
    const list = body(await u.rest.get(USERS), 200);
    assert.ok(list.some((user) => user.id === u.id));
  });

  withTokens(NO_SOCKET, "a verified token creates its user, with the role it names", async (sphere) => {
    for (const role of ["MEMBER", "MODERATOR", "ADMIN"]) {
      const person = sphere.signed(`id-${role}`, { username: `name-${role}`, role });
      const list = body(await person.rest.get(USERS), 200);
      assert.deepEqual(list.filter(({ id }) => id === person.id), [{ id: person.id, username: `name-${role}`, role }]);
    }
  });

  each(NO_SOCKET, "with a key strangers make users only where DIALECT says so", async (sphere) => {
    const answer = await sphere.rest.post(USERS, { username: "ali" });
    if (sphere.world.setting === "fixed") body(answer, 201);
    else assertRefused(answer, 401, NO_TOKEN);
  }, TOKEN_MODE);

  each(NO_SOCKET, "whether strangers make users can be set", async (sphere) => {
    assertRefused(await sphere.rest.post(USERS, { username: "ali" }), 401, NO_TOKEN);
    const member = sphere.signed("m", { username: "m" });
    assertRefused(await member.rest.post(USERS, { username: "ali" }), 403, "Forbidden");
    const program = await sphere.clientToken(member);
    body(await program.rest.post(USERS, { username: "ali" }), 201);
    body(await sphere.admin.rest.post(USERS, { username: "veli" }), 201);
  }, { ...TOKEN_MODE, OPEN_SIGN_UP: "false" });

  each(NO_SOCKET, "nobody is created by being mentioned", async (sphere) => {
    const u = await sphere.user("ali");
    const R = await sphere.room(u);
    await sphere.rest.post("/api/rooms", { name: "R", userId: "ghost" });
    await sphere.rest.post(`/api/rooms/${R}/users`, { userId: "ghost" });
    const socket = await sphere.open("/ws?userId=ghost");
    socket.send({ type: "join", userId: "ghost", roomId: R });
    socket.send({ type: "message", userId: "ghost", roomId: R, content: "boo" });
    await socket.next("error");
    assert.equal(body(await sphere.rest.get(USERS), 200).some(({ id }) => id === "ghost"), false);
  });
});
