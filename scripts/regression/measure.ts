// One run of the regression shape: 400 proxies, each change twice, then mTLS on and off, against the built control plane on ports of its own.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { calibrate } from './calibrate.ts';
import type { Measurement } from './measurement.ts';
import { withoutAdminListeners } from './stub-proxies.ts';
import { watchProcess } from './watch-process.ts';

const proxies = 400;
const repeats = 2;
const shape = ['-services', '20', '-per-service', '20', '-fanout', '10', '-repeats', String(repeats), '-idle', '20'];
const phases = ['policy (MeshTimeout)', 'route (MeshHTTPRoute)', 'endpoint added', 'endpoint removed'] as const;
/** Once each, and by themselves: they cost ten times what a change costs. */
const switches = ['mTLS on', 'mTLS off'] as const;
const quietSeconds = 4;

interface Report {
  readonly Phases: readonly {
    readonly Name: string;
    readonly CPCPU: number;
    readonly RxMB: number;
    readonly Extra?: Readonly<Record<string, unknown>> | null;
  }[];
}

/** What waits for proxies that never come must end. */
const longestMilliseconds = 300_000;

/** Runs the shape once. `executable`: kuma-cp; `meshload`: the load generator. */
export async function measureOnce(executable: string, meshload: string): Promise<Measurement> {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-regression-'));
  const [http = 0, dataPlane = 0, diagnostics = 0] = [await freePort(), await freePort(), await freePort()];
  const controlPlane = spawn(executable, ['run', '--log-output-path', join(folder, 'kuma-cp.log')], {
    env: {
      ...process.env,
      KUMA_GENERAL_WORK_DIR: folder,
      KUMA_API_SERVER_HTTP_PORT: String(http),
      KUMA_API_SERVER_HTTPS_ENABLED: 'false',
      KUMA_DP_SERVER_PORT: String(dataPlane),
      KUMA_DIAGNOSTICS_SERVER_PORT: String(diagnostics),
      ...withoutAdminListeners,
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const ended = new Promise((resolve) => controlPlane.once('exit', resolve));
  try {
    await untilReady(`http://127.0.0.1:${diagnostics}/ready`, controlPlane);
    const metrics = async () => await (await fetch(`http://127.0.0.1:${diagnostics}/metrics`)).text();
    let connected = false;
    const calibration = calibrate();
    const quiet = watchProcess(controlPlane.pid ?? 0, quietSeconds, () => connected);
    const file = join(folder, 'report.json');
    const load = spawn(
      meshload,
      [
        ...['-q', '-pid', String(controlPlane.pid), '-mode', 'delta', '-api', `http://127.0.0.1:${http}`],
        ...[
          '-dp',
          `https://127.0.0.1:${dataPlane}`,
          ...shape,
          '-phases',
          'idle,policy,route,endpoint,mtls',
          '-out',
          file,
        ],
      ],
      { stdio: ['ignore', 'ignore', 'inherit'], timeout: longestMilliseconds },
    );
    const loaded = new Promise<number | null>((resolve) => load.once('exit', resolve));
    // Asking costs, too: only until all are there.
    void (async () => {
      while (load.exitCode === null && !connected) {
        await sleep(500);
        connected = metricIn(await metrics().catch(() => ''), 'xds_streams_active') >= proxies;
      }
    })();
    const status = await loaded;
    const { wakeUpsPerSecond, cpu } = quiet.stop();
    const unit = calibration.stop();
    if (status === null) throw new Error(`meshload was not done within ${longestMilliseconds / 60_000} minutes`);
    if (status !== 0) throw new Error(`meshload ended with ${status}`);
    const recomputed = metricIn(await metrics(), 'graph_batch_recomputed_sum');
    return measurementOf(JSON.parse(readFileSync(file, 'utf8')) as Report, {
      calibration: unit,
      recomputedPerProxy: recomputed / proxies,
      idleWakeUps: wakeUpsPerSecond,
      idleCpu: cpu,
    });
  } finally {
    controlPlane.kill('SIGTERM');
    if (controlPlane.exitCode === null && controlPlane.signalCode === null) await ended;
    rmSync(folder, { recursive: true });
  }
}

function measurementOf(
  report: Report,
  {
    calibration,
    ...rest
  }: Omit<Measurement, 'bytesPerChange' | 'cpuPerChange' | 'cpuPerSwitch'> & { readonly calibration: number },
): Measurement {
  const found = (name: string) => {
    const phase = report.Phases.find((candidate) => candidate.Name === name);
    if (phase === undefined) throw new Error(`${name}: meshload reports nothing of it`);
    if (Number(phase.Extra?.missed ?? 0) > 0) throw new Error(`${name}: some proxies missed a change`);
    return phase;
  };
  const cpuOf = (names: readonly string[]): number => names.reduce((sum, name) => sum + found(name).CPCPU, 0);
  const bytesOf = (names: readonly string[], times: number) =>
    names.map((name) => [name, (found(name).RxMB * 1e6) / times] as const);
  return {
    bytesPerChange: Object.fromEntries([...bytesOf(phases, repeats), ...bytesOf(switches, 1)]),
    cpuPerChange: cpuOf(phases) / (repeats * phases.length) / calibration,
    cpuPerSwitch: cpuOf(switches) / switches.length / calibration,
    ...rest,
  };
}

function metricIn(text: string, metric: string): number {
  return Number(new RegExp(`^${metric}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
}

async function untilReady(url: string, controlPlane: { readonly exitCode: number | null }): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    if (controlPlane.exitCode !== null) throw new Error(`kuma-cp ended with ${controlPlane.exitCode} at its start`);
    if ((await fetch(url).catch(() => undefined))?.ok === true) return;
    await sleep(100);
  }
  throw new Error('kuma-cp was not ready within a minute');
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
