// Starts Envoy as a child that cannot outlive kuma-dp, forwards its log, and says how it ended.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { MeshError } from '@ursa/resources';
import type { Log } from '../log.ts';
import { forwardEnvoyLine, lineSplitter } from './log-line.ts';

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
 * Becomes Envoy after it has left a guard behind. The guard waits on a pipe whose other end only kuma-dp holds: a line means "Envoy has
 * ended, go home"; the end of the pipe without a line means that kuma-dp was killed, and then Envoy (`$$`: `exec` keeps the process id)
 * must go too. The guard is a forked shell of under 1 MB; Node cannot ask the kernel for a parent-death signal.
 */
const guarded = '{ read -r _ <&3 || kill -KILL $$; } </dev/null >/dev/null 2>&1 & exec 3<&- "$0" "$@"';
const shell = '/bin/sh';
const guardPipe = 3;

/** Numbers of the signals that Envoy may die of; for its exit code. */
const signalNumbers: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
};

/**
 * Starts Envoy. It gets a session of its own, so that Ctrl-C in a terminal reaches kuma-dp alone, which then drains. `standardOutput`: a file
 * descriptor that Envoy can open again as `/dev/stdout`; without one its output goes to our log.
 */
export function startEnvoy(path: string, args: readonly string[], log: Log, standardOutput?: number): EnvoyProcess {
  const hasShell = existsSync(shell);
  const output = standardOutput ?? 'pipe';
  if (!hasShell) log.warn(`there is no ${shell}: if kuma-dp is killed with SIGKILL, Envoy keeps running`);
  const child = hasShell
    ? spawn(shell, ['-c', guarded, path, ...args], { detached: true, stdio: ['ignore', output, 'pipe', 'pipe'] })
    : spawn(path, args, { detached: true, stdio: ['ignore', output, 'pipe'] });
  const guard = hasShell ? (child.stdio[guardPipe] as Writable) : undefined;
  guard?.on('error', () => log.debug("the guard's pipe is closed"));
  forwardOutput(child, log.component('envoy'));
  if (child.pid === undefined) {
    child.once('error', () => log.debug('Envoy did not start'));
    throw new MeshError('internal', `Envoy could not be started: ${path}`);
  }
  const exited = new Promise<EnvoyExit>((resolve) => {
    child.once('exit', (code, signal) => {
      guard?.end('ended\n');
      resolve(
        signal === null
          ? { code: code ?? 1, reason: `Envoy ended with code ${code ?? 1}` }
          : { code: 128 + (signalNumbers[signal] ?? 0), reason: `Envoy was ended by ${signal}` },
      );
    });
  });
  return { pid: child.pid, exited, stop: (signal) => child.kill(signal) };
}

function forwardOutput(child: ChildProcess, log: Log): void {
  for (const stream of [child.stdout, child.stderr]) {
    const lines = lineSplitter((line) => forwardEnvoyLine(line, log));
    stream?.setEncoding('utf8');
    stream?.on('data', (chunk: string) => lines.push(chunk));
    stream?.on('end', () => lines.end());
  }
}
