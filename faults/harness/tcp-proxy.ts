// A wire that misbehaves: a TCP proxy in this process that can delay, lose, stall, cut and leave connections half-open.
import { connect, createServer, type Socket } from 'node:net';

/** What the wire does to bytes. */
export interface WireFault {
  /** Milliseconds that each piece of data takes, in each direction. */
  readonly delay?: number;
  /**
   * Share of pieces that are "lost": TCP sends them again, so that they come late by a retransmission timeout (200 ms), and all after them.
   */
  readonly loss?: number;
  /** Nothing gets through any more, and nobody is told: what a firewall does that forgets a connection. */
  readonly silent?: boolean;
  /** New connections are refused, and open ones reset. */
  readonly cut?: boolean;
}

/** A proxy that runs. */
export interface TcpProxy {
  readonly port: number;
  /** From now on the wire does this to connections that are open and to new ones; `{}` is a good wire. */
  set(fault: WireFault): void;
  /** Leaves the connections that are open now silent for ever; new ones work. */
  silenceOpen(): void;
  /** Where it leads; for a primary that has moved. */
  lead(host: string, port: number): void;
  /** Pieces of data that went through, towards the target. */
  pieces(): number;
  close(): void;
}

const retransmission = 200;

/** Opens a proxy on an address. */
export async function openTcpProxy(listen: string, host: string, port: number): Promise<TcpProxy> {
  let target = { host, port };
  let fault: WireFault = {};
  let pieces = 0;
  const open = new Set<Wire>();
  const server = createServer((socket) => {
    if (fault.cut === true) {
      socket.resetAndDestroy();
      return;
    }
    const other = connect(target);
    const wire: Wire = { sockets: [socket, other], silent: false };
    open.add(wire);
    const end = (): void => {
      open.delete(wire);
      // Nobody is told on a silent wire.
      if (wire.silent || fault.silent === true) return;
      socket.destroy();
      other.destroy();
    };
    for (const [from, to] of [
      [socket, other],
      [other, socket],
    ] as const) {
      from.setNoDelay(true);
      from.on('error', end);
      from.on('close', end);
      const forward = inOrder((data) => {
        if (!to.destroyed && !wire.silent && fault.silent !== true) to.write(data);
      });
      from.on('data', (data: Buffer) => {
        if (from === socket) pieces += 1;
        const lost = fault.loss !== undefined && Math.random() < fault.loss;
        forward(data, (fault.delay ?? 0) + (lost ? retransmission : 0));
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, listen, () => resolve()));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    set(next) {
      fault = next;
      if (fault.cut !== true) return;
      for (const { sockets } of open) for (const socket of sockets) socket.resetAndDestroy();
      open.clear();
    },
    silenceOpen() {
      for (const wire of open) wire.silent = true;
    },
    lead(nextHost, nextPort) {
      target = { host: nextHost, port: nextPort };
    },
    pieces: () => pieces,
    close: () => void server.close(),
  };
}

interface Wire {
  readonly sockets: readonly [Socket, Socket];
  silent: boolean;
}

/** Hands data on after its delay, and never before what came earlier. */
function inOrder(give: (data: Buffer) => void): (data: Buffer, delay: number) => void {
  let free = 0;
  return (data, delay) => {
    const now = performance.now();
    free = Math.max(free, now + delay);
    if (free <= now) give(data);
    else setTimeout(give, free - now, data);
  };
}
