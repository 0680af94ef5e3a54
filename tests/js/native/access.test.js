// Every operation, on its event and on its REST twin, by everybody who could try it (access.json). How each is tried
// stands in the table of operations.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { matrixOf } from "../support/access.js";
import { authOf, makeUserToken, user } from "../support/api_tokens.js";
import { galleryRoom } from "../support/gallery.js";
import { BUSY, each } from "../support/matrix.js";
import { REFUSED, STORES_ONLY, V1, newRoom, send, settle, tokenPerson } from "../support/native.js";
import { OPERATIONS, nameOf, requestOf } from "../support/native_operations.js";
import { TOKEN_MODE, token } from "../support/token.js";

const OK = "ok";
/** Done, but the answer does not show the conversation. */
const BLIND = "blind";
/** Anything but a fault: who takes part nowhere gets there whatever that comes to. */
const ANY = "any";
/** What the matrix calls a token that is not there, or not for the one who asks. */
const FOREIGN = "not one's own";
const FOREIGN_CODES = ["NOT_FOUND", "FORBIDDEN"];

/** Who they are, and their claims. A participant is the OWNER: what a role may not do is not the question here. */
const ACTORS = {
  participant: ["owner"],
  former: ["former"],
  stranger: ["stranger"],
  otherGallery: ["dealer", { gallery_id: "gc" }],
  admin: ["root", { role: "ADMIN" }],
};
const OUTSIDE = ["former", "stranger", "otherGallery"];
const REVOKED = { event: "refused", call: "UNAUTHENTICATED" };

const { columns, rows } = matrixOf("native");
/** What must come of an operation on its event or its REST twin. */
const expected = (operation, kind) => rows[rowOf(operation, kind)];

function rowOf(operation, kind) {
  return kind === "event" ? operation.event : operation.call.replace(" ", " /api/v1");
}

describe("access", BUSY, () => {
  it("every row is tried, by every kind of caller", () => {
    const kinds = OPERATIONS.flatMap((operation) => {
      return ["event", "call"].filter((kind) => operation[kind]).map((kind) => rowOf(operation, kind));
    });
    assert.deepEqual(Object.keys(rows).sort(), kinds.sort());
    assert.deepEqual([...columns].sort(), [...Object.keys(ACTORS), "revoked"].sort());
  });

  for (const operation of OPERATIONS) {
    each(STORES_ONLY, `${nameOf(operation)} is done by whom it concerns`, async (world) => {
      const stage = await Stage.set(world);
      for (const actor of Object.keys(ACTORS)) {
        const isOutside = OUTSIDE.includes(actor);
        if (isOutside) await settle(stage.member, stage.galleryA);
        for (const [kind, attempt] of Object.entries({ event: stage.byEvent, call: stage.byRest })) {
          if (!operation[kind]) continue;
          const place = { ...(await stage.placeFor(actor)), ownToken: token(...ACTORS[actor]) };
          const outcome = await attempt.call(stage, operation, actor, place);
          assertOutcome(outcome, expected(operation, kind)[actor], `${actor}: ${kind}`);
        }
        if (isOutside) await stage.assertNothingHeard();
      }
      await stage.assertRevoked(operation);
    }, TOKEN_MODE);
  }
});

/** Everybody, and what they try it on. */
class Stage {
  static async set(world) {
    const stage = new Stage();
    stage.world = world;
    stage.clients = {};
    for (const [actor, [id, claims]] of Object.entries(ACTORS)) stage.clients[actor] = await tokenPerson(world, id, claims);
    stage.member = await tokenPerson(world, "member");
    stage.galleryA = await tokenPerson(world, "ua", { gallery_id: "ga" });
    stage.shared = await stage.newPlace();
    stage.galleryRoom = await stage.newGalleryPlace();
    return stage;
  }

  /** What is refused changes nothing, so those outside share one conversation; the others get a new one each time. */
  placeFor(actor) {
    if (actor === "otherGallery") return this.galleryRoom;
    return OUTSIDE.includes(actor) ? this.shared : this.newPlace();
  }

  async newPlace() {
    const owner = this.clients.participant;
    const c = await newRoom(owner, { member: "MEMBER", former: "MEMBER" });
    const removed = await owner.ask("remove_participant", { conversationId: c, userId: "former" });
    assert.equal(removed.ok, true);
    const { id } = await send(owner, c); // so that there is something to catch up with
    return { c, m: id, member: "member", ...(await this.more()) };
  }

  async newGalleryPlace() {
    const { ua, room } = await galleryRoom(this.world);
    const { id } = await send(this.galleryA, room);
    await settle(this.galleryA);
    return { c: room, m: id, member: ua.id, ...(await this.more()) };
  }

  async more() {
    const { id } = await makeUserToken(user(this.world, "owner"));
    this.nPlaces = (this.nPlaces ?? 0) + 1;
    return { tokenId: id, newcomer: `newcomer-${this.nPlaces}`, epoch: this.member.session.epoch };
  }

  /** What came of the event. */
  async byEvent({ event, payload, shows }, actor, place) {
    const ack = await this.clients[actor].emitWithAck(event, payload(place));
    return { code: ack.ok ? OK : ack.error.code, isShown: ack.ok ? shows?.(ack.data, place) : undefined };
  }

  /** What came of the REST twin. */
  async byRest(operation, actor, place) {
    const [id, claims] = ACTORS[actor];
    const { status, body } = await user(this.world, id, claims).call(...requestOf(operation, place));
    const isDone = status >= 200 && status < 300;
    return { code: isDone ? OK : body?.error?.code, isShown: isDone ? operation.shows?.(body, place) : undefined };
  }

  /** Who is inside heard nothing of an attempt from outside. */
  async assertNothingHeard() {
    await this.member.none();
    await this.galleryA.none();
  }

  /** A revoked token opens nothing, although its user takes part. */
  async assertRevoked(operation) {
    const { token: secret, id } = await makeUserToken(user(this.world, "owner"));
    const live = await this.world.connect(authOf(secret));
    await live.next("session");
    await user(this.world, "owner").ok("DELETE", `/tokens/${id}`);
    assert.equal(await live.next("(disconnect)"), "io server disconnect");
    if (operation.event) {
      assert.equal(expected(operation, "event").revoked, REVOKED.event);
      assert.equal((await this.world.refused(authOf(secret))).message, REFUSED);
    }
    if (operation.call) {
      assert.equal(expected(operation, "call").revoked, REVOKED.call);
      await V1.bearer(this.world, secret).fails(...requestOf(operation, this.shared), REVOKED.call);
    }
  }
}

function assertOutcome({ code, isShown }, wanted, what) {
  const text = `${what} got ${code}${isShown === undefined ? "" : `, shown: ${isShown}`}; expected ${wanted}`;
  if (wanted === ANY) assert.ok(code !== undefined && code !== "INTERNAL", text);
  else if (wanted === BLIND) assert.ok(code === OK && isShown === false, text);
  else if (wanted === OK) assert.ok(code === OK && isShown !== false, text);
  else if (wanted === FOREIGN) assert.ok(FOREIGN_CODES.includes(code), text);
  else assert.equal(code, wanted, text);
}
