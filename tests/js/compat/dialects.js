// What two people do in each dialect: come, say who they are, send and hear. One line per dialect.

import { chatsphere } from "./lines/chatsphere.js";
import { direct } from "./lines/direct.js";
import { gallery } from "./lines/gallery.js";
import { messaging } from "./lines/messaging.js";
import { native } from "./lines/native.js";
import { school } from "./lines/school.js";
import { starter } from "./lines/starter.js";

/**
 * @typedef {object} Person a line may add what it needs to find its words
 * @property {number | string} id
 * @property {object} auth what this person connects with on that server; a `token` where the server has a key
 * @property {import("../support/client.js").Client} [client] once connected
 */

/**
 * @typedef {object} Line
 * @property {string} dialect
 * @property {(world: import("../support/matrix.js").World) => Promise<Person[]>} people
 *   two people who can talk to each other as soon as they have joined; nobody is connected yet
 * @property {(person: Person) => Promise<void>} join says who it is, after every connect
 * @property {(from: Person, to: Person, text: string) => Promise<void>} send sends, and checks what the sender is told
 * @property {string} heard the event by which a message is heard
 * @property {(to: Person, text: string) => Promise<void>} hear checks that exactly that text has come
 * @property {(from: Person, to: Person) => Promise<void>} misspeak sends what is refused, and checks the words
 * @property {(from: Person, to: Person, bytes: Buffer) => [string, object]} attach an event with a binary attachment
 */

/** @type {Line[]} */
export const DIALECTS = [messaging, school, direct, gallery, chatsphere, starter, native];
