// Asks a real Envoy what it thinks of a configuration: `envoy --mode validate`, few at a time, each for a bounded time, the same one only once.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256Hex } from '@ursa/envoy';
import { MeshError } from '@ursa/resources';

/** Says why Envoy refuses a bootstrap; undefined when it takes it, or when it did not answer in time. */
export type EnvoyJudge = (bootstrap: object) => Promise<string | undefined>;

/** Bounds of the work. */
export interface JudgeOptions {
  readonly path: string;
  readonly timeoutMilliseconds: number;
  /** Envoys at a time. */
  readonly concurrency: number;
  /** Who waits for one at most. */
  readonly queueLimit: number;
  readonly onSilence: (reason: string) => void;
}

const rememberedVerdicts = 256;
/** Characters of Envoy's words that are passed on. */
const longestReason = 1_000;

/** A judge. Errors: `MeshError` 'unavailable' when too many wait. */
export function createEnvoyJudge(options: JudgeOptions): EnvoyJudge {
  const verdicts = new Map<string, Promise<string | undefined>>();
  const waiting: (() => void)[] = [];
  let running = 0;
  const inTurn = async (work: () => Promise<string | undefined>): Promise<string | undefined> => {
    if (running >= options.concurrency) {
      if (waiting.length >= options.queueLimit) {
        throw new MeshError('unavailable', 'too many changes wait for a check by Envoy: try again in some seconds');
      }
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
    running += 1;
    try {
      return await work();
    } finally {
      running -= 1;
      waiting.shift()?.();
    }
  };
  return (bootstrap) => {
    const text = JSON.stringify(bootstrap);
    const key = sha256Hex(text);
    const known = verdicts.get(key);
    if (known !== undefined) return known;
    const verdict = inTurn(() => validate(text, options));
    verdicts.set(key, verdict);
    // A check that failed says nothing of the configuration.
    verdict.catch(() => verdicts.delete(key));
    const [oldest] = verdicts.keys();
    if (verdicts.size > rememberedVerdicts && oldest !== undefined) verdicts.delete(oldest);
    return verdict;
  };
}

async function validate(bootstrap: string, options: JudgeOptions): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'kuma-cp-envoy-'));
  try {
    const file = join(folder, 'bootstrap.json');
    await writeFile(file, bootstrap, { mode: 0o600 });
    return await run(file, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function run(file: string, { path, timeoutMilliseconds, onSilence }: JudgeOptions): Promise<string | undefined> {
  const given = ['--mode', 'validate', '-c', file, '--log-level', 'critical', '--concurrency', '1'];
  return new Promise((resolve) => {
    const child = spawn(path, [...given, '--disable-hot-restart'], { stdio: ['ignore', 'ignore', 'pipe'] });
    let output = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMilliseconds);
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (chunk: string) => {
      if (output.length < 1024 * 1024) output += chunk;
    });
    child.on('error', (error) => onSilence(error.message));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) return resolve(undefined);
      const reason = reasonIn(output);
      if (signal !== null || reason === undefined) onSilence(signal ?? `it ended with ${code} and no reason`);
      resolve(signal === null ? reason : undefined);
    });
  });
}

/**
 * The reason in what Envoy printed, without the copy of the configuration that it prints, too: that may hold what must not be shown.
 * Undefined when it is about a file, which the proxy may have though this host has not.
 */
export function reasonIn(output: string): string | undefined {
  const start = /error initializing configuration '[^']*': /.exec(output);
  if (start === null) return undefined;
  const message = output.slice(start.index + start[0].length).trim();
  const parseError = /^Unable to parse JSON as proto \((.*?)\): \{/s.exec(message)?.[1];
  const afterDump = message.slice(message.lastIndexOf('\n}\n: ') + 1).replace(/^\}\n: /, '');
  const reason = (parseError ?? afterDump).replace(/^Proto constraint validation failed \((.*)\)$/s, '$1');
  const isAboutFile = /(unable to read file|Invalid path|file .* does not exist|unable to open file)/i.test(reason);
  return isAboutFile ? undefined : reason.slice(0, longestReason);
}
