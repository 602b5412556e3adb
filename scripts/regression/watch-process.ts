// Watches what a process costs while it runs, from the kernel's own counts, and finds its quietest seconds.
import { readdirSync, readFileSync } from 'node:fs';

/** The quietest time of a process. */
export interface QuietTime {
  readonly wakeUpsPerSecond: number;
  /** Per cent of a core. */
  readonly cpu: number;
}

interface Sample {
  readonly time: number;
  /** By thread: how often it has waited for something, and CPU in nanoseconds. */
  readonly threads: ReadonlyMap<string, { readonly wakeUps: number; readonly cpu: number }>;
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
  let wakeUps = 0;
  let cpu = 0;
  // Threads that the runtime has ended meanwhile take their counts along; they did little, or it would not have ended them.
  for (const [thread, counts] of end.threads) {
    wakeUps += counts.wakeUps - (start.threads.get(thread)?.wakeUps ?? 0);
    cpu += counts.cpu - (start.threads.get(thread)?.cpu ?? 0);
  }
  return { wakeUpsPerSecond: (1000 * wakeUps) / milliseconds, cpu: (100 * cpu) / (milliseconds * 1e6) };
}

/** Undefined when the process has ended. */
function sampleOf(pid: number): Sample | undefined {
  try {
    const threads = new Map<string, { readonly wakeUps: number; readonly cpu: number }>();
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const folder = `/proc/${pid}/task/${thread}`;
      const waits = /^voluntary_ctxt_switches:\s+(\d+)$/m.exec(readFileSync(`${folder}/status`, 'utf8'))?.[1];
      const [cpu] = readFileSync(`${folder}/schedstat`, 'utf8').split(' ');
      threads.set(thread, { wakeUps: Number(waits ?? 0), cpu: Number(cpu) });
    }
    return { time: performance.now(), threads };
  } catch {
    return undefined;
  }
}
