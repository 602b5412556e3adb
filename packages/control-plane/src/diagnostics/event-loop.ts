// How long the event loop keeps others waiting, measured only while there is work: whoever begins some marks it, and what comes next in the loop
// tells how long it took until somebody else could have had his turn. An idle control plane has no timer for this.
import type { Meter } from '@ursa/telemetry';

/** Measures turns of the event loop. */
export interface EventLoopProbe {
  /** Work begins, or began at a time of `performance.now()`. */
  mark(started?: number): void;
}

// The largest of the last one to two windows is told: what one reader has seen must not be lost to another.
const windowMilliseconds = 60_000;

/** Declares the metrics. */
export function eventLoopProbe(meter: Meter, now: () => number = () => performance.now()): EventLoopProbe {
  const lag = meter
    .histogram(
      'event_loop_lag_seconds',
      'Time others had to wait in a turn of the event loop in which there was work.',
      [0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    )
    .of();
  let marked: number | undefined;
  let window = { since: now(), largest: 0 };
  let previous = 0;
  const turnWindow = (): void => {
    const age = now() - window.since;
    if (age < windowMilliseconds) return;
    previous = age < 2 * windowMilliseconds ? window.largest : 0;
    window = { since: now(), largest: 0 };
  };
  meter.read('event_loop_lag_max_seconds', 'gauge', 'The longest wait of the last minute or two.', () => {
    turnWindow();
    return Math.max(previous, window.largest) / 1000;
  });
  return {
    mark(started = now()) {
      if (marked !== undefined) {
        marked = Math.min(marked, started);
        return;
      }
      marked = started;
      setImmediate(() => {
        const waited = now() - (marked ?? started);
        marked = undefined;
        lag.observe(waited / 1000);
        turnWindow();
        window.largest = Math.max(window.largest, waited);
      });
    },
  };
}
