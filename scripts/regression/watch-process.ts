// Watches what a process costs while it runs, from the kernel's own counts, and finds its quietest seconds.
import { readdirSync, readFileSync } from 'node:fs';

/** The quietest time of a process. */
export interface QuietTime {
  /**
   * Of its first thread, where all timers and sockets are. What the runtime's own threads do (collector, compiler, allocator) comes after it, or
   * whenever it pleases them.
   */
  readonly wakeUpsPerSecond: number;
  /** Per cent of a core. */
  readonly cpu: number;
}

interface Sample {
  readonly time: number;
  /** How often the first thread has waited for something. */
  readonly wakeUps: number;
  /** CPU in nanoseconds, by thread. */
  readonly threads: ReadonlyMap<string, number>;
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
  let cpu = 0;
  // Threads that the runtime has ended meanwhile take their counts along; they did little, or it would not have ended them.
  for (const [thread, used] of end.threads) cpu += used - (start.threads.get(thread) ?? 0);
  return { wakeUpsPerSecond: (1000 * wakeUps) / milliseconds, cpu: (100 * cpu) / (milliseconds * 1e6) };
}

/** Undefined when the process has ended. */
function sampleOf(pid: number): Sample | undefined {
  try {
    const threads = new Map<string, number>();
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const [cpu] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
      threads.set(thread, Number(cpu));
    }
    const waits = /^voluntary_ctxt_switches:\s+(\d+)$/m.exec(
      readFileSync(`/proc/${pid}/task/${pid}/status`, 'utf8'),
    )?.[1];
    return { time: performance.now(), wakeUps: Number(waits ?? Number.NaN), threads };
  } catch {
    return undefined;
  }
}
