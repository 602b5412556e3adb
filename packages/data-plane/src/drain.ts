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
    const outbounds = outboundStatNames((await askEnvoy(admin, 'GET', listenersPath)).body);
    let quietSince: number | undefined;
    while (performance.now() < deadline) {
      const active = countActivity((await askEnvoy(admin, 'GET', activityPath)).body, outbounds);
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
const listenersPath = '/config_dump?resource=dynamic_listeners';

/**
 * Counts what is under way in Envoy's `/stats`: HTTP requests anywhere, and connections of all listeners but the outbound ones. Connections of
 * the application to its outbounds do not count: while they are idle, nothing is lost with them.
 */
export function countActivity(stats: string, outbounds: ReadonlySet<string>): number {
  let active = 0;
  for (const line of stats.split('\n')) {
    const [, kind, name, what, count] = line.match(/^(http|listener)\.(.+)\.downstream_(rq|cx)_active: (\d+)$/) ?? [];
    if (kind === undefined || name === undefined || /^admin(\.|$)|\.worker_\d+$/.test(name)) continue;
    if (kind === 'http' ? what === 'rq' : what === 'cx' && !outbounds.has(name)) active += Number(count);
  }
  return active;
}

interface ListenerDump {
  readonly configs?: readonly {
    readonly active_state?: {
      readonly listener?: {
        readonly traffic_direction?: string;
        readonly stat_prefix?: string;
        readonly address?: { readonly socket_address?: { readonly address?: string; readonly port_value?: number } };
      };
    };
  }[];
}

/** Names under which Envoy counts its outbound listeners, from its configuration: the prefix they were given, or their address. */
export function outboundStatNames(dump: string): ReadonlySet<string> {
  const { configs = [] }: ListenerDump = JSON.parse(dump);
  const names = new Set<string>();
  for (const { active_state: state } of configs) {
    const listener = state?.listener;
    if (listener?.traffic_direction !== 'OUTBOUND') continue;
    const { address = '', port_value: port = 0 } = listener.address?.socket_address ?? {};
    const host = address.includes(':') ? `[${address}]` : address;
    names.add((listener.stat_prefix ?? `${host}:${port}`).replaceAll(':', '_'));
  }
  return names;
}
