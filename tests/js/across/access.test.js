// Who may do what of all that belongs to no dialect (access.json): health, files, the directory.

import { describe } from "node:test";
import { checkAccess } from "../support/access.js";
import { revokedToken, user } from "../support/api_tokens.js";
import { pathOf, uploaded } from "../support/files.js";
import { BUSY, STORES_ONLY } from "../support/matrix.js";
import { newRoom, tokenPerson } from "../support/native.js";
import { token } from "../support/token.js";

/** Who they are: the token that they come with. */
const CALLERS = {
  nobody: async () => undefined,
  participant: async () => token("member"),
  former: async () => token("former"),
  stranger: async () => token("stranger"),
  otherGallery: async () => token("dealer", { gallery_id: "gc" }),
  admin: async () => token("root", { role: "ADMIN" }),
  revoked: (world) => revokedToken(world, "member"),
};

/** How each is tried about a file that is in a room of people, and its `url`. */
const ATTEMPTS = {
  "GET /": calling((rest) => rest.get("/")),
  "GET /health": calling((rest) => rest.get("/health")),
  "GET /healthz": calling((rest) => rest.get("/healthz")),
  "GET /readyz": calling((rest) => rest.get("/readyz")),
  "GET /uploads/{name} (with a link that the server signed)": calling((rest, { url }) => {
    const { pathname, search } = new URL(url);
    return rest.get(pathname + search);
  }),
  "GET /uploads/{name} (with a bare link)": calling((rest, { url }) => rest.get(pathOf(url))),
  "PUT /api/v1/directory/{kind}/{id}": calling((rest) => rest.put("/api/v1/directory/gallery/ga", { name: "A gallery" })),
};

describe("access", BUSY, () => {
  checkAccess({
    dialect: "across", combinations: { ...STORES_ONLY, settings: ["auto"] }, callers: CALLERS, attempts: ATTEMPTS, stage: aFile,
    env: { UPLOADS_ACCESS: "signed" },
  });
});

/** A file that was said in a room after somebody saw it who was then removed. */
async function aFile(world) {
  const owner = await tokenPerson(world, "owner");
  const conversationId = await newRoom(owner, { member: "MEMBER", former: "MEMBER" });
  const { url } = await uploaded(world.rest.bearer(token("owner")));
  await owner.ask("send_message", { conversationId, fileUrl: pathOf(url) });
  await user(world, "owner").ok("DELETE", `/conversations/${conversationId}/participants/former`);
  return { url };
}

/** As whoever calls, in no dialect. */
function calling(call) {
  return async ({ world, secret, place }) => {
    return String((await call(secret ? world.rest.bearer(secret) : world.rest, place)).status);
  };
}
