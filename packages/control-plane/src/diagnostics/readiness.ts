// Whether the control plane does its work now: what `/ready` answers.

/** Why a part is not ready; undefined when it is. */
export type ReadinessCheck = () => string | undefined;

/** The parts that must be ready, by name. */
export interface Readiness {
  /** Adds a part that is asked at each request. */
  add(name: string, check: ReadinessCheck): void;
  /** Adds a part that is not ready until the returned function is called. */
  await(name: string, reason: string): () => void;
  /** Reasons by part; empty when all are ready. */
  reasons(): Readonly<Record<string, string>>;
}

/** An empty set of parts. */
export function createReadiness(): Readiness {
  const checks = new Map<string, ReadinessCheck>();
  return {
    add(name, check) {
      checks.set(name, check);
    },
    await(name, reason) {
      let waiting = true;
      checks.set(name, () => (waiting ? reason : undefined));
      return () => {
        waiting = false;
      };
    },
    reasons() {
      const found = [...checks].flatMap(([name, check]) => {
        const reason = check();
        return reason === undefined ? [] : [[name, reason] as const];
      });
      return Object.fromEntries(found);
    },
  };
}
