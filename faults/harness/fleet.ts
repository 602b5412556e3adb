// A fleet of proxies without Envoy (`fleet-client.ts`), for what takes many of them.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { ControlPlaneHost } from './control-plane.ts';
import { dataplaneOf } from './fleet-dataplane.ts';
import type { Host } from './hosts.ts';

/** What the fleet is. Times in milliseconds. */
export interface FleetPlan {
  readonly url: string;
  readonly token: string;
  readonly size: number;
  /** Number of the first proxy. */
  readonly first: number;
  /** Services that the proxies are spread over. */
  readonly services: number;
  /** Services that each of them calls. */
  readonly outbounds: number;
  /** Over how long the first connections are spread. */
  readonly spread: number;
  /** Longest pause before a proxy comes back; Envoy's own is 30 s, that of our bootstrap 1.5 s. */
  readonly pause: number;
}

/** What happened to it. */
export interface FleetReport {
  /** Proxies with a stream. */
  readonly connected: number;
  /** Streams opened so far. */
  readonly streams: number;
  /** Clusters and listeners that were taken away from proxies so far. */
  readonly removed: number;
  readonly updates: number;
  /** Why streams ended so far, with how often. */
  readonly endings: Readonly<Record<string, number>>;
  /** When updates arrived since the last report, in milliseconds since 1970. */
  readonly arrivals: readonly number[];
}

/** A running fleet. */
export interface Fleet {
  readonly size: number;
  report(): Promise<FleetReport>;
  stop(): Promise<FleetReport>;
}

const writersAtOnce = 20;

/**
 * Writes the Dataplanes of a fleet before it starts. Where they come one by one, each is an endpoint more for all who call its service: thousands would
 * be told of it again and again.
 */
export async function registerFleet(
  controlPlane: ControlPlaneHost,
  size: number,
  plan: Pick<FleetPlan, 'services' | 'outbounds'>,
): Promise<void> {
  let next = 0;
  const register = async (): Promise<void> => {
    while (next < size) {
      const dataplane = dataplaneOf(next++, plan);
      const { status, text } = await controlPlane.request(
        'PUT',
        `/meshes/default/dataplanes/${dataplane.name}`,
        dataplane,
      );
      if (status !== 201) throw new Error(`${dataplane.name} was answered with ${status}: ${text}`);
    }
  };
  await Promise.all(Array.from({ length: writersAtOnce }, register));
}

/** Starts a fleet on a host. */
export async function startFleet(
  host: Host,
  controlPlane: ControlPlaneHost,
  size: number,
  options: Partial<Omit<FleetPlan, 'url' | 'token' | 'size'>> = {},
): Promise<Fleet> {
  const answer = await controlPlane.request('POST', '/tokens/dataplane', { mesh: 'default', validFor: '24h' });
  const defaults = { first: 0, services: 50, outbounds: 10, spread: 5000, pause: 1500 };
  const plan: FleetPlan = { ...defaults, ...options, url: controlPlane.dataPlaneUrl, token: answer.text, size };
  const [command = '', ...args] = host.command([
    process.execPath,
    join(import.meta.dirname, 'fleet-client.ts'),
    JSON.stringify(plan),
  ]);
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return { size, report: () => ask(child, 'report'), stop: () => ask(child, 'stop') };
}

function ask(child: ChildProcess, word: 'report' | 'stop'): Promise<FleetReport> {
  return new Promise((resolve, reject) => {
    const gone = (code: number | null): void => reject(new Error(`the fleet ended with ${code}`));
    child.once('exit', gone);
    child.once('message', (report) => {
      child.off('exit', gone);
      resolve(report as FleetReport);
    });
    child.send(word);
  });
}
