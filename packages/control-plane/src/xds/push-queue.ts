// Spreads a fan-out over the event loop: a change for a thousand proxies must not keep the thousand-and-first waiting.

/** Work to be done soon, in order, in short slices. */
export interface PushQueue<Job extends object> {
  /** Adds a job; one that waits already is not added again. */
  add(job: Job): void;
  remove(job: Job): void;
  /** Jobs that wait now. */
  readonly size: number;
}

// Long enough to be efficient, short enough that a request between two slices is not noticed.
const sliceMilliseconds = 8;

/** Opens a queue that calls `run` for each job. Nothing runs while it is empty. */
export function openPushQueue<Job extends object>(
  run: (job: Job) => void,
  now: () => number = () => performance.now(),
): PushQueue<Job> {
  const jobs = new Set<Job>();
  let scheduled = false;
  const slice = (): void => {
    scheduled = false;
    const end = now() + sliceMilliseconds;
    for (const job of jobs) {
      jobs.delete(job);
      run(job);
      if (now() >= end) break;
    }
    if (jobs.size > 0) schedule();
  };
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(slice);
  };
  return {
    add(job) {
      jobs.add(job);
      schedule();
    },
    remove: (job) => void jobs.delete(job),
    get size() {
      return jobs.size;
    },
  };
}
