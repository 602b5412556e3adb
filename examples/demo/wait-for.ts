// Waiting for something to become true, with a deadline and a reason when it does not.
import { setTimeout as sleep } from 'node:timers/promises';

/** How long to wait and how often to look, in milliseconds. */
export interface Patience {
  readonly within?: number;
  readonly every?: number;
}

/**
 * Asks until the answer is neither undefined nor false, and gives it. An error counts as "not yet". Throws after the deadline, with what was
 * waited for and the last error.
 */
export async function waitFor<Value>(
  what: string,
  probe: () => Promise<Value | undefined | false> | Value | undefined | false,
  patience: Patience = {},
): Promise<Value> {
  const { within = 10_000, every = 20 } = patience;
  const deadline = performance.now() + within;
  let lastError: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() > deadline) {
      const reason = lastError instanceof Error ? `: ${lastError.message}` : '';
      throw new Error(`${what}: not within ${within} ms${reason}`, { cause: lastError });
    }
    await sleep(every);
  }
}
