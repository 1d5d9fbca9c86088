/** Whether a host's kernel answers at all, whatever runs on it. */
import { connect, type Socket } from "node:net";

/** A port on which nobody listens, so that the kernel alone refuses it; and SSH's, where a packet filter drops that one. */
const PORTS = [9, 22] as const;
/** Milliseconds until a host that cannot be found is looked for again. */
const PAUSE = 300;

/**
 * @param ms how long an answer may take
 * @param signal ends the look, as if there was an answer
 */
export function answers(address: string, ms: number, signal?: AbortSignal): Promise<boolean> {
  return new Promise((done) => {
    const sockets = new Map<number, Socket>();
    const timers: NodeJS.Timeout[] = [];
    const end = (answered: boolean): void => {
      timers.forEach(clearTimeout);
      sockets.forEach((socket) => socket.destroy());
      signal?.removeEventListener("abort", ended);
      done(answered);
    };
    const ended = (): void => end(true);
    if (signal?.aborted) return ended();
    signal?.addEventListener("abort", ended);
    const dial = (port: number): void => {
      const socket = connect(port, address);
      sockets.set(port, socket);
      socket.on("connect", ended);
      socket.on("error", ({ code }: NodeJS.ErrnoException) => {
        if (code === "ECONNREFUSED" || code === "ECONNRESET") ended();
        else timers.push(setTimeout(dial, PAUSE, port));
      });
    };
    timers.push(setTimeout(end, ms, false), setTimeout(dial, ms / 2, PORTS[1]));
    dial(PORTS[0]);
  });
}
