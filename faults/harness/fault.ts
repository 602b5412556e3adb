// What a fault is: a folder with one script that does something bad to a world under load and says what it cost.
import type { Programs } from '../../examples/demo/programs.ts';

/** A figure's bound, which decides whether the promise was kept. */
export type Target =
  | { readonly atMost: number }
  /** The figure is reported, nothing was promised. */
  | undefined;

/** One measured value. */
export interface Figure {
  /** `requests lost`, `seconds until the endpoint is withdrawn`. */
  readonly name: string;
  /** Null when it could not be measured: what was waited for did not come. */
  readonly value: number | null;
  /** `s`, `ms`, `MiB`; empty for counts. */
  readonly unit: string;
  readonly target: Target;
}

/** Which programs are put to the test. */
export type Runtime = 'executable' | 'node';

/** What a fault gets: programs to start and how much time it may take. */
export interface FaultContext {
  readonly programs: Programs;
  readonly runtime: Runtime;
  /** A folder of its own, gone afterwards. */
  readonly folder: string;
  /** Asked for with `--long`: the length that the fault table asks for, not the one that fits a build. */
  readonly long: boolean;
  /** Minutes that a soak, or killing again and again, lasts, when they were given. */
  readonly minutes: number | undefined;
  /** A line for whoever watches. */
  say(line: string): void;
}

/** A fault of the table. */
export interface Fault {
  /** Row of the fault table, `F1`. */
  readonly id: string;
  /** What happens, in a few words. */
  readonly title: string;
  /** How it is brought about here. */
  readonly how: string;
  /**
   * `ci`: part of `npm test`. `fast`: under two minutes, run by `npm run faults`. `long`: only with `--long` or by name.
   */
  readonly pace: 'ci' | 'fast' | 'long';
  /** What this machine lacks for it; undefined when it can run. */
  readonly lacks?: () => string | undefined;
  run(context: FaultContext): Promise<readonly Figure[]>;
}

/** Gives the fault as it is; for its types. */
export function defineFault(fault: Fault): Fault {
  return fault;
}

/** A value that must not be exceeded; undefined when it could not be measured. */
export function atMost(bound: number, name: string, value: number | undefined, unit = ''): Figure {
  return { name, value: value ?? null, unit, target: { atMost: bound } };
}

/** A value to know, without a promise. */
export function reported(name: string, value: number | undefined, unit = ''): Figure {
  return { name, value: value ?? null, unit, target: undefined };
}

/** Whether the promise was kept. A figure that could not be measured breaks it. */
export function isMet({ value, target }: Figure): boolean {
  if (target === undefined) return true;
  if (value === null) return false;
  return value <= target.atMost;
}
