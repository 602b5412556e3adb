// Watches what a process costs while it runs, from the kernel's own counts, and finds its quietest seconds.
import { readFileSync } from 'node:fs';

/**
 * The quietest time of a process. Counted is its first thread, where all timers and sockets are: what the runtime's own threads do (collector, compiler,
 * allocator) comes after it, or whenever it pleases them.
 */
export interface QuietTime {
  readonly wakeUpsPerSecond: number;
  /** Per cent of a core. */
  readonly cpu: number;
}

interface Sample {
  readonly time: number;
  /** How often the first thread has waited for something. */
  readonly wakeUps: number;
  /** CPU of the first thread, in nanoseconds. */
  readonly cpu: number;
}

/** Samples the process once a second until `stop`, which gives its quietest time of so many seconds while `isCounted` was true. */
export function watchProcess(pid: number, seconds: number, isCounted: () => boolean) {
  const runs: Sample[][] = [[]];
  const timer = setInterval(() => {
    const sample = isCounted() ? sampleOf(pid) : undefined;
    if (sample === undefined) runs.push([]);
    else runs.at(-1)?.push(sample);
  }, 1000);
  return {
    stop(): QuietTime {
      clearInterval(timer);
      const windows = runs.flatMap((samples) =>
        samples.slice(seconds).map((end, index) => quietTimeOf(samples[index] ?? end, end)),
      );
      return {
        wakeUpsPerSecond: Math.min(...windows.map(({ wakeUpsPerSecond }) => wakeUpsPerSecond)),
        cpu: Math.min(...windows.map(({ cpu }) => cpu)),
      };
    },
  };
}

function quietTimeOf(start: Sample, end: Sample): QuietTime {
  const milliseconds = end.time - start.time;
  const wakeUps = end.wakeUps - start.wakeUps;
  const cpu = end.cpu - start.cpu;
  return { wakeUpsPerSecond: (1000 * wakeUps) / milliseconds, cpu: (100 * cpu) / (milliseconds * 1e6) };
}

/** Undefined when the process has ended. */
function sampleOf(pid: number): Sample | undefined {
  try {
    const first = `/proc/${pid}/task/${pid}`;
    const [cpu] = readFileSync(`${first}/schedstat`, 'utf8').split(' ');
    const waits = /^voluntary_ctxt_switches:\s+(\d+)$/m.exec(readFileSync(`${first}/status`, 'utf8'))?.[1];
    return { time: performance.now(), wakeUps: Number(waits ?? Number.NaN), cpu: Number(cpu) };
  } catch {
    return undefined;
  }
}
