// Whether there is memory for more proxies. Who is connected stays served: better a proxy that comes back in a moment, or goes to another
// instance, than a process that is killed and all proxies that come back at once.
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';

/** Something of which there is only so much, in bytes. */
export interface MemoryUse {
  readonly what: string;
  readonly used: number;
  readonly limit: number;
}

/** Asked before a proxy is let in. */
export interface MemoryGuard {
  /** Why no more proxies are let in; undefined while they are. */
  shortage(): string | undefined;
}

// A thousand proxies that come at once do not measure a thousand times.
const measureEvery = 50;
const mebibyte = 1024 * 1024;

/** Lets proxies in up to this percentage of each limit; 0: always. */
export function openMemoryGuard(
  mostPercent: number,
  measure: () => readonly MemoryUse[] = measureMemory,
  now: () => number = () => performance.now(),
): MemoryGuard {
  let measured = Number.NEGATIVE_INFINITY;
  let reason: string | undefined;
  return {
    shortage() {
      if (mostPercent === 0) return undefined;
      if (now() - measured >= measureEvery) {
        measured = now();
        const scarce = measure().find(({ used, limit }) => used * 100 > limit * mostPercent);
        reason = scarce === undefined ? undefined : describe(scarce);
      }
      return reason;
    },
  };
}

function describe({ what, used, limit }: MemoryUse): string {
  const [usedMebibytes, limitMebibytes] = [used, limit].map((bytes) => Math.round(bytes / mebibyte));
  return `the control plane is short of memory (${usedMebibytes} of ${limitMebibytes} MiB of ${what}) and lets no more proxies in; try again later, or give it more`;
}

/**
 * The most that the JavaScript heap may grow to, in bytes. Bun's heap has no limit of its own; asking it for one would cost a walk over the
 * whole heap, 60 ms each time.
 */
const heapLimit = process.versions.bun === undefined ? getHeapStatistics().heap_size_limit : Number.POSITIVE_INFINITY;

/** What the process uses of what it may: of its cgroup, or of the machine, and of the JavaScript heap. */
function measureMemory(): readonly MemoryUse[] {
  const constrained = process.constrainedMemory();
  const total = totalmem();
  const { rss, heapUsed } = process.memoryUsage();
  return [
    { what: 'memory', used: rss, limit: constrained > 0 ? Math.min(constrained, total) : total },
    { what: 'heap', used: heapUsed, limit: heapLimit },
  ];
}
