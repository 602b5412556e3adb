// A wire that can be cut without a sound: a proxy for TCP that stops forwarding, and closes nothing.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A wire to a port of this machine. */
export interface Wire {
  readonly port: number;
  /** From now on nothing comes through, on open connections either; new ones are taken and stay silent. */
  cut(): void;
  /** Connections made from now on work; those that were cut stay silent for ever. */
  mend(): void;
  /** The next time the program sends this text, the connection breaks: before it arrives, or after it was answered and nobody hears the answer. */
  cutAt(text: string, when: 'before' | 'after'): void;
  /** How many connections broke so. */
  cuts(): number;
  /** What the program at this end sent, in bytes. */
  sent(): number;
  close(): void;
}

/** Opens a wire to a port. */
export async function openWire(target: number): Promise<Wire> {
  const sockets = new Set<Socket>();
  let isCut = false;
  let sent = 0;
  let trap: { readonly text: string; readonly when: 'before' | 'after' } | undefined;
  let cuts = 0;
  const server = createServer((near) => {
    sockets.add(near);
    near.on('error', () => undefined);
    if (isCut) return;
    let isDeaf = false;
    const far = connect(target, '127.0.0.1');
    sockets.add(far);
    far.on('error', () => near.destroy());
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      let silent = false;
      from.on('data', (bytes) => {
        if (isCut) silent = true;
        if (silent) return;
        if (from === near) {
          sent += bytes.length;
          isDeaf ||= trap?.when === 'after' && bytes.includes(trap.text);
        }
        const isLost = from === near ? trap?.when === 'before' && bytes.includes(trap.text) : isDeaf;
        if (!isLost) {
          to.write(bytes);
          return;
        }
        trap = undefined;
        cuts += 1;
        near.resetAndDestroy();
      });
      from.on('end', () => silent || isCut || to.end());
    }
    near.on('close', () => far.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return {
    port: address.port,
    cut() {
      isCut = true;
      for (const socket of sockets) socket.pause();
    },
    mend() {
      isCut = false;
    },
    cutAt(text, when) {
      trap = { text, when };
    },
    cuts: () => cuts,
    sent: () => sent,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
