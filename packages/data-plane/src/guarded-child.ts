// Children that do not outlive kuma-dp: Envoy, and the application of `kuma-dp exec`.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import type { Writable } from 'node:stream';
import type { Log } from './log.ts';

/** How a child ended. */
export interface ChildEnd {
  /** Its exit code, or 128 + the signal's number as shells do it. */
  readonly code: number;
  readonly signal: NodeJS.Signals | undefined;
}

/** A child that was started. */
export interface GuardedChild {
  readonly child: ChildProcess;
  readonly ended: Promise<ChildEnd>;
}

/** How a child is started. */
export interface GuardOptions {
  readonly stdio: readonly [
    input: 'ignore' | 'inherit',
    output: 'pipe' | 'inherit' | number,
    error: 'pipe' | 'inherit',
  ];
  readonly environment?: NodeJS.ProcessEnv;
  /** What it gets when kuma-dp was killed: nothing but its end, or some seconds to end by itself. */
  readonly orphan: 'KILL' | 'TERM';
  readonly log: Log;
}

/**
 * Becomes the child after it has left a guard behind. The guard waits on a pipe whose other end only kuma-dp holds: a line means "it has
 * ended, go home"; the end of the pipe without a line means that kuma-dp was killed, and then the child (`$$`: `exec` keeps the process id)
 * must go too. The guard is a forked shell of under 1 MB; Node cannot ask the kernel for a parent-death signal.
 */
const guarded = (goodbye: string): string =>
  `{ read -r _ <&3 || { ${goodbye}; }; } </dev/null >/dev/null 2>&1 & exec 3<&- "$0" "$@"`;
const goodbyes = { KILL: 'kill -KILL $$', TERM: 'kill -TERM $$; sleep 5; kill -KILL $$' } as const;
const shell = '/bin/sh';
const guardPipe = 3;
const notFound = 127;

/** Starts a child in a session of its own, so that Ctrl-C in a terminal reaches kuma-dp alone. A program that is not there ends with 127. */
export function spawnGuarded(path: string, args: readonly string[], options: GuardOptions): GuardedChild {
  const { stdio, orphan, log } = options;
  const hasShell = existsSync(shell);
  if (!hasShell) log.warn(`there is no ${shell}: if kuma-dp is killed with SIGKILL, ${path} keeps running`);
  const common: SpawnOptions = { detached: true, ...(options.environment ? { env: options.environment } : {}) };
  const child = hasShell
    ? spawn(shell, ['-c', guarded(goodbyes[orphan]), path, ...args], { ...common, stdio: [...stdio, 'pipe'] })
    : spawn(path, args, { ...common, stdio: [...stdio] });
  const guard = hasShell ? (child.stdio[guardPipe] as Writable) : undefined;
  guard?.on('error', () => log.debug("the guard's pipe is closed"));
  const ended = new Promise<ChildEnd>((resolve) => {
    child.once('error', (cause) => {
      log.debug(`${path} did not start: ${cause.message}`);
      resolve({ code: notFound, signal: undefined });
    });
    child.once('exit', (code, signal) => {
      guard?.end('ended\n');
      resolve(
        signal === null ? { code: code ?? 1, signal: undefined } : { code: 128 + constants.signals[signal], signal },
      );
    });
  });
  return { child, ended };
}
