// When who may ask an authority again that could not sign: each holder after a wait of its own that doubles, and when many fail, one for all. Pure.

/** How patient it is. */
export interface RetryLimits {
  /** First wait of a holder after a failure, milliseconds. */
  readonly base: number;
  /** Longest wait, milliseconds. */
  readonly max: number;
  /** So many holders must fail before only one asks for all; 0: that never happens. */
  readonly minHolders: number;
}

/** The state of one authority. Times are milliseconds since 1970. */
export interface Circuit {
  /** True while only one holder at a time asks, and seldom. */
  readonly isOpen: boolean;
  /** When the next one may ask while it is open. */
  readonly nextProbe: number;
  /** Holders whose last attempt failed. */
  failing(): Iterable<string>;
  isFailing(holder: string): boolean;
  /** Whether another attempt may begin now, beside so many that are under way. */
  admits(now: number, underway: number): boolean;
  /** Notes a failure. Gives when the holder may try again. */
  failed(holder: string, now: number): number;
  /** Notes a success. True when it closes the circuit: all who were failing may try at once. */
  succeeded(holder: string): boolean;
  /** The holder wants nothing any more. */
  forget(holder: string): void;
}

/** Makes a closed one. */
export function createCircuit({ base, max, minHolders }: RetryLimits): Circuit {
  const attempts = new Map<string, number>();
  let isOpen = false;
  let probes = 0;
  let nextProbe = 0;
  const waitAfter = (failures: number): number => Math.min(max, base * 2 ** Math.min(failures - 1, 30));
  const close = (): void => {
    isOpen = false;
    probes = 0;
  };
  return {
    get isOpen() {
      return isOpen;
    },
    get nextProbe() {
      return nextProbe;
    },
    failing: () => attempts.keys(),
    isFailing: (holder) => attempts.has(holder),
    admits: (now, underway) => !isOpen || (underway === 0 && now >= nextProbe),
    failed(holder, now) {
      const failures = (attempts.get(holder) ?? 0) + 1;
      attempts.set(holder, failures);
      if (minHolders > 0 && attempts.size >= minHolders) isOpen = true;
      if (isOpen) {
        probes += 1;
        nextProbe = now + waitAfter(probes);
      }
      return now + waitAfter(failures);
    },
    succeeded(holder) {
      attempts.delete(holder);
      if (!isOpen) return false;
      close();
      return true;
    },
    forget(holder) {
      attempts.delete(holder);
      if (attempts.size === 0) close();
    },
  };
}
