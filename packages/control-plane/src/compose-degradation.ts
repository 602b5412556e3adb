// What `/ready` says of a store that cannot be written.
import type { Degradation } from './diagnostics/readiness.ts';
import { shownReason } from './store/shown-reason.ts';
import type { StoreHealth } from './store/store.ts';

/** The store's state as `/ready` tells it; undefined while it works. */
export function degradationOf(health: StoreHealth): Degradation | undefined {
  if (health.ok) return undefined;
  return { since: health.since, reason: shownReason(health.reason), stale: health.stale };
}
