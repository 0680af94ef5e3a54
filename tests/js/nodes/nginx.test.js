// Two servers behind a real nginx with deploy/nginx.conf (docs/several-nodes.md).

import assert from "node:assert/strict";
import { Agent } from "node:http";
import { describe } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { eventually } from "../support/eventually.js";
import { BUSY, combinationsOf, each } from "../support/matrix.js";
import { Mirror } from "../support/mirror.js";
import { ask, newRoom, range, settle, tokenPerson } from "../support/native.js";
import { Nginx } from "../support/nginx.js";
import { Rest } from "../support/rest.js";
import { TOKEN_MODE, token } from "../support/token.js";

const BEHIND = { ...combinationsOf("native").FIXED, transports: ["default"], stores: ["nodes", "redis"] };
const WAYS = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] };
const SETTINGS = { ...TOKEN_MODE, TRUSTED_PROXIES: "127.0.0.1" };
/** Failed logins that an address may have at once, and a few more. */
const N_FAILED = 230;
const ACK_MS = 2_000;
const N_EACH = 40;
const PEOPLE = ["a", "b", "c", "d", "e", "f"];

describe("nginx", BUSY, () => {
  for (const [way, transports] of Object.entries(WAYS)) {
    behind(`clients come through and hear each other: ${way}`, async (nginx, world) => {
      const people = [];
      for (const id of PEOPLE) people.push(await Person.come(world, nginx, id, transports));
      if (way === "upgrade") for (const { client } of people) await client.upgraded();
      const room = await roomOf(people);
      for (const { client } of people) {
        const { message } = await ask(client, "send_message", { conversationId: room, content: "hi" });
        for (const other of people) assert.equal((await other.client.next("new_message")).message.id, message.id);
      }
      for (const { client } of people) client.close();
      // nginx writes down a WebSocket when it ends.
      await eventually(async () => {
        const servers = await serversOf(nginx);
        assert.equal(servers.size, people.length);
        // Whoever polls, or began so, has one server for all requests.
        for (const [address, its] of servers) assert.equal(its.size, 1, `${address}: ${[...its]}`);
        if (way === "websocket") assert.equal(new Set([...servers.values()].flatMap((its) => [...its])).size, 2);
      });
    });
  }

  behind("answers pass as they are, and who asks is known", async (nginx) => {
    const rest = new Rest(nginx.url);
    const guess = (address) => rest.as({ "x-forwarded-for": address }).bearer("wrong").get("/api/v1/conversations?x=secret");
    let answer;
    for (let n = 0; n < 2 * N_FAILED && answer?.status !== 429; n += 1) answer = await guess("203.0.113.7");
    assert.equal(answer.status, 429, "too many failed logins of that address");
    assert.equal((await guess("203.0.113.8")).status, 401, "those of another one do not count");
    const log = await nginx.requests();
    assert.ok(log.includes("/api/v1/conversations") && !log.includes("secret"), "no queries in the log");
  });

  for (const [end, how] of Object.entries({ kill: "killed", stop: "asked to stop" })) {
    behind(`either server may be ${how}: nothing acknowledged is lost, and everybody hears all once and in order`, async (nginx, world) => {
      const people = [];
      for (const [i, id] of PEOPLE.entries()) people.push(await Person.come(world, nginx, id, Object.values(WAYS)[i % 3]));
      const room = await roomOf(people);
      for (const person of people) person.mirror = await Mirror.load(person.client);
      for (const victim of world.servers) {
        const talk = people.map((person) => person.talk(room));
        while (people.some(({ nTalked }) => nTalked < N_EACH / 4)) await wait(5);
        await victim[end]();
        await Promise.all(talk);
        await victim.start();
      }
      // Not through nginx: who polls there may lose a request when it is led back to the server that returned.
      const { messages } = await Mirror.load(await tokenPerson(world, "a"));
      const stored = [...messages.get(room).values()];
      assert.equal(stored.length, 2 * people.length * N_EACH);
      assert.equal(new Set(stored.map(({ content }) => content)).size, stored.length, "each is stored once");
      for (const person of people) await eventually(() => person.assertKnows(room, stored));
      assert.ok(people.some(({ client }) => client.all("(reconnect)").length > 0), "somebody was on a server that went");
    });
  }
});

/** A front end: a client that comes back by itself, and what it shows. */
class Person {
  mirror = undefined;
  acked = [];
  nTalked = 0;

  /** Each has an address of its own, by which nginx tells them apart. */
  static async come(world, nginx, id, transports) {
    const person = new Person();
    person.id = id;
    const localAddress = `127.0.0.${10 + PEOPLE.indexOf(id)}`;
    person.client = await world.connectTo(nginx.url, {
      transports,
      agent: new Agent({ localAddress, keepAlive: true }),
      auth: (give) => give(person.handshake()),
      reconnectionDelay: 100,
      reconnectionDelayMax: 500,
    });
    person.client.session = await person.client.next("session");
    return person;
  }

  handshake() {
    this.mirror?.applyArrived();
    return { dialect: "native", token: token(this.id), since: this.mirror?.since };
  }

  /** Says `N_EACH` things, each again with the same id until it is acknowledged. */
  async talk(room) {
    this.nTalked = 0;
    for (const n of range(1, N_EACH)) {
      const clientMessageId = `${this.id}-${this.acked.length}`;
      const message = { conversationId: room, content: `${clientMessageId} no ${n}`, clientMessageId };
      while (!this.client.isClosed) {
        const ack = await this.client.emitWithin(ACK_MS, "send_message", message).catch(() => undefined);
        if (ack?.ok) {
          this.acked.push(ack.data.message.id);
          break;
        }
      }
      this.nTalked = n;
    }
  }

  async assertKnows(room, stored) {
    await this.mirror.follow();
    const known = this.mirror.messages.get(room);
    for (const id of this.acked) assert.ok(stored.some((message) => message.id === id), `${this.id} lost ${id}`);
    assert.deepEqual([...known.keys()].sort(), stored.map(({ id }) => id).sort());
    assert.deepEqual(this.mirror.faults, []);
    const live = this.client.all("new_message").map(({ message }) => message.rev);
    assert.ok(live.every((rev, i) => i === 0 || rev > live[i - 1]), `${this.id} heard ${live}`);
  }
}

/** One test with two servers on one store and nginx in front. They keep their ports. */
function behind(name, test) {
  each(BEHIND, name, async (world) => {
    const nginx = await Nginx.start(world.servers);
    try {
      await test(nginx, world);
      assert.doesNotMatch(await nginx.complaints(), /\[(emerg|alert|crit)\]/);
    } finally {
      await nginx.stop();
    }
  }, SETTINGS);
}

async function roomOf(people) {
  const [{ client }, ...others] = people;
  const room = await newRoom(client, Object.fromEntries(others.map(({ id }) => [id, "MEMBER"])));
  await settle(...people.map((person) => person.client));
  return room;
}

/** By address: the servers that nginx has asked for anything of its sockets. */
async function serversOf(nginx) {
  const servers = new Map();
  for (const line of (await nginx.requests()).split("\n").filter((line) => line.includes("/socket.io/"))) {
    const words = line.split(" ");
    const its = servers.get(words[0]) ?? new Set();
    servers.set(words[0], its.add(words.at(-1)));
  }
  return servers;
}
