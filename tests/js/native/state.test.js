// State that was loaded before, with every event and every `sync` applied, is the state that is loaded after: whatever
// happened in between, and wherever the connection broke.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { eventually } from "../support/eventually.js";
import { BUSY, each } from "../support/matrix.js";
import { Mirror, fetched } from "../support/mirror.js";
import { STORES_ONLY, person } from "../support/native.js";
import { randomOf } from "../support/random.js";

const USERS = ["a", "b", "c", "d"];
const N_STEPS = 120;
/** A seed of one's own repeats a run: SOHBET_SEED=… */
const SEEDS = process.env.SOHBET_SEED ? [Number(process.env.SOHBET_SEED)] : [1, 2, 3];

describe("state", BUSY, () => {
  for (const seed of SEEDS) {
    each(STORES_ONLY, `events and catch-ups lead to what is loaded anew (seed ${seed})`, async (world) => {
      const random = randomOf(seed);
      const actors = await Promise.all(USERS.map((id) => person(world, id)));
      const watchers = [];
      for (const id of USERS) watchers.push(await watch(world, id));
      for (let step = 0; step < N_STEPS; step += 1) {
        // Some things happen at the same time.
        await Promise.all(random.several(3, actors).map((actor) => act(random, actor)));
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
      this.mirror.applyArrived();
      this.mirror.client.close();
      this.isThere = false;
    } else if (!this.isThere) {
      await this.comeBack();
    } else {
      await this.mirror.follow();
    }
  }

  async comeBack() {
    this.mirror.resume(await person(this.world, this.id, { since: this.mirror.since }));
    this.isThere = true;
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

/** One change of any kind, by somebody who may or may not be allowed to make it. */
async function act(random, actor) {
  const { conversations } = (await actor.ask("list_conversations", { limit: 100 })).data;
  const place = conversations.length ? random.pick(conversations) : undefined;
  if (!place || conversations.length < 2 || random.chance(0.04)) return begin(random, actor);
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
    ["mark_read", { conversationId }],
    ["mark_read", { conversationId, upTo: message?.seq ?? 0 }],
    ["update_room", { conversationId, name: text, description: random.pick([null, text]) }],
    ["add_participant", about],
    ["remove_participant", about],
    ["remove_participant", { conversationId, userId: actor.session.user.id }],
    ["set_role", { ...about, role: random.pick(["ADMIN", "MODERATOR", "MEMBER", "OWNER"]) }],
    ...(message ? [
      ["edit_message", { messageId: message.id, content: text }],
      ["delete_message", { messageId: message.id }],
      ["add_reaction", { messageId: message.id, emoji }],
      ["remove_reaction", { messageId: message.id, emoji }],
    ] : []),
  ];
  const [event, payload] = random.pick(kinds);
  const answer = await actor.emitWithAck(event, payload);
  const isFine = answer.ok || ["FORBIDDEN", "NOT_FOUND"].includes(answer.error.code);
  assert.ok(isFine, `${event}: ${JSON.stringify(answer)}`);
}

async function begin(random, actor) {
  const userId = random.pick(USERS);
  if (random.chance(0.4)) return actor.ask("create_conversation", { userId });
  return actor.ask("create_room", { name: "Room", userIds: random.several(3, USERS), isOpen: random.chance(0.3) });
}
