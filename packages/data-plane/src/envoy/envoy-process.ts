// Starts Envoy as a child that cannot outlive kuma-dp, forwards its log, and says how it ended.
import type { ChildProcess } from 'node:child_process';
import { MeshError } from '@ursa/resources';
import { spawnGuarded } from '../guarded-child.ts';
import type { Log } from '../log.ts';
import { envoyLineForwarder, lineSplitter } from './log-line.ts';

/** How Envoy ended. */
export interface EnvoyExit {
  /** Its exit code, or 128 + the signal's number as shells do it. */
  readonly code: number;
  readonly reason: string;
}

/** A running Envoy. */
export interface EnvoyProcess {
  readonly pid: number;
  readonly exited: Promise<EnvoyExit>;
  /** Ends it at once, without a drain. */
  stop(signal: 'SIGTERM' | 'SIGKILL'): void;
}

/**
 * Starts Envoy. It gets a session of its own, so that Ctrl-C in a terminal reaches kuma-dp alone, which then drains. `standardOutput`: a file
 * descriptor that Envoy can open again as `/dev/stdout`; without one its output goes to our log.
 */
export function startEnvoy(path: string, args: readonly string[], log: Log, standardOutput?: number): EnvoyProcess {
  const output = standardOutput ?? 'pipe';
  const { child, ended } = spawnGuarded(path, args, { stdio: ['ignore', output, 'pipe'], orphan: 'KILL', log });
  forwardOutput(child, log.component('envoy'));
  if (child.pid === undefined) throw new MeshError('internal', `Envoy could not be started: ${path}`);
  const exited = ended.then(
    ({ code, signal }): EnvoyExit => ({
      code,
      reason: signal === undefined ? `Envoy ended with code ${code}` : `Envoy was ended by ${signal}`,
    }),
  );
  return { pid: child.pid, exited, stop: (signal) => child.kill(signal) };
}

function forwardOutput(child: ChildProcess, log: Log): void {
  for (const stream of [child.stdout, child.stderr]) {
    const lines = lineSplitter(envoyLineForwarder(log));
    stream?.setEncoding('utf8');
    stream?.on('data', (chunk: string) => lines.push(chunk));
    stream?.on('end', () => lines.end());
  }
}
