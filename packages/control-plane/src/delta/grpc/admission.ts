// Connections wait here for their handshake, which costs a millisecond of this process. Were thousands begun at once, each would take as long as all of
// them together: none would be through before its client has given up, and all would come again (decision 0323).
import type { Socket } from 'node:net';

/** Who waits. */
export interface Admission {
  /** A connection that has not been read from. */
  enter(socket: Socket): void;
  /** Ends all that wait. */
  stop(): void;
}

/** So many handshakes are begun in one turn of the event loop; everything else that has come gets its turn in between. */
const perTurn = 8;
// As many as get through in a second, which is how long Envoy tries to connect. Whoever has waited behind so many others has gone, or is about to.
const mostWaiting = 1000;

/**
 * Passes connections on to `admit`, some in each turn of the event loop. The newest goes first: its client waits still, that of the oldest may have
 * gone without a sign, for what waits is not read from.
 */
export function openAdmission(admit: (socket: Socket) => void): Admission {
  // Oldest first.
  const waiting = new Set<Socket>();
  let newest: Socket[] = [];
  let turning = false;

  const turn = (): void => {
    for (let admitted = 0; admitted < perTurn && newest.length > 0; ) {
      const socket = newest.pop();
      // Those that gave way are still listed.
      if (socket === undefined || !waiting.delete(socket) || socket.destroyed) continue;
      admitted += 1;
      admit(socket);
    }
    turning = newest.length > 0;
    if (turning) setImmediate(turn);
  };

  return {
    enter(socket) {
      // Errors of a socket before TLS and HTTP/2 have taken it over end that socket only (CVE-2025-59465).
      socket.on('error', () => socket.destroy());
      waiting.add(socket);
      newest.push(socket);
      if (waiting.size > mostWaiting) {
        const [oldest] = waiting;
        if (oldest !== undefined) waiting.delete(oldest);
        oldest?.destroy();
      }
      if (newest.length > 2 * mostWaiting) newest = [...waiting];
      if (turning) return;
      turning = true;
      setImmediate(turn);
    },
    stop() {
      for (const socket of waiting) socket.destroy();
      waiting.clear();
      newest = [];
    },
  };
}
