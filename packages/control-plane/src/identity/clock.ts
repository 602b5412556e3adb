// Time, handed in wherever it matters, so that rotation and expiry are tested without waiting.

/** The current time and one-shot timers. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Runs once at a time (milliseconds since 1970), at once when it has passed. */
  at(time: number, run: () => void): { stop(): void };
}

// Timers of the platform overflow after 24.8 days and then fire at once.
const longestTimer = 2 ** 31 - 1;

/** The machine's clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  at(time, run) {
    let timer: NodeJS.Timeout | undefined;
    const arm = (): void => {
      const remaining = Math.max(0, time - Date.now());
      timer = setTimeout(() => (remaining > longestTimer ? arm() : run()), Math.min(remaining, longestTimer));
      timer.unref();
    };
    arm();
    return { stop: () => clearTimeout(timer) };
  },
};
