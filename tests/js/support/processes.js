// Servers of others that a test starts for itself.

import { spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";

const running = new Map();
process.on("exit", () => {
  for (const [child, signal] of running) child.kill(signal);
});

/** Starts a program that does not outlive this process: `signal` ends it. */
export function start(program, args, options, signal = "SIGKILL") {
  const child = spawn(program, args, options);
  running.set(child, signal);
  child.once("exit", () => running.delete(child));
  return child;
}

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort() {
  const probe = net.createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}
