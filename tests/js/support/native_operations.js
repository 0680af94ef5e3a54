// Every operation of dialect native: its event, its REST twin, and what it is about. Tests that must leave none out
// go through this table; EVENTS and CALLS repeat contract/native.md, sections 2 to 4, so that a missing row is noticed.

import { PNG } from "./files.js";

/** What a client may emit. */
export const EVENTS = [
  "list_conversations", "create_conversation", "create_room", "update_room", "add_participant", "remove_participant", "set_role",
  "join_room", "leave_room", "history", "send_message", "edit_message", "delete_message", "add_reaction", "remove_reaction", "mark_read", "typing_start", "typing_stop", "presence", "sync",
  "auth_refresh",
];

/** What can be called below /api/v1. */
export const CALLS = [
  "GET /conversations", "POST /conversations", "POST /rooms", "GET /conversations/{id}", "PATCH /conversations/{id}",
  "POST /conversations/{id}/participants", "DELETE /conversations/{id}/participants/{userId}",
  "PATCH /conversations/{id}/participants/{userId}", "GET /conversations/{id}/messages", "POST /conversations/{id}/messages",
  "POST /conversations/{id}/read", "PATCH /messages/{id}", "DELETE /messages/{id}", "PUT /messages/{id}/reactions/{emoji}",
  "DELETE /messages/{id}/reactions/{emoji}", "GET /sync", "POST /uploads", "GET /users/me", "GET /tokens", "POST /tokens",
  "DELETE /tokens/{id}", "PUT /directory/{kind}/{id}", "GET /admin/sessions", "GET /admin/rooms",
  "PATCH /admin/users/{id}", "POST /admin/users/{id}/sign-out",
];

/**
 * What an operation is done to.
 * @typedef {object} Place
 * @property {string} c the conversation
 * @property {string} member the id of a MEMBER of it
 * @property {string} m the id of a message in it, sent by the one who takes part and tries
 * @property {string} newcomer an id nobody has used
 * @property {string} epoch of the store
 * @property {string} tokenId of an API token of somebody in the conversation
 * @property {string} ownToken a login token of whoever tries
 */

/**
 * @typedef {object} Operation
 * @property {string} [event]
 * @property {(place: Place) => any} [payload]
 * @property {string} [call] one of CALLS
 * @property {(place: Place) => any} [body]
 * @property {(place: Place) => string} [query]
 * @property {"conversation" | "message" | "own" | "token" | "directory" | "admin"} about `conversation`: does not exist for those outside
 * @property {(data: any, place: Place) => boolean} [shows] of what is one's own: whether the answer shows the conversation
 */

const EMOJI = "👍";
const lists = ({ conversations }, { c }) => conversations.some(({ id }) => id === c);
const catchesUp = (data, place) => place.c in data.changed || data.reset.includes(place.c) || lists(data, place);
const since = ({ c }) => ({ [c]: 0 });

/** @type {Operation[]} */
export const OPERATIONS = [
  { event: "list_conversations", payload: () => ({}), call: "GET /conversations", about: "own", shows: lists },
  both("create_conversation", "POST /conversations", "own", ({ newcomer }) => ({ userId: newcomer })),
  both("create_room", "POST /rooms", "own", () => ({ name: "One's own" })),
  both("update_room", "PATCH /conversations/{id}", "conversation", () => ({ name: "Another name" })),
  both("add_participant", "POST /conversations/{id}/participants", "conversation", ({ newcomer }) => ({ userId: newcomer })),
  {
    event: "remove_participant", payload: ({ c, member }) => ({ conversationId: c, userId: member }),
    call: "DELETE /conversations/{id}/participants/{userId}", about: "conversation",
  },
  {
    event: "set_role", payload: ({ c, member }) => ({ conversationId: c, userId: member, role: "MODERATOR" }),
    call: "PATCH /conversations/{id}/participants/{userId}", body: () => ({ role: "MODERATOR" }), about: "conversation",
  },
  { event: "join_room", payload: ({ c }) => ({ conversationId: c }), call: "GET /conversations/{id}", about: "conversation" },
  { event: "leave_room", payload: ({ c }) => ({ conversationId: c }), about: "conversation" },
  { event: "history", payload: ({ c }) => ({ conversationId: c }), call: "GET /conversations/{id}/messages", about: "conversation" },
  both("send_message", "POST /conversations/{id}/messages", "conversation", () => ({ content: "from the table" })),
  ofMessage("edit_message", "PATCH /messages/{id}", { content: "Another text" }),
  ofMessage("delete_message", "DELETE /messages/{id}"),
  { ...ofMessage("add_reaction", "PUT /messages/{id}/reactions/{emoji}", { emoji: EMOJI }), body: undefined },
  { ...ofMessage("remove_reaction", "DELETE /messages/{id}/reactions/{emoji}", { emoji: EMOJI }), body: undefined },
  both("mark_read", "POST /conversations/{id}/read", "conversation", () => ({})),
  { event: "typing_start", payload: ({ c }) => ({ conversationId: c }), about: "conversation" },
  { event: "typing_stop", payload: ({ c }) => ({ conversationId: c }), about: "conversation" },
  {
    event: "presence", payload: ({ member }) => ({ userIds: [member] }), about: "own",
    shows: ({ users }, { member }) => users.some(({ userId }) => userId === member),
  },
  {
    event: "sync", payload: (place) => ({ epoch: place.epoch, conversations: since(place) }), call: "GET /sync",
    query: (place) => `?${new URLSearchParams({ epoch: place.epoch, since: JSON.stringify(since(place)) })}`,
    about: "own", shows: catchesUp,
  },
  { event: "auth_refresh", payload: ({ ownToken }) => ({ token: ownToken }), about: "own" },
  { call: "POST /uploads", body: upload, about: "own" },
  { call: "GET /users/me", about: "own" },
  {
    call: "GET /tokens", about: "own",
    shows: ({ tokens }, { tokenId }) => tokens.some(({ id }) => id === tokenId),
  },
  { call: "POST /tokens", body: () => ({ name: "mine", type: "USER", permissions: ["read"] }), about: "own" },
  { call: "DELETE /tokens/{id}", about: "token" },
  { call: "PUT /directory/{kind}/{id}", body: () => ({ name: "A gallery" }), about: "directory" },
  { call: "GET /admin/sessions", about: "admin" },
  { call: "GET /admin/rooms", about: "admin" },
  { call: "PATCH /admin/users/{id}", body: () => ({ disabled: false }), about: "admin" },
  { call: "POST /admin/users/{id}/sign-out", about: "admin" },
];

/** An operation whose REST body is the payload of its event without the conversation, which stands in the path. */
function both(event, call, about, body) {
  const payload = about === "conversation" ? (place) => ({ conversationId: place.c, ...body(place) }) : body;
  return { event, payload, call, body, about };
}

/** The same for a message, which stands in the path. */
function ofMessage(event, call, fields) {
  return { event, payload: ({ m }) => ({ messageId: m, ...fields }), call, body: fields && (() => fields), about: "message" };
}

/** The form of an upload. */
export function upload() {
  const form = new FormData();
  form.append("file", new File([PNG], "dot.png", { type: "image/png" }));
  return form;
}

/** Method, path and body of the REST twin. */
export function requestOf(operation, place) {
  const [method, template] = operation.call.split(" ");
  const ids = { tokens: place.tokenId, directory: "ga", messages: place.m, admin: place.newcomer };
  const id = ids[template.split("/")[1]] ?? place.c;
  const path = template.replace("{id}", id).replace("{emoji}", encodeURIComponent(EMOJI)).replace("{userId}", place.member).replace("{kind}", "gallery");
  return [method, path + (operation.query?.(place) ?? ""), operation.body?.(place)];
}

/** The events about one conversation, which takes their payload as it is for everybody inside. */
export const CONVERSATION_EVENTS = OPERATIONS.filter(({ event, about }) => event && about === "conversation");

export function nameOf({ event, call }) {
  return [event, call].filter(Boolean).join(" and ");
}
