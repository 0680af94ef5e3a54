// Who is online: users with a socket in their room, and for ten seconds those who had one.

const GRACE_MS = 10_000;

export class Presence {
  /** The sockets of each user, in order of coming online. Empty while the grace runs. */
  #sockets = new Map();
  #timers = new Map();
  #onOffline;

  /** @param {(userId: number) => void} onOffline called when the grace of a user is over */
  constructor(onOffline) {
    this.#onOffline = onOffline;
  }

  /** True if the user was offline before. */
  join(userId, socketId) {
    clearTimeout(this.#timers.get(userId));
    this.#timers.delete(userId);
    const sockets = this.#sockets.get(userId);
    sockets?.add(socketId);
    if (!sockets) this.#sockets.set(userId, new Set([socketId]));
    return !sockets;
  }

  leave(userId, socketId) {
    const sockets = this.#sockets.get(userId);
    if (!sockets?.delete(socketId) || sockets.size > 0) return;
    const timer = setTimeout(() => {
      this.#timers.delete(userId);
      this.#sockets.delete(userId);
      this.#onOffline(userId);
    }, GRACE_MS);
    this.#timers.set(userId, timer);
  }

  users() {
    return [...this.#sockets.keys()];
  }
}
