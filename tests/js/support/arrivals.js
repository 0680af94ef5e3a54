// What reached one client, in wire order, and how a test waits for it. Every client of the tests is one of these.

import assert from "node:assert/strict";

/** "Gets" means within this time. */
export const GETS_MS = Number(process.env.SOHBET_GETS_MS ?? 1000);
/** "Gets nothing" means not within this time after everything else has settled. */
export const QUIET_MS = 300;

/**
 * @typedef {object} Arrival
 * @property {string} name event name; `ack <event>` for the answer to one of our own
 * @property {any[]} args
 * @property {number} at milliseconds since the process started
 * @property {boolean} taken whether a test has looked at it
 */

export class Arrivals {
  /** @type {Arrival[]} */
  log = [];
  #waiting = new Set();

  /** For subclasses: something came. */
  arrived(name, args, taken = false) {
    const arrival = { name, args, at: performance.now(), taken };
    this.log.push(arrival);
    for (const waiter of this.#waiting) {
      if (waiter.name !== name) continue;
      this.#waiting.delete(waiter);
      clearTimeout(waiter.timer);
      waiter.resolve(take(arrival));
      return;
    }
  }

  /** For subclasses: nobody waits any longer. */
  stopWaiting() {
    for (const waiter of this.#waiting) clearTimeout(waiter.timer);
    this.#waiting.clear();
  }

  /** The next event of that name that no `next` has given yet: what has come already, or comes within `ms`. */
  next(name, ms = GETS_MS) {
    const seen = this.#untaken(name)[0];
    if (seen) return Promise.resolve(take(seen));
    return new Promise((resolve, reject) => {
      const waiter = { name, resolve, timer: null };
      waiter.timer = setTimeout(() => {
        this.#waiting.delete(waiter);
        reject(new Error(`no ${name} within ${ms} ms\n${this}`));
      }, ms);
      this.#waiting.add(waiter);
    });
  }

  /** The next `n` events of that name. */
  async several(name, n, ms = GETS_MS) {
    const all = [];
    while (all.length < n) all.push(await this.next(name, ms));
    return all;
  }

  /** Waits until nothing has arrived for `ms`, then fails if an event of that name (of any name) was not taken. */
  async none(name = undefined, ms = QUIET_MS) {
    let quietMs;
    const start = performance.now();
    while ((quietMs = performance.now() - Math.max(start, this.log.at(-1)?.at ?? 0)) < ms) {
      await new Promise((resolve) => setTimeout(resolve, Math.ceil(ms - quietMs)));
    }
    const found = this.#untaken(name);
    assert.equal(found.length, 0, `unexpected ${found.map((arrival) => arrival.name)}\n${this}`);
  }

  /** Names of everything that arrived, in order, since `forget` was last called; events and acks alike. */
  get order() {
    return this.log.map((arrival) => arrival.name);
  }

  /** Every arrival of that name, taken or not. */
  all(name) {
    return this.log.filter((arrival) => arrival.name === name).map((arrival) => arrival.args[0]);
  }

  /** Starts the list anew: what came while a test was being set up is of no interest. */
  forget() {
    this.log = [];
  }

  toString() {
    const lines = this.log.slice(-30).map((arrival) => {
      return `  ${Math.round(arrival.at)} ${arrival.name} ${JSON.stringify(arrival.args).slice(0, 300)}`;
    });
    return `received by ${this.id ?? "a client without connection"}:\n${lines.join("\n") || "  nothing"}`;
  }

  #untaken(name) {
    return this.log.filter((arrival) => !arrival.taken && (name === undefined || arrival.name === name));
  }
}

function take(arrival) {
  arrival.taken = true;
  return arrival.args[0];
}
