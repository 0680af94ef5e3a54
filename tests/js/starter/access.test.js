// Who may do what in token mode (access.json): every operation of the dialect for every kind of caller. Open rooms are
// everybody's; rooms of other dialects that are closed are for those who take part, here the users of two galleries.
// Not even whoever runs the server is one of them: dealers talk among themselves.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { calling, checkAccess, connected, emitting } from "../support/access.js";
import { admin, callersBeside } from "../support/api_tokens.js";
import { galleryRoom } from "../support/gallery.js";
import { BUSY } from "../support/matrix.js";
import { DIALECTS_AND_STORES } from "../support/starter.js";
import { token } from "../support/token.js";

const LIKE = "👍";

const CALLERS = { ...callersBeside(() => token("ua2", { gallery_id: "ga" })), former };

/** How each is tried about a message `m` of the closed room `c`. */
const ATTEMPTS = {
  user_join: emitting(() => "ali"),
  "user_join (with an open room)": emitting(() => ({ username: "ali", room: "tech" })),
  "user_join (with a closed room)": emitting(({ c }) => ({ username: "ali", room: c })),
  join_room: emitting(() => ({ room: "tech" })),
  "join_room (a closed one)": emitting(({ c }) => ({ room: c })),
  send_message: emitting(() => ({ message: "x" })),
  "send_message (to a closed room)": emitting(
    ({ c }) => ({ message: "x", room: c }), (client) => client.ask("join_room", { room: "tech" }),
  ),
  private_message: emitting(({ a }) => ({ to: a.id, message: "x" })),
  typing: emitting(() => true),
  mark_read: emitting(({ c, m }) => ({ messageId: m, room: c })),
  "mark_read (without its room)": emitting(({ m }) => ({ messageId: m })),
  add_reaction: emitting(({ c, m }) => ({ messageId: m, reaction: LIKE, room: c })),
  remove_reaction: emitting(({ c, m }) => ({ messageId: m, reaction: LIKE, room: c })),
  load_messages: emitting(() => ({ room: "tech" })),
  "load_messages (of a closed room)": emitting(({ c }) => ({ room: c })),
  search_messages: emitting(() => ({ query: "x", room: "tech" })),
  "search_messages (of a closed room)": emitting(({ c }) => ({ query: "x", room: c })),
  "hear (a message of a closed room)": hearing,
  "GET /api/messages": calling((rest) => rest.get("/api/messages"), length),
  "GET /api/messages/{room} (a closed one)": calling((rest, { c }) => rest.get(`/api/messages/${c}`), length),
  "GET /api/users": calling((rest) => rest.get("/api/users"), length),
  "GET /api/rooms": calling((rest) => rest.get("/api/rooms"), length),
};

describe("access in starter", BUSY, () => {
  checkAccess({
    dialect: "starter", combinations: DIALECTS_AND_STORES, callers: CALLERS, attempts: ATTEMPTS, stage: aPlace,
  });
});

/** A closed room `c` with a message `m`, somebody who writes there, and a socket `a` of somebody else in the lobby. */
async function aPlace(world) {
  const { ua, room: c } = await galleryRoom(world);
  const write = async (content) => (await ua.send(c, { content })).id;
  const a = await world.connect({ auth: { token: token("a"), dialect: "starter" } });
  await a.ask("user_join", "a");
  return { a, c, m: await write("x"), write };
}

/** Somebody who saw the closed room, and whose gallery is another one now. */
async function former(world, { c }) {
  const secret = token("former");
  const move = (galleryId) => admin(world).ok("PUT", "/directory/user/former", { galleryId });
  const rest = world.rest.bearer(secret).as({ "x-sohbet-dialect": "starter" });
  await move("ga");
  assert.notEqual((await rest.get(`/api/messages/${c}`)).body.length, 0);
  await move("gc");
  return secret;
}

async function hearing(attempt) {
  const client = await connected(attempt);
  if (!client) return "refused";
  const { c, write } = attempt.place;
  await client.emitWithAck("join_room", { room: c });
  await write("for us");
  await client.none("(anything)");
  const [heard] = client.all("receive_message");
  client.close();
  return heard?.message ?? "nothing";
}

/** The status, and how long the list is that came. */
function length({ status, body }) {
  return status === 200 ? `${status} with ${body.length}` : String(status);
}
