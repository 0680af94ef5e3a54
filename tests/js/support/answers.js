// What holds for the events of every dialect: one ack with a known code, and the socket goes on (contract: README, 6.1).

const CODES = [
  "INVALID_PAYLOAD", "UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND", "CONFLICT", "TOO_LARGE", "RATE_LIMITED",
  "UNKNOWN_EVENT", "UNAVAILABLE", "INTERNAL",
];
/** A row with this instead of a code may be taken or refused, but must be answered. */
export const EITHER = "either";
export const MAX_TEXT_BYTES = 65_536;

/** No id in any event: of a wrong type, out of range, too long, or with U+0000. */
export const BAD_IDS = [
  null, "", false, true, [], [1], {}, -1, 1.5, 2 ** 53, 1e300, "x".repeat(129), "a\0b", { userId: { userId: 1 } },
];
/** No payload of an event that needs an object. */
export const NO_OBJECTS = [undefined, null, "text", 5, true, [], [[]], {}];
/** Names that are no event of any dialect. */
export const NO_EVENTS = ["", "no_such_event", "__proto__", "constructor", "toString", "çok güzel 🌸", "x".repeat(10_000)];

/**
 * Sends rows `[event, arguments, code]` one after the other, each with a callback.
 * @param {import("./client.js").Client} client
 * @param {Map<string, string>} [errorEvents] events whose refusal is told by an event of that name as well, in
 *   `error` or `message`
 * @returns {Promise<{faults: string[], nTaken: Record<string, number>}>} what the contract does not allow, and how many
 *   of each event were taken
 */
export async function sendRows(client, rows, errorEvents = new Map()) {
  const { id } = client;
  const faults = [];
  const nTaken = {};
  for (const [event, args, code] of rows) {
    client.forget();
    const ack = await client.emitWithAck(event, ...args).catch((error) => error);
    const fault = faultOf(ack, code) ?? faultOfEvents(client, event, ack, errorEvents.get(event));
    if (ack.ok) nTaken[event] = (nTaken[event] ?? 0) + 1;
    if (fault) faults.push(`${event} ${JSON.stringify(args).slice(0, 120)}: ${fault}`);
    if (client.id !== id) return { faults: [...faults, `the connection ended after ${event}`], nTaken };
  }
  return { faults, nTaken };
}

/** Why the ack is none that the contract allows; undefined if it is one. */
function faultOf(ack, code) {
  if (ack instanceof Error) return ack.message.split("\n", 1)[0];
  if (ack?.ok === true && code === EITHER) return undefined;
  if (ack?.ok !== false) return `answered ${JSON.stringify(ack)}`;
  if (!CODES.includes(ack.error?.code)) return `code ${ack.error?.code}`;
  if (typeof ack.error.message !== "string" || ack.error.message === "") return "no text";
  if (ack.error.code === "INTERNAL") return "INTERNAL: the fault is the client's";
  if (code !== EITHER && ack.error.code !== code) return `code ${ack.error.code} instead of ${code}`;
  return undefined;
}

/** Why the events beside a refusal are wrong: an error has its event, with the same words, before the ack. */
function faultOfEvents(client, event, ack, errorEvent) {
  if (ack.ok) return undefined;
  const expected = [...(errorEvent ? [errorEvent] : []), `ack ${event}`];
  if (client.order.join() !== expected.join()) return `events ${client.order}`;
  const [said] = client.all(errorEvent);
  const told = said?.error ?? said?.message;
  return told === (errorEvent && ack.error.message) ? undefined : `event says ${told}, ack ${ack.error.message}`;
}

/** An array in an array in an array… */
export function nested(depth) {
  let value = 1;
  for (let i = 0; i < depth; i += 1) value = [value];
  return value;
}
