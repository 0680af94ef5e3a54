// A room in which every dialect that can be in one speaks at once (contract: README, section 9). Gallery and school
// have no groups; messaging hears a group but has no words to write to one.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { AUTO, BUSY, each } from "../support/matrix.js";
import { person, range } from "../support/native.js";
import { Plain, newRoomOf, newUser } from "../support/plain.js";

const EACH = 20;
const SENDERS = ["plain", "chatsphere", "direct", "starter", "native"];
const N = EACH * SENDERS.length;
const PATIENCE_MS = 30_000;

describe("a crowd", BUSY, () => {
  each(AUTO, "X-10 every socket hears every message once and in order", async (world) => {
    const crowd = await gather(world);
    await Promise.all(SENDERS.map((name) => crowd[name].say(name)));
    const heard = {};
    for (const [name, { hear }] of Object.entries(crowd)) heard[name] = await hear();
    const contents = heard.native.map(({ content }) => content);
    assert.equal(new Set(contents).size, N);
    for (const name of SENDERS) {
      const own = contents.filter((content) => content.startsWith(`${name} `));
      assert.deepEqual(own, range(1, EACH).map((i) => `${name} ${i}`), "each sender's order");
    }
    for (const [name, messages] of Object.entries(heard)) {
      assert.deepEqual(messages.map(({ seq }) => seq), range(1, N), name);
      assert.deepEqual(messages.map(({ content }) => content), contents, name);
    }
    for (const { quiet } of Object.values(crowd)) await quiet();
    crowd.plain.close();
  });
});

/** One socket of every dialect in one room: how it says its messages, and what it hears as `{seq, content}`. */
async function gather(world) {
  const users = {};
  for (const name of [...SENDERS, "messaging"]) users[name] = await newUser(world, name);
  const room = await newRoomOf(world, ...Object.values(users));
  const connect = (dialect) => world.connect({ auth: { dialect, userId: users[dialect].id } });

  const plain = await Plain.open(world, `/ws?userId=${users.plain.id}`);
  plain.send({ type: "join", userId: users.plain.id, roomId: room });
  await plain.next("previous_messages");
  const chatsphere = await connect("chatsphere");
  await chatsphere.ask("join", { userId: users.chatsphere.id, roomId: room });
  const direct = await connect("direct");
  await direct.ask("joinGroup", room);
  const starter = await connect("starter");
  await starter.ask("user_join", "tekin");
  await starter.ask("join_room", { room });
  const messaging = await connect("messaging");
  await messaging.ask("join_conversation", room);
  const modern = await person(world, users.native.id);

  const inMessage = ({ message }) => message;
  return {
    plain: {
      say: async (name) => {
        for (const content of lines(name)) plain.send({ type: "message", userId: users.plain.id, roomId: room, content });
      },
      hear: async () => (await plain.several("new_message", N, PATIENCE_MS)).map(inMessage),
      quiet: () => plain.none("new_message"),
      close: () => plain.close(),
    },
    chatsphere: member(chatsphere, "message", (content) => ({ roomId: room, content }), "new_message", inMessage),
    direct: member(direct, "groupChat", (messageContent) => ({ groupId: room, messageContent }), "groupChat", as("messageContent")),
    starter: member(starter, "send_message", (message) => ({ message, room }), "receive_message", as("message")),
    native: member(modern, "send_message", (content) => ({ conversationId: room, content }), "new_message", inMessage),
    messaging: member(messaging, undefined, undefined, "new_message", (message) => message),
  };
}

/** Reads an event whose text has that name. */
function as(key) {
  return (event) => ({ seq: event.seq, content: event[key] });
}

function lines(name) {
  return range(1, EACH).map((i) => `${name} ${i}`);
}

function member(client, word, payload, event, read) {
  return {
    say: async (name) => {
      const acks = await Promise.all(lines(name).map((content) => client.emitWithin(PATIENCE_MS, word, payload(content))));
      for (const ack of acks) assert.equal(ack.ok, true, JSON.stringify(ack));
    },
    hear: async () => (await client.several(event, N, PATIENCE_MS)).map(read),
    quiet: () => client.none(event),
  };
}
