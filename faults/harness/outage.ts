// What a control plane answers while its store is gone: reads and writes are asked of it all the time, and every answer is kept.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlPlaneHost } from './control-plane.ts';
import { startWriting } from './records.ts';

/** What was seen. Times in milliseconds. */
export interface OutageReport {
  /** The longest call of all. */
  readonly longest: number;
  readonly readsRefused: number;
  /** Reads without the warning that they may be old. */
  readonly readsUnmarked: number;
  /** Writes that were neither done nor answered 503 with Retry-After and a cause. */
  readonly writesUnexplained: number;
  /** Looks at `/ready` at which it did not say that the store is degraded. */
  readonly readyUnmarked: number;
  /** Until the first write was acknowledged, from the moment the store was back. */
  readonly recovered: number | undefined;
  readonly acknowledgedLost: number;
  readonly acknowledged: number;
}

/** How long a control plane may take to notice (it asks every 2 s and waits 1.8 s): what it says before is not held against it. */
const noticing = 4000;
const patience = 20_000;

/** Takes the store away for a time, watches, gives it back and counts. */
export async function watchOutage(
  controlPlane: ControlPlaneHost,
  takeAway: () => Promise<void> | void,
  giveBack: () => Promise<void> | void,
  milliseconds: number,
): Promise<OutageReport> {
  const writer = startWriting(controlPlane, 'outage');
  await sleep(1000);
  await takeAway();
  const gone = performance.now();
  const seen = { longest: 0, readsRefused: 0, readsUnmarked: 0, readyUnmarked: 0 };
  while (performance.now() - gone < milliseconds) {
    const noticed = performance.now() - gone > noticing;
    const read = await controlPlane.request('GET', '/meshes/default/dataplanes').catch(() => undefined);
    seen.longest = Math.max(seen.longest, read?.took ?? Number.POSITIVE_INFINITY);
    if (read?.status !== 200) seen.readsRefused += 1;
    else if (noticed && !read.stale) seen.readsUnmarked += 1;
    const ready = await (await fetch(`${controlPlane.diagnosticsUrl}/ready`)).text();
    if (noticed && !ready.includes('degraded')) seen.readyUnmarked += 1;
    await sleep(100);
  }
  await giveBack();
  const back = performance.now();
  const firstDone = (): number | undefined =>
    writer.writes
      .filter(({ status }) => status > 0 && status < 300)
      .map(({ at, took }) => at + took)
      .find((done) => done > back);
  while (firstDone() === undefined && performance.now() < back + patience) await sleep(10);
  const recovered = firstDone();
  await sleep(500);
  await writer.stop();
  const during = writer.writes.filter(({ at }) => at > gone && at < back);
  const unexplained = during.filter(({ status, retryAfter, text }) =>
    status >= 300 ? !(status === 503 && retryAfter && /store|database|PostgreSQL/i.test(text)) : status === 0,
  );
  return {
    ...seen,
    longest: Math.max(seen.longest, ...writer.writes.map(({ took }) => took)),
    writesUnexplained: unexplained.length,
    recovered: recovered === undefined ? undefined : recovered - back,
    acknowledgedLost: await writer.lost(controlPlane),
    acknowledged: writer.writes.filter(({ status }) => status > 0 && status < 300).length,
  };
}
