"""The synchronous python-socketio client, steered from outside: commands come in as lines of JSON, and what
happens to the clients goes out as lines of JSON. tests/js/support/python.js holds the other end.

In:   {"client": 1, "do": "connect", "url": "...", "options": {"auth": ..., "headers": ..., "transports": ...}}
      {"client": 1, "do": "emit", "event": "...", "args": [...], "ack": 7}     ack null: without a callback
      {"client": 1, "do": "disconnect"}
Out:  {"client": 1, "is": "connect", "sid": "...", "transport": "..."}         also after it came back by itself
      {"client": 1, "is": "connect_error", "message": "...", "data": ...}
      {"client": 1, "is": "event", "event": "...", "args": [...]}
      {"client": 1, "is": "ack", "ack": 7, "args": [...]}
      {"client": 1, "is": "disconnect", "reason": "..."}

Bytes in arguments are {"$bytes": "<base64>"}.
"""

import base64
import contextlib
import json
import sys
import threading

import socketio


class Client:
    """One client under the number that the other end gave it."""

    def __init__(self, number):
        self.number = number
        self.client = socketio.Client()
        self.client.on("connect", self.connected)
        self.client.on("connect_error", self.refused)
        self.client.on("disconnect", self.disconnected)
        self.client.on("*", lambda event, *args: self.tell("event", event=event, args=args))

    def do(self, command):
        """Starts what the command says. What takes time has a thread, so that the other clients go on."""
        if command["do"] == "emit":
            self.emit(command["event"], command["args"], command["ack"])
        elif command["do"] == "connect":
            threading.Thread(target=self.connect, args=(command["url"], command["options"]), daemon=True).start()
        elif command["do"] == "disconnect":
            threading.Thread(target=self.leave, daemon=True).start()

    def connect(self, url, options):
        # The handler has said it already: the library itself first waits for a poll that nobody may answer.
        with contextlib.suppress(socketio.exceptions.ConnectionError):
            self.client.connect(url, **options)

    def emit(self, event, args, ack):
        answered = None
        if ack is not None:
            def answered(*answer):
                self.tell("ack", ack=ack, args=answer)
        self.client.emit(event, tuple(args), callback=answered)

    def connected(self):
        self.tell("connect", sid=self.client.get_sid(), transport=self.client.transport())

    def refused(self, refusal=None):
        # A text when there is no server to refuse.
        words = refusal if isinstance(refusal, dict) else {"message": str(refusal)}
        self.tell("connect_error", message=words.get("message"), data=words.get("data"))

    def disconnected(self, reason):
        if reason != self.client.reason.CLIENT_DISCONNECT:
            self.tell("disconnect", reason=reason)

    def leave(self):
        # The handler is called before the server knows of it: until then events may still come.
        self.client.shutdown()
        self.tell("disconnect", reason=self.client.reason.CLIENT_DISCONNECT)

    def tell(self, what, **fields):
        tell({"client": self.number, "is": what, **fields})


output = threading.Lock()


def tell(line):
    text = json.dumps(line, default=as_json)
    with output:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def as_json(value):
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode("ascii")}
    raise TypeError(f"{type(value).__name__} has no place in JSON")


def from_json(value):
    return base64.b64decode(value["$bytes"]) if set(value) == {"$bytes"} else value


def main():
    clients = {}
    for line in sys.stdin:
        command = json.loads(line, object_hook=from_json)
        number = command["client"]
        if number not in clients:
            clients[number] = Client(number)
        clients[number].do(command)


if __name__ == "__main__":
    main()
