// Spreads a fan-out over the event loop: a change for a thousand proxies must not keep the thousand-and-first waiting.

/** Work to be done soon, in order, in short slices. */
export interface PushQueue<Job extends object> {
  /** Adds a job; one that waits already is not added again. */
  add(job: Job): void;
  /** Adds a job that is to be finished when all others have run, or have kept it waiting for a second. */
  postpone(job: Job): void;
  remove(job: Job): void;
  /** Jobs that wait now. */
  readonly size: number;
}

/** What is done with a job. */
export interface PushWork<Job extends object> {
  readonly run: (job: Job) => void;
  readonly finish: (job: Job) => void;
}

// Long enough to be efficient, short enough that a request between two slices is not noticed.
const sliceMilliseconds = 8;
// Others may never end: what has waited for so long goes first.
const patienceMilliseconds = 1000;

/** Opens a queue. Nothing runs while it is empty. `now` in milliseconds. */
export function openPushQueue<Job extends object>(
  { run, finish }: PushWork<Job>,
  now: () => number = () => performance.now(),
): PushQueue<Job> {
  const jobs = new Set<Job>();
  // With the time at which they were postponed.
  const postponed = new Map<Job, number>();
  let scheduled = false;

  const work = (time: number): void => {
    const [job] = jobs;
    const [last] = postponed;
    if (last !== undefined && (job === undefined || time - last[1] >= patienceMilliseconds)) {
      postponed.delete(last[0]);
      finish(last[0]);
    } else if (job !== undefined) {
      jobs.delete(job);
      run(job);
    }
  };
  const slice = (): void => {
    scheduled = false;
    let time = now();
    const end = time + sliceMilliseconds;
    while (time < end && jobs.size + postponed.size > 0) {
      work(time);
      time = now();
    }
    if (jobs.size + postponed.size > 0) schedule();
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
    postpone(job) {
      if (!postponed.has(job)) postponed.set(job, now());
      schedule();
    },
    remove(job) {
      jobs.delete(job);
      postponed.delete(job);
    },
    get size() {
      return jobs.size + postponed.size;
    },
  };
}
