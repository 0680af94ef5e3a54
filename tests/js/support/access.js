// The access matrix of a dialect: who may do what. `<dialect>/access.json` says it, the tests beside it try it, and
// tests/it/access_rows.rs fails where an operation has no row, or a row lacks a kind of caller.
//
// A row is named `word` or `METHOD path`, and where there are several of one operation, what sets it apart stands in
// brackets behind: `join_room (a closed one)`. `hear` is no operation: what a socket is told that did all it may.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { each as eachWorld } from "./matrix.js";
import { TOKEN_MODE } from "./token.js";

const REFUSED = "Authentication error";

/**
 * What the matrix of a dialect says: `columns`, the kinds of callers, and `rows`: by row and caller, what comes of it.
 * @returns {{columns: string[], rows: Record<string, Record<string, string>>}}
 */
export function matrixOf(dialect) {
  const { columns, rows } = JSON.parse(readFileSync(new URL(`../${dialect}/access.json`, import.meta.url), "utf8"));
  const named = Object.entries(rows).map(([row, outcomes]) => {
    return [row, Object.fromEntries(columns.map((column, i) => [column, outcomes[i]]))];
  });
  return { columns, rows: Object.fromEntries(named) };
}

/** The operation that a row is about. */
export function operationOf(row) {
  return row.split(" (")[0];
}

/**
 * One test per row: everybody tries it, in the order of the columns, and gets what the row says.
 * @param {object} parts
 * @param {string} parts.dialect
 * @param {object} parts.combinations
 * @param {Record<string, (world: any, place: any) => Promise<string | undefined>>} parts.callers the token of each
 * @param {Record<string, (attempt: Attempt) => Promise<string>>} parts.attempts by row
 * @param {(world: any) => Promise<any>} [parts.stage] makes the place that it is about
 * @param {(attempt: {place: any, row: string, outcomes: object}) => Promise<void>} [parts.afterwards]
 * @param {typeof eachWorld} [parts.each] @param {Record<string, string>} [parts.env]
 * @typedef {{dialect: string, world: any, place: any, caller: string, secret?: string, operation: string}} Attempt
 */
export function checkAccess(parts) {
  const { dialect, combinations, callers, attempts, stage = async () => ({}), afterwards = async () => {} } = parts;
  const { columns, rows } = matrixOf(dialect);
  it("every row is tried, by every kind of caller", () => {
    assert.deepEqual(Object.keys(callers).sort(), [...columns].sort());
    assert.deepEqual(Object.keys(attempts).sort(), Object.keys(rows).sort());
  });
  for (const [row, attempt] of Object.entries(attempts)) {
    const outcomes = rows[row];
    (parts.each ?? eachWorld)(combinations, `${row} is done by whom it concerns`, async (world) => {
      const place = await stage(world);
      const found = {};
      for (const caller of columns) {
        const secret = await callers[caller](world, place);
        found[caller] = await attempt({ dialect, world, place, caller, secret, operation: operationOf(row) });
      }
      assert.deepEqual(found, outcomes);
      await afterwards({ place, row, outcomes });
    }, { ...TOKEN_MODE, ...parts.env });
  }
}

/** A socket with the token of a caller; null where the handshake is refused. */
export async function connected({ dialect, world, secret }) {
  const auth = { dialect, token: secret };
  return world.connect({ auth }).catch((error) => {
    assert.equal(error.message, REFUSED);
    return null;
  });
}

/**
 * An attempt by socket, which gives `ok`, the code of the refusal, or `refused` where there is no socket.
 * @param {(place: any, attempt: Attempt) => any} payload
 * @param {(client: any, place: any) => Promise<void>} [before] what the socket does first
 */
export function emitting(payload, before = async () => {}) {
  return async (attempt) => {
    const client = await connected(attempt);
    if (!client) return "refused";
    await before(client, attempt.place);
    const ack = await client.emitWithAck(attempt.operation, payload(attempt.place, attempt));
    client.close();
    return ack.ok ? "ok" : ack.error.code;
  };
}

/**
 * An attempt by REST.
 * @param {(rest: any, place: any, attempt: Attempt) => Promise<import("./rest.js").Answer>} call
 * @param {(answer: import("./rest.js").Answer) => string} outcome
 */
export function calling(call, outcome = ({ status }) => String(status)) {
  return async (attempt) => {
    const rest = attempt.world.rest.as({ "x-sohbet-dialect": attempt.dialect });
    return outcome(await call(attempt.secret ? rest.bearer(attempt.secret) : rest, attempt.place, attempt));
  };
}
