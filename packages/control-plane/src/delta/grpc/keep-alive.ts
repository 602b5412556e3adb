// Who asks whether a silent client is there: the kernel, at no cost of ours. Node can tell it how often; the single-file executable's runtime knows the
// first of the numbers only (it would ask ten times), so there the kernel is told directly.
import type { Socket } from 'node:net';

/** Milliseconds of silence until the kernel asks, milliseconds from one question to the next, and unanswered questions until the connection is cut. */
const keepAlive = [2_000, 1_000, 3] as const;

/** The part of `bun:ffi` that is used. */
interface ForeignFunctions {
  dlopen(
    library: string,
    functions: { readonly setsockopt: { readonly args: readonly string[]; readonly returns: string } },
  ): {
    readonly symbols: { setsockopt(fd: number, level: number, name: number, value: Int32Array, size: number): number };
  };
}

/** Linux: `IPPROTO_TCP`, `TCP_KEEPINTVL` and `TCP_KEEPCNT`. */
const tcp = { level: 6, interval: 5, count: 6 } as const;

type Refine = (socket: Socket) => void;

/**
 * What gives a connection its keep-alive: a machine that is lost while all is quiet is known to be after five seconds. Where the kernel cannot be told all of
 * it (not on Linux, or without its C library), it takes twelve on the single-file executables.
 */
export async function openKeepAlive(): Promise<(socket: Socket) => void> {
  const refine = process.versions.bun === undefined || process.platform !== 'linux' ? undefined : await openRefine();
  return (socket) => {
    socket.setKeepAlive(true, ...keepAlive);
    refine?.(socket);
  };
}

async function openRefine(): Promise<Refine | undefined> {
  try {
    // Not a literal: other runtimes, and what checks types for them, do not know it.
    const name = 'bun:ffi';
    const { dlopen }: ForeignFunctions = await import(name);
    const { symbols } = dlopen('libc.so.6', {
      setsockopt: { args: ['int', 'int', 'int', 'ptr', 'u32'], returns: 'int' },
    });
    const [, interval, count] = keepAlive;
    const seconds = new Int32Array([interval / 1000]);
    const times = new Int32Array([count]);
    return (socket) => {
      const { fd } = (socket as { readonly _handle?: { readonly fd?: unknown } })._handle ?? {};
      if (typeof fd !== 'number' || fd < 0) return;
      symbols.setsockopt(fd, tcp.level, tcp.interval, seconds, seconds.byteLength);
      symbols.setsockopt(fd, tcp.level, tcp.count, times, times.byteLength);
    };
  } catch {
    return undefined;
  }
}
