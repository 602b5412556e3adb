// Runs Node with an end: a test that never ends must not keep back what the others have found.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from './process.ts';

const diagnosisFile = 'diagnosis.json';
const timeToDiagnose = 3000;
/** As `timeout` ends. */
const timedOut = 124;

export interface LimitedRun {
  /** Where the process may leave its diagnosis. */
  readonly folder: string;
  /** The TAP file that the tests write. */
  readonly report: string;
  /** In minutes. */
  readonly limit: number;
  readonly env: NodeJS.ProcessEnv;
}

/** Gives the exit code; 124 when the limit ended it. What the tests have started ends with it. */
export async function runToLimit(args: readonly string[], { folder, report, limit, env }: LimitedRun): Promise<number> {
  const child = spawn(
    process.execPath,
    ['--report-on-signal', `--report-directory=${folder}`, `--report-filename=${diagnosisFile}`, ...args],
    { cwd: root, env, stdio: 'inherit', detached: true },
  );
  // It leads a process group of its own, which a signal of the terminal does not reach.
  const end = (signal: NodeJS.Signals): void => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, signal);
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.on(signal, end);
  const atEnd = new AbortController();
  const ended = new Promise<number>((resolve) => {
    child.on('error', (error) => {
      console.error(error.message);
      resolve(127);
    });
    child.on('exit', (code) => resolve(code ?? 127));
  }).finally(() => atEnd.abort());
  const limited = sleep(limit * 60_000, timedOut, { signal: atEnd.signal }).catch(() => ended);
  const code = await Promise.race([ended, limited]);
  if (code === timedOut) {
    console.error(`\nnot ended after ${limit} minutes`);
    child.kill('SIGUSR2');
    await sleep(timeToDiagnose);
    console.error(describeStand(report, join(folder, diagnosisFile)));
    end('SIGKILL');
    await ended;
  }
  for (const signal of signals) process.off(signal, end);
  return code;
}

/** What failed until now, and what keeps the process. */
function describeStand(report: string, diagnosis: string): string {
  const lines = readText(report).split('\n');
  const failed = lines.flatMap((line, index) =>
    /^ *not ok /.test(line) ? [line, ...lines.slice(index + 1, index + 12)] : [],
  );
  return ['failed until then:', ...failed, 'held by:', ...describeHolders(readText(diagnosis))].join('\n');
}

/** Reads the stack and the handles off Node's diagnostic report. */
function describeHolders(diagnosis: string): readonly string[] {
  if (diagnosis === '') return ['a test that does not give the event loop back'];
  const { javascriptStack, libuv = [] } = JSON.parse(diagnosis) as {
    readonly javascriptStack?: { readonly stack?: readonly string[] };
    readonly libuv?: readonly { readonly is_active?: boolean; readonly is_referenced?: boolean }[];
  };
  const handles = libuv.filter((handle) => handle.is_active === true && handle.is_referenced === true);
  return [...(javascriptStack?.stack ?? []), ...handles.map((handle) => JSON.stringify(handle))];
}

/** A file's text; '' when there is none. */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
