// What a client of dialect native knows: loaded once, then kept up to date by events and by `sync` alone. It is the
// reference of what a front end has to do, and tests compare it with what the server says when asked anew.

import { ANSWER_MS, ask } from "./native.js";

export class Mirror {
  /** By id: the conversation as the client shows it. */
  conversations = new Map();
  /** By conversation, by id: the messages. */
  messages = new Map();
  /** Conversations that have to be loaded, which takes a request. */
  wanted = new Set();
  /** By conversation: the last `rev` that was heard live or loaded, to see that none is left out. */
  revs = new Map();
  /** What an honest server never does. */
  faults = [];

  constructor(client) {
    this.resume(client);
  }

  /** Loads everything that this client's user takes part in. */
  static async load(client) {
    const mirror = new Mirror(client);
    mirror.epoch = client.session.epoch;
    mirror.time = client.session.serverTime;
    for (const conversation of await listAll(client)) mirror.wanted.add(conversation.id);
    await mirror.loadWanted();
    return mirror;
  }

  /** Follows the events of a client from the first one it has heard. */
  resume(client) {
    this.client = client;
    this.nApplied = 0;
  }

  /** What the handshake of the next client says. */
  get since() {
    const conversations = Object.fromEntries([...this.conversations.keys()].map((id) => [id, this.rev(id)]));
    return { epoch: this.epoch, conversations, serverTime: this.time };
  }

  rev(id) {
    return this.revs.get(id) ?? 0;
  }

  /** Applies what has come, and loads what could not be told. */
  async follow() {
    do {
      this.applyArrived();
      await this.loadWanted();
    } while (this.nApplied < this.client.log.length);
  }

  applyArrived() {
    while (this.nApplied < this.client.log.length) {
      const { name, args } = this.client.log[this.nApplied];
      this.nApplied += 1;
      this[name]?.(args[0]);
    }
  }

  async loadWanted() {
    for (const id of [...this.wanted]) {
      this.wanted.delete(id);
      const answer = await this.client.emitWithin(ANSWER_MS, "join_room", { conversationId: id });
      if (!answer.ok) {
        this.drop(id);
        continue;
      }
      const { conversation, messages } = answer.data;
      const known = new Map();
      for (const message of [...(await allBefore(this.client, id, messages)), ...messages]) known.set(message.id, message);
      this.conversations.set(id, conversation);
      this.messages.set(id, known);
      this.revs.set(id, Math.max(0, ...[...known.values()].map(({ rev }) => rev)));
    }
  }

  drop(id) {
    for (const map of [this.conversations, this.messages, this.revs]) map.delete(id);
    this.wanted.delete(id);
  }

  /** A message as it is now; the newer one wins. */
  upsert(message) {
    const known = this.messages.get(message.conversationId);
    if (!known) return this.wanted.add(message.conversationId);
    if ((known.get(message.id)?.rev ?? 0) < message.rev) known.set(message.id, message);
    this.revs.set(message.conversationId, Math.max(this.rev(message.conversationId), message.rev));
  }

  live(message) {
    const rev = this.rev(message.conversationId);
    const isFollowed = this.messages.has(message.conversationId) && !this.wanted.has(message.conversationId);
    if (isFollowed && message.rev > rev + 1) {
      this.faults.push(`rev ${message.rev} of ${message.conversationId} came after ${rev}`);
    }
    this.upsert(message);
  }

  // One method for each event, named like it.

  new_message({ message }) {
    this.live(message);
  }

  message_updated({ message }) {
    this.live(message);
  }

  message_read({ conversationId, userId, lastReadSeq }) {
    const conversation = this.conversations.get(conversationId);
    const participant = conversation?.participants.find((other) => other.userId === userId);
    if (participant) participant.lastReadSeq = Math.max(participant.lastReadSeq, lastReadSeq);
    if (conversation && userId === this.client.session.user.id) {
      conversation.lastReadSeq = Math.max(conversation.lastReadSeq, lastReadSeq);
    }
  }

  unread({ conversationId, unread }) {
    const conversation = this.conversations.get(conversationId);
    if (conversation) conversation.unread = unread;
  }

  conversation_updated({ conversation }) {
    const isNew = !this.conversations.has(conversation.id);
    this.conversations.set(conversation.id, conversation);
    if (isNew) this.wanted.add(conversation.id);
  }

  conversation_removed({ conversationId }) {
    this.drop(conversationId);
  }

  sync({ epoch, serverTime, changed, reset, gone, conversations }) {
    this.epoch = epoch;
    this.time = serverTime;
    for (const id of gone) this.drop(id);
    for (const message of Object.values(changed).flat()) this.upsert(message);
    for (const conversation of conversations) {
      if (!this.conversations.has(conversation.id)) this.wanted.add(conversation.id);
      this.conversations.set(conversation.id, conversation);
    }
    for (const id of reset) this.wanted.add(id);
    for (const conversation of conversations) this.assertWhole(conversation);
  }

  /** What is shown of a conversation is as far as what was told of its messages. */
  assertWhole({ id, lastMessage, lastSeq, lastRev }) {
    if (this.wanted.has(id)) return;
    const newest = [...this.messages.get(id).values()].reduce((a, b) => (a && a.seq > b.seq ? a : b), undefined);
    const told = [newest?.id, newest?.rev, newest?.seq ?? 0, this.rev(id)].join();
    const shown = [lastMessage?.id, lastMessage?.rev, lastSeq, lastRev].join();
    if (told !== shown) this.faults.push(`after a sync ${id} is shown as ${shown}, and its messages are ${told}`);
  }

  /** What it shows. */
  shown() {
    const all = [...this.conversations.values()];
    return all.map((conversation) => shape(conversation, [...this.messages.get(conversation.id).values()])).sort(byId);
  }
}

/** The same, asked anew. */
export async function fetched(client) {
  const all = [];
  for (const conversation of await listAll(client)) {
    const messages = await allBefore(client, conversation.id, []);
    all.push(shape(conversation, messages));
  }
  return all.sort(byId);
}

/** Without what is volatile, and without what follows from the messages. */
function shape(conversation, messages) {
  const { participants, lastMessage, lastSeq, lastRev, updatedAt, ...rest } = conversation;
  return {
    ...rest,
    participants: participants.map(({ online, ...participant }) => participant),
    messages: messages.sort((a, b) => a.seq - b.seq),
  };
}

const byId = (a, b) => (a.id < b.id ? -1 : 1);

async function listAll(client) {
  const all = [];
  let cursor;
  do {
    const page = await ask(client, "list_conversations", { limit: 100, ...(cursor && { cursor }) }, ANSWER_MS);
    all.push(...page.conversations);
    cursor = page.nextCursor;
  } while (cursor);
  return all;
}

/** The messages before those, oldest first. */
async function allBefore(client, conversationId, messages) {
  const all = [];
  let before = messages[0]?.seq;
  while (before !== 1) {
    const page = await ask(client, "history", { conversationId, limit: 100, ...(before && { before }) }, ANSWER_MS);
    all.unshift(...page.messages);
    if (!page.hasBefore) break;
    before = page.messages[0].seq;
  }
  return all;
}
