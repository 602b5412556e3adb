// `npm run bench`: loads our control plane with meshload and prints our figures beside the peer's and the goals. Shapes by name:
// `n1000` (default), `n100`, `worst1000`, `n3000`, `policies1000`, `postgres1000`: n1000 over PostgreSQL with a second control plane that gets the
// writes, and `balanced1000`: the same with half of the proxies at that second one (as root). `--json FILE` keeps the raw reports; `--mode sotw|delta`
// (default delta, our default).
// `regression` holds a short shape against the baseline that is committed (part of `npm test`); with `--update` it writes the baseline.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { isBalanced, runBalanced } from './bench-balancer.ts';
import { type BenchDatabase, openBenchDatabase, secondDpServer } from './bench-database.ts';
import { figuresOf, formatFigures, type Phase } from './bench-figures.ts';
import { askWhileIdle, putPolicies } from './bench-policies.ts';
import { root } from './process.ts';
import { holdAgainstBaseline } from './regression/baseline.ts';
import { withoutAdminListeners } from './regression/stub-proxies.ts';
import { benchFolder, buildGoTool } from './shared-material.ts';

/** 1,000 proxies of which each reaches ten services. */
const fleet = ['-services', '50', '-per-service', '20', '-fanout', '10', '-repeats', '5', '-idle', '20'] as const;

const shapes: Readonly<Record<string, readonly string[]>> = {
  n100: ['-services', '20', '-per-service', '5', '-fanout', '10', '-repeats', '5', '-idle', '10', '-rest-seconds', '3'],
  n1000: [...fleet, '-rest-seconds', '4'],
  worst1000: [
    '-services',
    '100',
    '-per-service',
    '10',
    '-fanout',
    '0',
    '-repeats',
    '3',
    '-phases',
    'idle,policy,endpoint',
  ],
  policies1000: [...fleet, '-phases', 'idle,policy,route'],
  postgres1000: [...fleet, '-rest-seconds', '4'],
  balanced1000: [...fleet, '-rest-seconds', '4'],
  n3000: [
    '-services',
    '150',
    '-per-service',
    '20',
    '-fanout',
    '10',
    '-repeats',
    '1',
    '-idle',
    '10',
    '-phases',
    'idle,policy,endpoint',
  ],
};

const overDatabase: ReadonlySet<string> = new Set(['postgres1000', 'balanced1000']);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    mode: { type: 'string', default: 'delta' },
    update: { type: 'boolean', default: false },
  },
});

if (!existsSync(benchFolder)) {
  console.log('bench was left out: ../shared/bench is not beside this checkout');
} else if (positionals[0] === 'regression') {
  process.exitCode = (await holdAgainstBaseline(builtControlPlane(), values.update)) ? 0 : 1;
} else {
  for (const name of positionals.length > 0 ? positionals : ['n1000']) {
    if (name === 'balanced1000' && !isBalanced) measureBalanced(name);
    else await measure(name);
  }
}

function measureBalanced(name: string): void {
  const json = values.json === undefined ? [] : ['--json', values.json];
  const status = runBalanced(import.meta.filename, [name, '--mode', values.mode, ...json], [5678, secondDpServer]);
  if (status !== 0) throw new Error(`${name} ended with ${status}; it needs root, unshare and nft`);
}

function builtControlPlane(): string {
  const executable = join(root, 'dist', 'kuma-cp');
  if (!existsSync(executable)) throw new Error('dist/kuma-cp does not exist; run "npm run build" first');
  return executable;
}

async function measure(name: string): Promise<void> {
  const shape = shapes[name];
  if (shape === undefined) throw new Error(`no shape "${name}"; there are ${Object.keys(shapes).join(', ')}`);
  const executable = builtControlPlane();
  const meshload = buildGoTool(benchFolder, 'meshload');
  const folder = mkdtempSync(join(tmpdir(), 'ursa-bench-'));
  const database = overDatabase.has(name) ? await openBenchDatabase(executable, folder) : undefined;
  try {
    await measureOver(name, shape, { executable, meshload, folder, database });
  } finally {
    await database?.close();
    rmSync(folder, { recursive: true });
  }
}

interface Bench {
  readonly executable: string;
  readonly meshload: string;
  readonly folder: string;
  readonly database: BenchDatabase | undefined;
}

async function measureOver(name: string, shape: readonly string[], bench: Bench): Promise<void> {
  const { executable, meshload, folder, database } = bench;
  const started = performance.now();
  const controlPlane = spawn(executable, ['run', '--log-output-path', join(folder, 'kuma-cp.log')], {
    env: { ...process.env, ...withoutAdminListeners, ...database?.env, KUMA_GENERAL_WORK_DIR: folder },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  try {
    await answers('http://127.0.0.1:5681/', controlPlane);
    const startMilliseconds = performance.now() - started;
    await answers('http://127.0.0.1:5680/ready', controlPlane);
    await sleep(1500);
    const idleResidentBytes = residentBytes(controlPlane.pid);
    const withPolicies = name === 'policies1000';
    if (withPolicies) await putPolicies(200);
    const writesTo = await database?.openSecond();
    if (writesTo !== undefined) await answers(`${writesTo}/`, controlPlane);
    const report = join(folder, 'report.json');
    const load = spawn(
      meshload,
      [
        ...['-q', '-pid', String(controlPlane.pid), '-mode', values.mode, ...shape, '-out', report],
        ...(writesTo === undefined ? [] : ['-api', writesTo]),
      ],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    );
    const ended = new Promise<number | null>((resolve) => load.once('exit', resolve));
    const asked = withPolicies ? [await Promise.race([askWhileIdle(1000), ended.then(() => undefined)])] : [];
    const status = await ended;
    if (status !== 0) throw new Error(`meshload ended with ${status}`);
    const text = readFileSync(report, 'utf8');
    if (values.json !== undefined) writeFileSync(values.json, text);
    const { Phases: loaded }: { Phases: readonly Phase[] } = JSON.parse(text);
    const phases = [...loaded, ...asked.filter((phase) => phase !== undefined)];
    console.log(`\n${name}, ${values.mode}, ${Math.round(statSync(executable).size / (1 << 20))} MiB executable`);
    console.log(formatFigures(figuresOf(name, phases, { startMilliseconds, idleResidentBytes })));
  } finally {
    const ended = new Promise((resolve) => controlPlane.once('exit', resolve));
    controlPlane.kill('SIGTERM');
    if (controlPlane.exitCode === null && controlPlane.signalCode === null) await ended;
  }
}

async function answers(url: string, controlPlane: { readonly exitCode: number | null }): Promise<void> {
  for (let attempt = 0; attempt < 3000; attempt += 1) {
    if (controlPlane.exitCode !== null)
      throw new Error(`kuma-cp ended with ${controlPlane.exitCode} before ${url} answered`);
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      // Not listening yet.
    }
    await sleep(5);
  }
  throw new Error(`${url} did not answer within 15 s`);
}

/** Resident memory of a process, from the kernel's own count. */
function residentBytes(pid: number | undefined): number {
  const pages = readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmRSS:\s+(\d+) kB$/m)?.[1];
  return Number(pages ?? 0) * 1024;
}
