// Dealers who talk to each other: people of the gallery dialect. What its answers look like stands in gallery_shapes.js.

import assert from "node:assert/strict";
import { dataOf } from "./gallery_shapes.js";
import { combinationsOf, each } from "./matrix.js";
import { assertHas } from "./messages.js";
import { HOUR_S, TOKEN_MODE, now, token } from "./token.js";

export const { FULL, NO_SOCKET, STORES_ONLY, DIALECTS_AND_STORES, TRANSPORTS_AND_STORES, AUTO } = combinationsOf("gallery");

/** All addresses under which the calls are found. */
export const BASES = ["/chats", "/api/v1/chats", "/api/v1/chat"];
export const UNKNOWN_UUID = "6f1b3a52-0d6a-4f3b-9c6e-0e3f6f0a1b2c";

/** Real data has UUIDs; the others are ids that only look like something else. */
const GA = "0f8fad5b-d9cb-469f-a165-70867728950e";
const GB = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
const GC = "007";
const UA = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
const UB = "9b2d1c8e-5a70-4c7c-8d0c-1f2e3d4c5b6a";
const UA2 = "user:a/2";
const UC = "7";

/**
 * @typedef {object} Market
 * @property {import("./matrix.js").World} world
 * @property {Dealer} ua of gallery A
 * @property {Dealer} ua2 a colleague of `ua`
 * @property {Dealer} ub of gallery B
 * @property {Dealer} uc of gallery C, a stranger to the others
 * @property {Dealer} loner a user without a gallery
 * @property {Directory} directory
 */

/** One test for every combination, on servers with a key: dealers carry tokens. */
export function withTokens(combinations, name, test) {
  const env = { ...TOKEN_MODE, FILE_URL_HOSTS: "minio.example" }; // where the dealers keep their pictures
  each(combinations, name, (world) => test(market(world)), env);
}

/** One test for every combination, on servers that believe what dealers say about themselves. */
export function inDevelopment(combinations, name, test) {
  each(combinations, name, (world) => test(market(world)));
}

/** With tokens in every combination, and in development on both stores. */
export function inBothModes(combinations, name, test) {
  withTokens(combinations, name, test);
  inDevelopment(STORES_ONLY, `${name}, in development`, test);
}

/** @returns {Market} */
function market(world) {
  const dealer = (id, gallery) => new Dealer(world, { id, gallery });
  return {
    world,
    ua: dealer(UA, GA),
    ua2: dealer(UA2, GA),
    ub: dealer(UB, GB),
    uc: dealer(UC, GC),
    loner: dealer("loner", undefined),
    directory: new Directory(world),
  };
}

/** Dealer ua of gallery ga, dealer ub of gallery gb, and the id of a room of both. */
export async function galleryRoom(world) {
  const [ua, ub] = [new Dealer(world, { id: "ua", gallery: "ga" }), new Dealer(world, { id: "ub", gallery: "gb" })];
  return { ua, ub, room: await ua.roomWith(ub) };
}

/** A user who acts for a gallery. Paths are relative to the address of the rooms. */
export class Dealer {
  #world;
  #as;

  constructor(world, as) {
    this.#world = world;
    this.#as = { base: BASES[0], claims: {}, headers: undefined, ...as };
  }

  get id() {
    return this.#as.id;
  }

  get gallery() {
    return this.#as.gallery;
  }

  /** The `auth` object of the handshake. */
  get auth() {
    return this.#world.hasTokens ? { token: this.token() } : { userId: this.id, galleryId: this.gallery };
  }

  /** What says who calls. */
  get headers() {
    if (this.#as.headers) return this.#as.headers;
    if (this.#world.hasTokens) return { authorization: `Bearer ${this.token()}` };
    return { "x-user-id": this.id, ...(this.gallery && { "x-gallery-id": this.gallery }) };
  }

  /** A token of this dealer; further claims replace or add, `undefined` removes. */
  token(claims = {}) {
    return token(this.id, { gallery_id: this.gallery, ...this.#as.claims, ...claims });
  }

  expiredToken() {
    return this.token({ exp: now() - HOUR_S });
  }

  /** The same dealer with other claims in the token. */
  claiming(claims) {
    return new Dealer(this.#world, { ...this.#as, claims });
  }

  /** The same dealer with exactly these headers in place of the usual ones. */
  sending(headers) {
    return new Dealer(this.#world, { ...this.#as, headers });
  }

  /** The same dealer at another address of the rooms. */
  at(base) {
    return new Dealer(this.#world, { ...this.#as, base });
  }

  /** A connected socket that has heard nothing yet. */
  connect() {
    return this.#world.connect({ auth: this.auth });
  }

  /** A socket that has joined the room. */
  async joined(room) {
    const client = await this.connect();
    await client.ask("join_room", room);
    client.forget();
    return client;
  }

  get rest() {
    return this.#world.rest.as(this.headers);
  }

  get(path = "") {
    return this.call("GET", path);
  }

  /** JSON; without a body also without its type, as front ends call it. */
  post(path, body = undefined) {
    return body === undefined ? this.call("POST", path) : this.rest.post(this.#as.base + path, body);
  }

  put(path) {
    return this.call("PUT", path);
  }

  delete(path) {
    return this.call("DELETE", path);
  }

  postMultipart(path, fields) {
    return this.rest.postMultipart(this.#as.base + path, fields);
  }

  call(method, path, body = undefined, headers = {}) {
    return this.rest.call(method, this.#as.base + path, body, headers);
  }

  /** The room row that `POST` answers. */
  async open(fields) {
    return dataOf(await this.post("", fields));
  }

  /** The id of a new support room of the two galleries. */
  async roomWith(other) {
    return (await this.open({ roomType: "support", otherGalleryId: other.gallery })).id;
  }

  /** The stored row. */
  async send(room, fields = {}) {
    return dataOf(await this.post(`/${room}/messages`, { content: "Merhaba", ...fields }));
  }

  async list() {
    return dataOf(await this.get());
  }

  /** The item of that room in the list; undefined if it is not there. */
  async listed(room) {
    return (await this.list()).find(({ id }) => id === room);
  }

  /** The room with its newest messages. */
  async find(room) {
    return dataOf(await this.get(`/${room}`));
  }

  /** Rows of the room, oldest first. */
  async messages(room) {
    return (await this.find(room)).messages;
  }

  async unread(room) {
    return (await this.listed(room)).unread_count;
  }
}

/** What the store knows about galleries, vehicles, offers and users, written by an administrator. */
export class Directory {
  constructor(world) {
    this.rest = world.hasTokens ? world.rest.bearer(token("admin", { role: "ADMIN" })) : world.rest;
  }

  /** For what must succeed. */
  async write(kind, id, fields) {
    const { status, body } = await this.put(kind, id, fields);
    assert.equal(status, 200, JSON.stringify(body));
    assertHas(body, { kind, id });
  }

  put(kind, id, fields) {
    return this.rest.put(`/api/v1/directory/${kind}/${encodeURIComponent(id)}`, fields);
  }
}
