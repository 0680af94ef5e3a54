// State that was loaded before, with every event and every `sync` applied, is the state that is loaded after: whatever
// happened in between, and wherever the connection broke.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { eventually } from "../support/eventually.js";
import { BUSY, each } from "../support/matrix.js";
import { Mirror, fetched } from "../support/mirror.js";
import { ANSWER_MS, STORES_ONLY, V1, ask, direct, person, sendMany } from "../support/native.js";
import { randomOf } from "../support/random.js";

const USERS = ["a", "b", "c", "d"];
/** What may be refused. A room that is closed takes no messages. */
const REFUSALS = ["FORBIDDEN", "NOT_FOUND", "CONFLICT"];
const N_STEPS = 120;
/** More than one answer tells of one conversation. */
const TOO_MANY = 301;
/** A seed of one's own repeats a run: SOHBET_SEED=… */
const SEEDS = process.env.SOHBET_SEED ? [Number(process.env.SOHBET_SEED)] : [1, 2, 3];

describe("state", BUSY, () => {
  for (const seed of SEEDS) {
    each(STORES_ONLY, `events and catch-ups lead to what is loaded anew (seed ${seed})`, async (world) => {
      const random = randomOf(seed);
      const actors = await Promise.all(USERS.map((id) => person(world, id)));
      const known = await direct(actors[0], "b");
      const watchers = [];
      const openRooms = [];
      for (const id of USERS) watchers.push(await watch(world, id));
      for (let step = 0; step < N_STEPS; step += 1) {
        // Some things happen at the same time.
        await Promise.all(random.several(3, actors).map((actor) => act(random, actor, world, openRooms)));
        if (step === N_STEPS / 2) await burst(actors[0], known, watchers);
        if (random.chance(0.15)) await random.pick(watchers).comeAndGo(random);
      }
      for (const watcher of watchers) await watcher.assertConverges();
    });
  }
});

async function watch(world, id) {
  const watcher = new Watcher(world, id);
  const client = await person(world, id);
  watcher.mirror = await Mirror.load(client);
  return watcher;
}

/** Somebody who only looks, and whose connection breaks now and then. */
class Watcher {
  isThere = true;

  constructor(world, id) {
    Object.assign(this, { world, id });
  }

  /** Leaves in the middle of whatever happens, or comes back and catches up. */
  async comeAndGo(random) {
    if (this.isThere && random.chance(0.6)) {
      this.leave();
    } else if (!this.isThere) {
      await this.comeBack(random.pick(["handshake", "event", "rest"]));
    } else {
      await this.mirror.follow();
    }
  }

  leave() {
    if (!this.isThere) return;
    this.mirror.applyArrived();
    this.mirror.client.close();
    this.isThere = false;
  }

  async comeBack(way = "handshake") {
    const { since } = this.mirror;
    const client = await person(this.world, this.id, way === "handshake" ? { since } : {});
    this.mirror.resume(client);
    if (way === "event") this.mirror.sync(await ask(client, "sync", since, ANSWER_MS));
    if (way === "rest") this.mirror.sync(await this.catchUpByRest(since));
    this.isThere = true;
  }

  catchUpByRest({ epoch, conversations, serverTime }) {
    const query = new URLSearchParams({ epoch, since: JSON.stringify(conversations), serverTime });
    return V1.as(this.world, this.id).ok("GET", `/sync?${query}`);
  }

  async assertConverges() {
    if (!this.isThere) await this.comeBack();
    await eventually(async () => {
      await this.mirror.follow();
      assert.deepEqual(this.mirror.shown(), await fetched(this.mirror.client), `as ${this.id} sees it`);
    });
    assert.deepEqual(this.mirror.faults, [], `as ${this.id} heard it`);
  }
}

/** So many messages while everybody who looks is away that they cannot be told one by one. */
async function burst(actor, conversationId, watchers) {
  for (const watcher of watchers) watcher.leave();
  await sendMany(actor, conversationId, TOO_MANY);
  for (const way of ["handshake", "event", "rest"]) await watchers.find(({ isThere }) => !isThere).comeBack(way);
}

/** One change of any kind, by somebody who may or may not be allowed to make it. */
async function act(random, actor, world, openRooms) {
  const { conversations } = (await actor.ask("list_conversations", { limit: 100 })).data;
  const place = conversations.length ? random.pick(conversations) : undefined;
  if (!place || conversations.length < 2 || random.chance(0.04)) return begin(random, actor, openRooms);
  const conversationId = place.id;
  const { messages } = (await actor.emitWithAck("history", { conversationId, limit: 20 })).data ?? { messages: [] };
  const message = messages.length ? random.pick(messages) : undefined;
  const userId = random.pick(USERS);
  const emoji = random.pick(["👍", "❤️"]);
  const about = { conversationId, userId };
  const text = `text ${random.below(1_000)}`;
  const kinds = [
    ["send_message", { conversationId, content: text }],
    ["send_message", { conversationId, content: text, clientMessageId: `k${random.below(40)}` }],
    ["send_message", { conversationId, content: text, metadata: { n: random.below(10), deep: [text] } }],
    ["send_message", { conversationId, kind: "file", fileUrl: "https://files.example/a.pdf", fileName: `${text}.pdf` }],
    ["mark_read", { conversationId }],
    ["mark_read", { conversationId, upTo: message?.seq ?? 0 }],
    ["update_room", { conversationId, name: text, description: random.pick([null, text]) }],
    ["update_room", { conversationId, isActive: random.chance(0.7) }],
    ["add_participant", about],
    ...(openRooms.length ? [["join_room", { conversationId: random.pick(openRooms) }]] : []),
    ["remove_participant", about],
    ["remove_participant", { conversationId, userId: actor.session.user.id }],
    ["set_role", { ...about, role: random.pick(["ADMIN", "MODERATOR", "MEMBER", "OWNER"]) }],
    ...(message ? [
      ["send_message", { conversationId, content: text, replyTo: message.id }],
      ["edit_message", { messageId: message.id, content: text }],
      ["delete_message", { messageId: message.id }],
      ["add_reaction", { messageId: message.id, emoji }],
      ["remove_reaction", { messageId: message.id, emoji }],
    ] : []),
  ];
  const calls = [
    ["POST", `/conversations/${conversationId}/messages`, { content: text, clientMessageId: `k${random.below(40)}` }],
    ["POST", `/conversations/${conversationId}/read`, {}],
    ["PATCH", `/conversations/${conversationId}`, { name: text }],
    ...(message ? [["PATCH", `/messages/${message.id}`, { content: text }], ["DELETE", `/messages/${message.id}`]] : []),
  ];
  if (random.chance(0.25)) {
    const call = random.pick(calls);
    const { status, body } = await V1.as(world, actor.session.user.id).call(...call);
    return assert.ok(status < 300 || REFUSALS.includes(body.error.code), `${call}: ${JSON.stringify(body)}`);
  }
  const [event, payload] = random.pick(kinds);
  const answer = await actor.emitWithAck(event, payload);
  assert.ok(answer.ok || REFUSALS.includes(answer.error.code), `${event}: ${JSON.stringify(answer)}`);
}

async function begin(random, actor, openRooms) {
  const userId = random.pick(USERS);
  if (random.chance(0.4)) return actor.ask("create_conversation", { userId });
  const isOpen = random.chance(0.3);
  const { data } = await actor.ask("create_room", { name: "Room", userIds: random.several(3, USERS), isOpen });
  if (isOpen) openRooms.push(data.conversation.id);
}
