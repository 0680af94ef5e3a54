// Client libraries besides the current socket.io-client: the first ones that speak Engine.IO 4, and python-socketio.
// Each on polling, on WebSocket and with the upgrade from one to the other, in every dialect of dialects.js.

import assert from "node:assert/strict";
import { after, describe } from "node:test";
import { io as io31 } from "socket.io-client-3.1";
import { io as io40 } from "socket.io-client-4.0";
import { BUSY, WAITING, each } from "../support/matrix.js";
import { assertError } from "../support/messages.js";
import { Python } from "../support/python.js";
import { HOUR_S, TOKEN_MODE, now, token } from "../support/token.js";
import { DIALECTS } from "./dialects.js";

const RECONNECT_MS = 20_000;
const BYTES = Buffer.from([0, 1, 0x1e, 0x80, 0xff]);
/** What JSON, UTF-8, UTF-16 or the separator of polling bodies could trip over. */
const TEXTS = [
  "Iğdır'da çay içtik, şöyle güzel: ÇĞİÖŞÜ çğıöşü",
  "👩‍👩‍👧 🇹🇷 👍🏽 𝄞",
  "i\u0307 and İ are two texts",
  "\"quoted\" back\\slash \u001e \u2028 \t\r\n end",
];

const SQLITE = { settings: ["fixed"], transports: ["default", "polling", "websocket"], stores: ["sqlite"] };
/** The way that is longest, on the other store. */
const POSTGRES = { settings: ["fixed"], transports: ["default"], stores: ["postgres"] };

const python = new Python();

/**
 * `left` and `lost` are the words of a library for a disconnect of its own and for one that was not.
 * On `staysAwayOn` it does not come back by itself: python-socketio obeys a server that says goodbye to a poll.
 */
const LIBRARIES = [
  { name: "socket.io-client 4.0", io: io40, left: "io client disconnect", lost: /^transport (close|error)$/ },
  { name: "socket.io-client 3.1", io: io31, left: "io client disconnect", lost: /^transport (close|error)$/ },
  { name: "python-socketio", io: python.io, left: "client disconnect", lost: /^(transport error|server disconnect)$/, staysAwayOn: "polling" },
];

after(() => python.close());

describe("other client libraries", BUSY, () => {
  for (const { library, line, name } of pairings(DIALECTS)) {
    const people = (world) => connected(world, line, library);
    const where = (combinations) => ({ ...combinations, dialect: line.dialect });

    for (const combinations of [SQLITE, POSTGRES]) {
      each(where(combinations), `${name}: two people talk in any script, and one leaves`, async (world) => {
        const [ada, ben] = await people(world);
        for (const text of TEXTS) {
          await said(line, ada, ben, text);
          await said(line, ben, ada, text);
        }
        for (const { client } of [ada, ben]) await client.none(line.heard);
        ada.client.disconnect();
        assert.equal(await ada.client.next("(disconnect)"), library.left);
        ada.client.forget();
        await line.send(ben, ada, "too late");
        await ada.client.none();
      });
    }

    each(where(SQLITE), `${name}: what is wrong is refused in words, and the connection goes on`, async (world) => {
      const [ada, ben] = await people(world);
      await line.misspeak(ada, ben);
      const unknown = await ada.client.emitWithAck("no_such_event", 1);
      assertError(unknown, "UNKNOWN_EVENT", "Unknown event: no_such_event");
      assertError(await ada.client.emitWithAck(...line.attach(ada, ben, BYTES)), "INVALID_PAYLOAD");
      assertError(await ada.client.emitWithAck("no_such_event", BYTES, { nested: [BYTES] }), "UNKNOWN_EVENT");
      await said(line, ada, ben, "still there");
      await ben.client.none(line.heard);
      await ada.client.none("(disconnect)");
    });

    each(where(SQLITE), `${name}: a token lets in, and a bad one is refused by name`, async (world) => {
      const { io } = library;
      for (const auth of [undefined, { token: "bad" }, { token: token(1, { exp: now() - HOUR_S }) }]) {
        const error = await world.refused({ io, auth });
        assert.deepEqual([error.message, error.data], ["Authentication error", undefined]);
      }
      const [ada, ben] = await line.people(world);
      await connect(world, line, ada, { io, auth: ada.auth });
      await connect(world, line, ben, { io, extraHeaders: { Authorization: `Bearer ${ben.auth.token}` } });
      await said(line, ada, ben, "hello");
      await said(line, ben, ada, "hello yourself");
    }, TOKEN_MODE);
  }
});

// One dialect: how a library loses its server and finds it again does not depend on the words.
describe("other client libraries after a restart", WAITING, () => {
  for (const { library, line, name } of pairings(DIALECTS.slice(0, 1))) {
    each({ ...SQLITE, dialect: line.dialect }, `${name}: people come back and go on`, async (world) => {
      await world.keepPort();
      const people = await connected(world, line, library);
      await said(line, ...people, "before");
      const stopped = world.server.stop();
      for (const { client } of people) assert.match(await client.next("(disconnect)", RECONNECT_MS), library.lost);
      await stopped;
      await world.server.start();
      for (const { client } of people) {
        if (library.staysAwayOn === world.transport) client.socket.connect();
        await client.next("(reconnect)", RECONNECT_MS);
      }
      for (const someone of people) await line.join(someone);
      await said(line, ...people, "after");
      await said(line, ...people.reverse(), "and back");
    });
  }
});

/** Every library with every one of those dialects. */
function pairings(lines) {
  return lines.flatMap((line) => LIBRARIES.map((library) => ({ line, library, name: `${library.name}, ${line.dialect}` })));
}

/** The two people of that line, both with that library. */
async function connected(world, line, { io }) {
  const people = await line.people(world);
  for (const someone of people) await connect(world, line, someone, { io, auth: someone.auth });
  return people;
}

/** Connects somebody over the transport of this run, and lets them join. */
async function connect(world, line, someone, options) {
  const client = await world.connect(options);
  if (world.transport === "default") await client.upgraded();
  else assert.equal(client.socket.io.engine.transport.name, world.transport);
  someone.client = client;
  await line.join(someone);
}

async function said(line, from, to, text) {
  await line.send(from, to, text);
  await line.hear(to, text);
}
