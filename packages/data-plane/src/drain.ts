// Takes a proxy out of service without losing a request: no new traffic, then quiet, then closed doors. Envoy is stopped after it.
import { setTimeout as sleep } from 'node:timers/promises';
import { type AdminAddress, askEnvoy } from './envoy/admin.ts';
import type { Log } from './log.ts';

/** How a drain goes. Times in milliseconds. */
export interface DrainOptions {
  readonly admin: AdminAddress;
  /** After this long the drain ends, quiet or not. */
  readonly drainTime: number;
  /** Tells the control plane, so that other proxies stop sending here; true when it has done so. */
  readonly withdraw: () => Promise<boolean>;
  readonly log: Log;
  /** Aborted when somebody is in a hurry or Envoy is gone: the drain ends. */
  readonly signal: AbortSignal;
}

/** How long nothing may have happened before the proxy counts as quiet. Longer than a push to the other proxies takes. */
const quietTime = 1000;
const pollInterval = 100;

/**
 * Drains Envoy. `healthcheck/fail` makes it ask every client to come back on another connection (`connection: close`, GOAWAY). While clients
 * may still come, it keeps answering them; when it has been quiet for a while its listeners close. Without the control plane's word that
 * other proxies know, only the drain time tells when nobody will come any more.
 */
export async function drain(options: DrainOptions): Promise<void> {
  const { admin, drainTime, log, signal } = options;
  const deadline = performance.now() + drainTime;
  try {
    const withdrawn = await options.withdraw();
    await askEnvoy(admin, 'POST', '/healthcheck/fail');
    log.info(
      withdrawn
        ? 'other proxies are told to send no more; waiting for requests in flight'
        : 'waiting for the drain time',
      { drainTime },
    );
    let quietSince: number | undefined;
    while (performance.now() < deadline) {
      const active = countActivity((await askEnvoy(admin, 'GET', activityPath)).body);
      if (active > 0) quietSince = undefined;
      else quietSince ??= performance.now();
      if (withdrawn && quietSince !== undefined && performance.now() - quietSince >= quietTime) break;
      await sleep(Math.min(pollInterval, Math.max(1, deadline - performance.now())), undefined, { signal });
    }
    await askEnvoy(admin, 'POST', '/drain_listeners?inboundonly');
    log.info(quietSince === undefined ? 'the drain time is over; what is still in flight is cut off' : 'drained');
  } catch (cause) {
    if (!signal.aborted) log.warn('Envoy could not be drained', { cause: (cause as Error).message });
  }
}

const activityPath = '/stats?filter=%5E(http%7Clistener)%5C..*downstream_(rq%7Ccx)_active';

/**
 * Counts what is under way in Envoy's `/stats`: HTTP requests anywhere, and connections of listeners that are not outbound. Idle connections
 * of the application to its outbounds do not count: nothing is lost with them.
 */
export function countActivity(stats: string): number {
  let active = 0;
  for (const line of stats.split('\n')) {
    const [, kind, name, what, count] = line.match(/^(http|listener)\.(.+)\.downstream_(rq|cx)_active: (\d+)$/) ?? [];
    if (kind === undefined || name === undefined || name.startsWith('admin')) continue;
    if (kind === 'http' ? what === 'rq' : what === 'cx') active += Number(count);
  }
  return active;
}
