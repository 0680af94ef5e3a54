// Writes galleries, vehicles, offers and users into the directory of a Sohbet server, from CSV or JSON files:
//   export SOHBET_URL=http://localhost:3005
//   export SOHBET_TOKEN=...   # of an administrator, or a CLIENT token with the permission `directory`;
//                             # a server in development mode needs none
//   node import-directory.mjs gallery galleries.csv vehicle vehicles.json offer offers.csv user users.csv
//
// A CSV file has a head line, as `psql -c "\copy galleries TO galleries.csv CSV HEADER"` writes it; a JSON file
// holds an array of objects. Columns are named as in the old tables (`gallery_id`) or as Sohbet names them
// (`galleryId`). Run it as often as you like: an entry is written as a whole, whether it was there or not.

import { readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";

const URL_BASE = process.env.SOHBET_URL ?? "http://localhost:3005";
const TOKEN = process.env.SOHBET_TOKEN;
/** Entries on their way at a time. */
const N_AT_ONCE = 8;
/** How often an entry is tried while the server says that it is busy. */
const MAX_TRIES = 5;
const FIRST_PAUSE_MS = 500;
/** Failures that are shown one by one. */
const MAX_SHOWN = 20;

/** What each kind is made of: the names that a column may have. */
const FIELDS = {
  gallery: { name: ["name"] },
  vehicle: {
    galleryId: ["galleryId", "gallery_id"],
    brand: ["brand"],
    model: ["model"],
    basePrice: ["basePrice", "base_price"],
  },
  offer: {
    vehicleId: ["vehicleId", "vehicle_id"],
    sellerGalleryId: ["sellerGalleryId", "seller_gallery_id"],
    buyerGalleryId: ["buyerGalleryId", "buyer_gallery_id"],
  },
  user: {
    name: ["name", "displayName", "display_name"],
    avatarUrl: ["avatarUrl", "avatar_url"],
    galleryId: ["galleryId", "gallery_id"],
  },
};

const jobs = process.argv.slice(2);
if (jobs.length === 0 || jobs.length % 2 !== 0) fail("usage: node import-directory.mjs <kind> <file> [<kind> <file> ...]");
for (let i = 0; i < jobs.length; i += 2) await importFile(jobs[i], jobs[i + 1]);

async function importFile(kind, file) {
  if (!(kind in FIELDS)) fail(`${kind}: there are ${Object.keys(FIELDS).join(", ")}`);
  const text = (await readFile(file, "utf8")).replace(/^\uFEFF/, "");
  const rows = path.extname(file) === ".json" ? JSON.parse(text) : parseCsv(text);
  const failures = [];
  let next = 0;
  async function work() {
    while (next < rows.length) {
      const row = rows[next];
      next += 1;
      const fault = await put(kind, row);
      if (fault) failures.push(`${kind} ${row.id}: ${fault}`);
    }
  }
  await Promise.all(Array.from({ length: N_AT_ONCE }, work));
  console.log(`${file}: ${rows.length - failures.length} of ${rows.length} written as ${kind}`);
  for (const failure of failures.slice(0, MAX_SHOWN)) console.error(failure);
  if (failures.length > 0) process.exitCode = 1;
}

/** Why an entry could not be written; undefined if it was. */
async function put(kind, row) {
  if (row.id === undefined || row.id === null || row.id === "") return "it has no id";
  const url = new URL(`/api/v1/directory/${kind}/${encodeURIComponent(row.id)}`, URL_BASE);
  const headers = { "content-type": "application/json", ...(TOKEN && { authorization: `Bearer ${TOKEN}` }) };
  const body = JSON.stringify(entryOf(kind, row));
  for (let tries = 1; ; tries += 1) {
    const response = await fetch(url, { method: "PUT", headers, body }).catch((error) => error);
    if (response.ok) return undefined;
    const isBusy = response instanceof Error || response.status === 429 || response.status >= 500;
    if (!isBusy || tries === MAX_TRIES) return reasonOf(response);
    await wait(FIRST_PAUSE_MS * 2 ** (tries - 1));
  }
}

async function reasonOf(response) {
  if (response instanceof Error) return response.cause?.message ?? response.message;
  const answer = await response.json().catch(() => ({}));
  return answer.error?.message ?? `status ${response.status}`;
}

/** The body of an entry. An empty column is unknown. */
function entryOf(kind, row) {
  const entry = {};
  for (const [field, names] of Object.entries(FIELDS[kind])) {
    const name = names.find((candidate) => row[candidate] !== undefined && row[candidate] !== "");
    entry[field] = name === undefined ? null : row[name];
  }
  if (kind === "user" && entry.name === null) {
    entry.name = [row.first_name, row.last_name].filter(Boolean).join(" ") || null;
  }
  return entry;
}

/** Rows of a CSV text (RFC 4180) as objects named by its first line. */
function parseCsv(text) {
  const [head, ...rows] = readRecords(text);
  if (head === undefined) return [];
  return rows.map((row) => Object.fromEntries(head.map((name, i) => [name.trim(), row[i] ?? ""])));
}

function readRecords(text) {
  const records = [];
  let record = [];
  let field = "";
  let isQuoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const character = text[i];
    if (isQuoted) {
      if (character !== '"') field += character;
      else if (text[i + 1] === '"') [field, i] = [`${field}"`, i + 1];
      else isQuoted = false;
    } else if (character === '"') isQuoted = true;
    else if (character === ",") [record, field] = [[...record, field], ""];
    else if (character === "\n") {
      records.push([...record, field]);
      [record, field] = [[], ""];
    } else if (character !== "\r") field += character;
  }
  if (field !== "" || record.length > 0) records.push([...record, field]);
  return records.filter((one) => one.length > 1 || one[0] !== "");
}

function fail(text) {
  console.error(text);
  process.exit(2);
}
