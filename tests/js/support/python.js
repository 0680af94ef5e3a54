// python-socketio as another `io`: a child process holds the clients, tests/python/bridge.py says what goes to and fro.

import { spawn } from "node:child_process";
import { EventEmitter } from "node:events";
import path from "node:path";
import readline from "node:readline";

const BRIDGE = path.resolve(import.meta.dirname, "../../python/bridge.py");
const MAX_OUTPUT_CHARS = 20_000;

/** One Python process with all its clients. It starts with the first of them. */
export class Python {
  #process = null;
  #sockets = new Map();
  #errors = "";

  /** Takes and gives what `io` of socket.io-client does, as far as `Client` makes use of it. */
  io = (url, options) => {
    this.#process ??= this.#start();
    const number = this.#sockets.size + 1;
    const socket = new PythonSocket(url, options, (command) => this.#send({ client: number, ...command }));
    this.#sockets.set(number, socket);
    return socket;
  };

  /** Ends the process, and with it all clients. */
  close() {
    this.#process?.stdin.end();
    this.#process = null;
  }

  #start() {
    const python = process.env.SOHBET_TEST_PYTHON;
    if (!python) {
      throw new Error("SOHBET_TEST_PYTHON is not set: a Python with python-socketio, see tests/support/with-python.sh");
    }
    // Neither proxies nor a PYTHONPATH of the person at the keyboard.
    const env = { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: "1" };
    const child = spawn(python, [BRIDGE], { env, stdio: ["pipe", "pipe", "pipe"] });
    child.stdin.on("error", () => {}); // It is gone; that it ended says more.
    child.stderr.setEncoding("utf8").on("data", (text) => {
      this.#errors = (this.#errors + text).slice(-MAX_OUTPUT_CHARS);
    });
    readline.createInterface({ input: child.stdout }).on("line", (line) => {
      const { client, ...told } = JSON.parse(line, fromJson);
      this.#sockets.get(client).heard(told);
    });
    child.on("error", (error) => this.#ended(error.message));
    child.on("close", (code, signal) => this.#ended(`ended with ${signal ?? code}\n${this.#errors}`));
    return child;
  }

  #send(command) {
    this.#process?.stdin.write(`${JSON.stringify(command, toJson)}\n`);
  }

  #ended(how) {
    for (const socket of this.#sockets.values()) {
      socket.heard({ is: "connect_error", message: `Python ${how}`, data: null });
    }
  }
}

/** Emits `connect`, `connect_error` and `disconnect` itself; what the server sends goes to `onAny`. */
class PythonSocket extends EventEmitter {
  id = undefined;
  /** Stands in for the manager. The library upgrades before it connects, so there is no `upgrade` to wait for. */
  io = Object.assign(new EventEmitter(), { engine: { transport: { name: undefined }, close: () => this.disconnect() } });
  #url;
  #options;
  #send;
  #isGone = false;
  #hasConnected = false;
  #acks = [];
  #listeners = [];

  constructor(url, { auth = null, extraHeaders = {}, transports = null }, send) {
    super();
    this.#url = url;
    this.#options = { auth, headers: extraHeaders, transports };
    this.#send = send;
    this.connect();
  }

  connect() {
    this.#send({ do: "connect", url: this.#url, options: this.#options });
  }

  onAny(listener) {
    this.#listeners.push(listener);
  }

  /** To the server, as in socket.io-client. */
  emit(event, ...args) {
    const ack = typeof args.at(-1) === "function" ? this.#acks.push(args.pop()) - 1 : null;
    this.#send({ do: "emit", event, args, ack });
    return this;
  }

  disconnect() {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#send({ do: "disconnect" });
  }

  heard(told) {
    switch (told.is) {
      case "event":
        for (const listener of this.#listeners) listener(told.event, ...told.args);
        break;
      case "ack":
        this.#acks[told.ack](...told.args);
        break;
      case "connect":
        this.id = told.sid;
        this.io.engine.transport.name = told.transport;
        super.emit("connect");
        if (this.#hasConnected) this.io.emit("reconnect");
        this.#hasConnected = true;
        break;
      case "connect_error":
        super.emit("connect_error", Object.assign(new Error(told.message), { data: told.data ?? undefined }));
        break;
      default:
        super.emit(told.is, told.reason);
    }
  }
}

/** `JSON.stringify` has turned a Buffer into an object of its own before a replacer sees it. */
function toJson(_key, value) {
  return value?.type === "Buffer" ? { $bytes: Buffer.from(value.data).toString("base64") } : value;
}

function fromJson(_key, value) {
  return typeof value?.$bytes === "string" ? Buffer.from(value.$bytes, "base64") : value;
}
