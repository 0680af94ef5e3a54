// What both peers with a database do alike.

import { readFile } from "node:fs/promises";
import pg from "pg";

/** Connections of the pool: the default of `pg`, said aloud because it decides what the database may do at once. */
export const MAX_CONNECTIONS = 10;

/** The URL of the database, whose tables exist afterwards. */
export async function openDatabase() {
  const connectionString = process.env.DATABASE_URL;
  if (!connectionString) throw new Error("DATABASE_URL is not set");
  const client = new pg.Client({ connectionString });
  await client.connect();
  await client.query(await readFile(new URL("schema.sql", import.meta.url), "utf8"));
  await client.end();
  return connectionString;
}

/** The two users as the unique key of their conversation has them. */
export function pairOf(draft) {
  const { senderId, receiverId } = draft;
  return { user1Id: Math.min(senderId, receiverId), user2Id: Math.max(senderId, receiverId) };
}

/**
 * The id of the conversation of a pair that had none a moment ago: the id that was sent if it is free, else the next of
 * the sequence. The sequence knows nothing of ids that were sent, so it may run into them; each is passed once.
 * @param {(pair: object, id?: number) => Promise<number | undefined>} insert undefined: the id or the pair is taken
 * @param {(pair: object) => Promise<number | undefined>} find
 */
export async function createConversation(pair, sentId, insert, find) {
  for (let id = sentId ?? undefined; ; id = undefined) {
    // Two first messages of a pair may cross: then the slower one finds what the other has made.
    const made = (await insert(pair, id)) ?? (await find(pair));
    if (made) return made;
  }
}
