// The second net under callers that wait for a write: whatever the store does, they get an answer in time, and only so many of them wait.
import { MeshError } from '@ursa/resources';
import { shownReason } from './shown-reason.ts';
import type { Store, WriteResult } from './store.ts';

/** How long and how many. */
export interface WriteLimits {
  readonly milliseconds: number;
  /** Writes that have not ended in the store, those included whose caller has had its answer. More are refused at once. */
  readonly mostWaiting: number;
}

/** For callers over the network: with what they cost themselves they stay below two seconds. */
export const networkWriteLimits: WriteLimits = { milliseconds: 1_800, mostWaiting: 1_000 };

/**
 * Writes to the store that end in time. Errors, besides the store's: `unavailable` when the store has not answered in time (the write may
 * still happen), or when too many wait already (it does not).
 */
export function withWriteDeadline(
  store: Pick<Store, 'write' | 'health'>,
  { milliseconds, mostWaiting }: WriteLimits,
): Pick<Store, 'write'> {
  let waiting = 0;
  const cause = (): string => {
    const health = store.health();
    return health.ok ? '' : ` (degraded since ${health.since}: ${shownReason(health.reason)})`;
  };
  return {
    async write(writes) {
      if (waiting >= mostWaiting) {
        throw new MeshError(
          'unavailable',
          `nothing was written: ${mostWaiting} writes wait for the store already${cause()}; try again later`,
        );
      }
      waiting += 1;
      const stored = store.write(writes).finally(() => {
        waiting -= 1;
      });
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<WriteResult>((_, reject) => {
        timer = setTimeout(() => {
          const message = `the store has not answered within ${milliseconds / 1000} s${cause()}: whether the change was stored is not known; read it again before you repeat it`;
          reject(new MeshError('unavailable', message));
        }, milliseconds);
      });
      try {
        return await Promise.race([stored, late]);
      } finally {
        clearTimeout(timer);
        // Nobody waits any more for what comes too late.
        stored.catch(() => undefined);
      }
    },
  };
}
