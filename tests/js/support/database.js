// SQL on the store of a server: for what no call can bring about or show.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import pg from "pg";

/** Node 20 has no SQLite of its own. */
const SQLITE = `
import contextlib, json, sqlite3, sys
with contextlib.closing(sqlite3.connect(sys.argv[1], timeout=10)) as db, db:
    db.row_factory = sqlite3.Row
    print(json.dumps([dict(row) for row in db.execute(sys.argv[2])]))
`;

/**
 * Runs one statement and gives its rows.
 * @param {import("./server.js").Server} server
 * @param {string} sql the same on both databases
 */
export async function query(server, sql) {
  const url = server.store.env.DATABASE_URL;
  if (url.startsWith("sqlite:")) {
    const { stdout } = await promisify(execFile)("python3", ["-c", SQLITE, url.replace("sqlite://", ""), sql]);
    return JSON.parse(stdout);
  }
  return (await onPostgres(url, sql)).rows;
}

/** Runs one statement on the cluster of `TEST_DATABASE_URL` itself, on which the databases of the tests are made. */
export async function onCluster(sql, values = []) {
  const url = process.env.TEST_DATABASE_URL;
  if (!url) {
    throw new Error("TEST_DATABASE_URL is not set: PostgreSQL tests need a cluster, see tests/support/postgres.sh");
  }
  await onPostgres(url, sql, values);
}

async function onPostgres(url, sql, values = []) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await client.query(sql, values);
  } finally {
    await client.end();
  }
}
