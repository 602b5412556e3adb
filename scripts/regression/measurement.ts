// What one run of the regression shape costs, and whether that is more than the baseline allows: pure, so that its arithmetic is tested.

/** One run. Counts are per change; CPU is in units of a fixed calibration work, so that a slower machine gives the same number. */
export interface Measurement {
  /** Bytes that all proxies together receive for a change, by kind of change. */
  readonly bytesPerChange: Readonly<Record<string, number>>;
  /** Results of derivations that are recomputed in the whole run, per proxy. */
  readonly recomputedPerProxy: number;
  /** CPU of the control plane for the changes. */
  readonly cpuPerChange: number;
  /** And for switching the mTLS of all on or off. */
  readonly cpuPerSwitch: number;
  /** Of the quietest seconds with all proxies connected: how often the first thread of the control plane woke up in a second. */
  readonly idleWakeUps: number;
  /** CPU of these seconds, in per cent of a core. */
  readonly idleCpu: number;
}

/** One figure beside what it may be. */
export interface Verdict {
  readonly what: string;
  readonly measured: number;
  readonly baseline: number;
  readonly limit: number;
  readonly failed: boolean;
}

const tolerance = 1.2;
// Below these a difference is noise of the machine and of the runtime's own timers and collections (decision 0206). A timer of ours that runs
// four times a second is above.
const quietWakeUps = 4;
const quietCpu = 4;

/** Holds a run against the baseline. A kind of change that is on one side only fails: nothing was measured. */
export function compare(measured: Measurement, baseline: Measurement): readonly Verdict[] {
  const kinds = new Set([...Object.keys(measured.bytesPerChange), ...Object.keys(baseline.bytesPerChange)]);
  const verdict = (what: string, found: number, known: number, least = 0): Verdict => {
    const limit = Math.max(known, least) * tolerance;
    // Not "found > limit": what is no number has not been measured.
    return { what, measured: found, baseline: known, limit, failed: !(found <= limit) };
  };
  return [
    ...[...kinds].map((kind) =>
      verdict(
        `bytes per change: ${kind}`,
        measured.bytesPerChange[kind] ?? Number.NaN,
        baseline.bytesPerChange[kind] ?? Number.NaN,
      ),
    ),
    verdict('recomputed per proxy', measured.recomputedPerProxy, baseline.recomputedPerProxy),
    verdict('CPU per change (calibrations)', measured.cpuPerChange, baseline.cpuPerChange),
    verdict('CPU of mTLS on or off (calibrations)', measured.cpuPerSwitch, baseline.cpuPerSwitch),
    verdict('idle wake-ups per second', measured.idleWakeUps, baseline.idleWakeUps, quietWakeUps),
    verdict('idle CPU (% of a core)', measured.idleCpu, baseline.idleCpu, quietCpu),
  ];
}

/** The least of each figure over several runs: what else the machine does can only add to them. */
export function best(runs: readonly Measurement[]): Measurement {
  const least = (read: (run: Measurement) => number): number => Math.min(...runs.map(read));
  const kinds = new Set(runs.flatMap(({ bytesPerChange }) => Object.keys(bytesPerChange)));
  return {
    bytesPerChange: Object.fromEntries(
      [...kinds].map((kind) => [kind, least((run) => run.bytesPerChange[kind] ?? Number.NaN)]),
    ),
    recomputedPerProxy: least((run) => run.recomputedPerProxy),
    cpuPerChange: least((run) => run.cpuPerChange),
    cpuPerSwitch: least((run) => run.cpuPerSwitch),
    idleWakeUps: least((run) => run.idleWakeUps),
    idleCpu: least((run) => run.idleCpu),
  };
}

/** The verdicts as a table. */
export function formatVerdicts(verdicts: readonly Verdict[]): string {
  const number = (value: number): string => String(Number(value.toPrecision(4)));
  const rows = verdicts.map(
    ({ what, measured, baseline, limit, failed }) =>
      `| ${what} | ${number(measured)} | ${number(baseline)} | ${number(limit)} | ${failed ? 'too much' : 'ok'} |`,
  );
  return ['| figure | measured | baseline | limit | |', '|---|---|---|---|---|', ...rows].join('\n');
}
