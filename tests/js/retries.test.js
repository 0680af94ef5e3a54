// What `retries` and `ackTimeout` of the stock client come to (docs/reliability.md): a connection is cut after a message
// is stored and before its ack arrives, and the client sends it again when it is back, before it says `connect`; or the
// ack takes longer than the client waits for it.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Cutting } from "./support/cutting.js";
import { eventually } from "./support/eventually.js";
import { BUSY, combinationsOf, each } from "./support/matrix.js";
import { direct as pairOf, person } from "./support/native.js";

const RETRYING = { retries: 5, ackTimeout: 20_000, reconnectionDelay: 20, reconnectionDelayMax: 50, transports: ["websocket"] };
const N = 6;
/** How long a client waits for an ack that comes too late. */
const LATE_MS = 1_000;
/** After the acks of these the connection is cut before they arrive. */
const CUT = [2, 3, 5];

const ROLE = "teacher";

/**
 * How each dialect with acks sends and hears. `meet` connects who listens and gives what the sender needs to know.
 * The sender is known from its handshake.
 */
const LINES = [
  {
    dialect: "native",
    auth: { userId: "a" },
    async meet(world) {
      const listener = await person(world, "b");
      const c = await pairOf(await person(world, "a"), "b");
      return { listener, c };
    },
    sent: (text, id, { c }) => ["send_message", { conversationId: c, content: text, clientMessageId: id }],
    heard: ["new_message", ({ message }) => message.content],
  },
  ...["clientMessageId", "tempId"].map((key) => ({
    dialect: "messaging",
    by: key,
    auth: { userId: 1 },
    meet: async (world) => ({ listener: await world.user(2) }),
    sent: (text, id) => ["send_message", { conversationId: 42, senderId: 1, receiverId: 2, content: text, type: "text", [key]: id }],
    heard: ["new_message", ({ content }) => content],
  })),
  {
    dialect: "direct",
    auth: { userId: "1" },
    async meet(world) {
      const listener = await world.connect({ auth: { dialect: "direct", userId: "2" } });
      await listener.ask("register", "2");
      return { listener };
    },
    sent: (text, id) => ["chat", { recipientId: "2", messageContent: text, clientMessageId: id }],
    heard: ["chat", ({ messageContent }) => messageContent],
  },
  {
    dialect: "school",
    auth: { userId: "teacher:1" },
    async meet(world) {
      const listener = await world.connect({ auth: { dialect: "school" } });
      await listener.ask("authenticate", { userId: 2, role: ROLE });
      return { listener };
    },
    sent: (text, id) => [
      "new_message",
      { senderId: 1, senderRole: ROLE, recipientId: 2, recipientRole: ROLE, content: text, clientMessageId: id },
    ],
    heard: ["message_received", ({ content }) => content],
  },
  {
    dialect: "starter",
    auth: { userId: "ada" },
    async meet(world) {
      const listener = await world.connect({ auth: { dialect: "starter" } });
      await listener.ask("user_join", "ben");
      return { listener };
    },
    sent: (text, id) => ["send_message", { message: text, client_offset: id }],
    heard: ["receive_message", ({ message }) => message],
  },
  {
    dialect: "starter",
    by: "room",
    auth: { userId: "ada" },
    async meet(world) {
      const listener = await world.connect({ auth: { dialect: "starter" } });
      await listener.ask("user_join", { username: "ben", room: "tech" });
      return { listener };
    },
    /** After each connect. What is repeated comes before it. */
    join: (socket) => new Promise((resolve) => socket.emit("user_join", { username: "ada", room: "tech" }, resolve)),
    sent: (text, id) => ["send_message", { message: text, room: "tech", client_offset: id }],
    heard: ["receive_message", ({ message }) => message],
  },
];

describe("a client that retries", BUSY, () => {
  for (const line of LINES) {
    const name = line.by ? `${line.dialect} (${line.by})` : line.dialect;
    each(combinationsOf(line.dialect).STORES_ONLY, `${name}: every message is stored and heard once, in order`, (world) => check(world, line));
    for (const transport of ["websocket", "polling"]) {
      each(combinationsOf(line.dialect).ONCE, `${name}: an ack that comes late over ${transport} makes no second message`, (world) => {
        return checkLate(world, line, transport);
      });
    }
  }
});

async function check(world, line) {
  const met = await line.meet(world);
  const proxy = await Cutting.before(world.server.url);
  try {
    const sender = await world.connectTo(proxy.url, { ...RETRYING, auth: { dialect: line.dialect, ...line.auth } });
    await line.join?.(sender.socket);
    const [event, textOf] = line.heard;
    const heard = [];
    for (let n = 1; n <= N; n += 1) {
      if (CUT.includes(n)) proxy.deafen();
      const text = `no ${n}`;
      const answered = emit(sender, line.sent(text, `id-of-message-${n}`, met));
      heard.push(textOf(await met.listener.next(event)));
      const isBack = new Promise((resolve) => sender.socket.once("connect", resolve));
      if (CUT.includes(n)) proxy.cut();
      const answer = await answered;
      assert.equal(answer?.ok, true, `${text}: ${JSON.stringify(answer)}`);
      assert.equal(answer.data?.duplicate ?? answer.duplicate ?? false, CUT.includes(n), text);
      if (CUT.includes(n)) await isBack.then(() => line.join?.(sender.socket));
    }
    assert.deepEqual(heard, Array.from({ length: N }, (_, i) => `no ${i + 1}`));
    await met.listener.none(event);
  } finally {
    proxy.close();
  }
}

async function checkLate(world, line, transport) {
  const met = await line.meet(world);
  const proxy = await Cutting.before(world.server.url);
  try {
    const settings = { ...RETRYING, ackTimeout: LATE_MS, transports: [transport] };
    const sender = await world.connectTo(proxy.url, { ...settings, auth: { dialect: line.dialect, ...line.auth } });
    await line.join?.(sender.socket);
    // A polling client that still waits for the answer to a request sends nothing.
    await eventually(async () => assert.ok(sender.socket.io.engine.transport.writable));
    proxy.hold();
    const answered = emit(sender, line.sent("late", "id-of-a-late-message", met));
    const [event, textOf] = line.heard;
    assert.equal(textOf(await met.listener.next(event)), "late");
    await sleep(2 * LATE_MS);
    proxy.release();
    const answer = await answered;
    assert.equal(answer?.ok, true, JSON.stringify(answer));
    assert.equal(answer.data?.duplicate ?? answer.duplicate, true, "the ack of the first try was kept back");
    await met.listener.none(event);
  } finally {
    proxy.close();
  }
}

/** The answer that ends the tries of an event, or why there is none. */
function emit(sender, [word, payload]) {
  return new Promise((resolve) => {
    sender.socket.emit(word, payload, (error, answer) => resolve(error ?? answer));
  });
}
