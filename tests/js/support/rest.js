// HTTP calls with Node's own fetch; every answer as `{status, body, headers}`.

import assert from "node:assert/strict";

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {any} body parsed JSON; text if it is none
 * @property {Headers} headers
 */

export class Rest {
  /**
   * @param {string} url
   * @param {Record<string, string>} [headers] sent with every call
   */
  constructor(url, headers = {}) {
    this.url = url;
    this.headers = headers;
  }

  /** The same server for somebody who sends these headers as well. */
  as(headers) {
    return new Rest(this.url, { ...this.headers, ...headers });
  }

  bearer(token) {
    return this.as({ authorization: `Bearer ${token}` });
  }

  get(path) {
    return this.call("GET", path);
  }

  post(path, body) {
    return this.json("POST", path, body);
  }

  put(path, body) {
    return this.json("PUT", path, body);
  }

  /** JSON; a string is sent as it is. */
  json(method, path, body) {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return this.call(method, path, text, { "content-type": "application/json" });
  }

  postMultipart(path, fields) {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    return this.call("POST", path, form);
  }

  postUrlencoded(path, fields) {
    return this.call("POST", path, new URLSearchParams(fields));
  }

  /** Messages of a conversation, oldest first. */
  async messages(conversationId, query = "") {
    const { status, body } = await this.get(`/api/messages?conversationId=${conversationId}${query}`);
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.success, true);
    return body.messages;
  }

  async conversations(userId) {
    const { status, body } = await this.get(`/api/messages/conversations?userId=${userId}`);
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.success, true);
    return body.conversations;
  }

  /** @returns {Promise<Answer>} */
  async call(method, path, body = undefined, headers = {}) {
    const response = await fetch(new URL(path, this.url), {
      method,
      body,
      headers: { ...this.headers, ...headers },
    });
    const text = await response.text();
    return { status: response.status, body: parsed(text), headers: response.headers };
  }
}

/** An error answer of the messaging dialect: these two keys and nothing else. */
export function assertRefused(answer, status, message) {
  assert.deepEqual({ status: answer.status, body: answer.body }, { status, body: { success: false, message } });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
