// Whether the control plane does its work now: what `/ready` answers.

/** Why a part is not ready; undefined when it is. */
export type ReadinessCheck = () => string | undefined;

/** A part that works less well than it should: what it still does, it does, so the instance stays in service. */
export interface Degradation {
  /** RFC 3339. */
  readonly since: string;
  readonly reason: string;
  /** True when what it shows may be old. */
  readonly stale: boolean;
}

/** The parts that must be ready, by name. */
export interface Readiness {
  /** Adds a part that is asked at each request. */
  add(name: string, check: ReadinessCheck): void;
  /** Adds a part that is not ready until the returned function is called. */
  await(name: string, reason: string): () => void;
  /** Adds a part that may be degraded; that does not make the instance unready. */
  addDegradable(name: string, check: () => Degradation | undefined): void;
  /** Reasons by part; empty when all are ready. */
  reasons(): Readonly<Record<string, string>>;
  /** The parts that are degraded now. */
  degraded(): Readonly<Record<string, Degradation>>;
}

/** An empty set of parts. */
export function createReadiness(): Readiness {
  const checks = new Map<string, ReadinessCheck>();
  const degradable = new Map<string, () => Degradation | undefined>();
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
    addDegradable(name, check) {
      degradable.set(name, check);
    },
    reasons: () => found(checks),
    degraded: () => found(degradable),
  };
}

/** What the checks have to say, by name. */
function found<Said>(checks: ReadonlyMap<string, () => Said | undefined>): Readonly<Record<string, Said>> {
  return Object.fromEntries(
    [...checks].flatMap(([name, check]) => {
      const said = check();
      return said === undefined ? [] : [[name, said] as const];
    }),
  );
}
