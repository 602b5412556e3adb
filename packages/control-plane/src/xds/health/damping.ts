// Flapping probes: a workload that fails is out at once, but one that fails again and again must answer for a while before it counts as well.

/** The damping of one probe. Times in milliseconds, of any clock. */
export interface Damping {
  /** What the probe has found at this moment. */
  found(healthy: boolean, now: number): void;
  /** Whether the workload counts as healthy; until when it does not, though its probe says so. */
  state(now: number): { readonly healthy: boolean; readonly heldUntil?: number };
}

/** Failures that are older count no more. */
const memory = 60_000;
/** So many failures within it are forgiven. */
const forgiven = 3;
const longestHold = 30_000;

/** Opens it; nothing has been found yet. */
export function openDamping(): Damping {
  let failures: readonly number[] = [];
  let healthy = false;
  let heldUntil = 0;
  return {
    found(isHealthy, now) {
      if (isHealthy === healthy) return;
      healthy = isHealthy;
      if (!isHealthy) {
        failures = [...failures, now].slice(-16).filter((time) => now - time < memory);
        return;
      }
      const beyond = failures.filter((time) => now - time < memory).length - forgiven;
      heldUntil = beyond <= 0 ? now : now + Math.min(longestHold, 1000 * 2 ** beyond);
    },
    state(now) {
      return healthy && now < heldUntil ? { healthy: false, heldUntil } : { healthy };
    },
  };
}
