// A worker's end: which one it is, what it tells the process that started it, and that it ends when that one is gone.

/** Number of this worker, from 1; undefined when this process is none. */
export function workerNumber(env: NodeJS.ProcessEnv): number | undefined {
  return env.URSA_WORKER === undefined ? undefined : Number(env.URSA_WORKER);
}

/** What a worker tells once it serves. */
export interface WorkerReady {
  readonly diagnosticsPort: number;
}

/** Tells it. */
export function tellReady(ready: WorkerReady): void {
  process.send?.(ready);
}

/** Calls back when the process that started this one is gone. */
export function onOrphaned(listener: () => void): void {
  if (process.send !== undefined) process.once('disconnect', listener);
}
