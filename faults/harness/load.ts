// Load on a world, sent by a program on the client's host so that it meets the network that an application meets.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Host } from './hosts.ts';

/** What is sent. */
export interface LoadPlan {
  readonly url: string;
  readonly streamUrl: string;
  /** Requests a second over a few kept connections. */
  readonly keptPerSecond: number;
  /** Requests a second, each over a connection of its own. */
  readonly newPerSecond: number;
}

/** A request that was not answered 200. */
export interface LostRequest {
  /** When it was sent, in milliseconds since 1970; of a stream, when it broke. */
  readonly at: number;
  readonly kind: 'kept' | 'fresh' | 'stream';
  readonly reason: string;
}

/** What came of it. Latencies in milliseconds. */
export interface LoadReport {
  readonly sent: number;
  readonly lost: readonly LostRequest[];
  readonly streamBreaks: readonly LostRequest[];
  /** Streams opened; one when it never broke. */
  readonly streams: number;
  readonly messagesSent: number;
  readonly messagesAnswered: number;
  readonly latency: { readonly median: number; readonly p99: number; readonly most: number };
}

/** Running load. */
export interface Load {
  report(): Promise<LoadReport>;
  /** Ends it; what is under way is waited for. */
  stop(): Promise<LoadReport>;
}

/** The rates of the fault table. */
export const tableRates = { keptPerSecond: 200, newPerSecond: 20 } as const;

/** Starts load on the host. */
export function startLoad(host: Host, plan: LoadPlan): Load {
  const program = join(import.meta.dirname, 'load-client.ts');
  const [command = '', ...args] = host.command([process.execPath, program, JSON.stringify(plan)]);
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return { report: () => ask(child, 'report'), stop: () => ask(child, 'stop') };
}

function ask(child: ChildProcess, word: 'report' | 'stop'): Promise<LoadReport> {
  return new Promise((resolve, reject) => {
    const gone = (code: number | null): void => reject(new Error(`the measuring client ended with ${code}`));
    child.once('exit', gone);
    child.once('message', (report) => {
      child.off('exit', gone);
      resolve(report as LoadReport);
    });
    child.send(word);
  });
}

/** Seconds from a moment until the last request was lost; 0 when none was. */
export function secondsToRecover({ lost }: Pick<LoadReport, 'lost'>, since: number): number {
  const last = lost.reduce((latest, { at }) => Math.max(latest, at), since);
  return (last - since) / 1000;
}

/** Requests that were lost, by reason, for whoever reads the output. */
export function describeLost({ lost, streamBreaks }: Pick<LoadReport, 'lost' | 'streamBreaks'>): string {
  const counts = new Map<string, number>();
  for (const { kind, reason } of [...lost, ...streamBreaks]) {
    const text = `${kind}: ${reason}`;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const times = [...lost, ...streamBreaks].map(({ at }) => at);
  if (times.length === 0) return 'nothing lost';
  const clock = (at: number): string => new Date(at).toISOString().slice(11, 23);
  const span = `between ${clock(times.reduce((one, other) => Math.min(one, other)))} and ${clock(times.reduce((one, other) => Math.max(one, other)))}`;
  return `${[...counts].map(([text, count]) => `${count} × ${text}`).join('; ')}, ${span}`;
}
