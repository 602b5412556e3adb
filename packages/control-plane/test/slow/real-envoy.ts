// Starts the real Envoy for tests, against an ADS server on loopback, and reads its admin interface.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findEnvoy } from '../../src/xds/validation/find-envoy.ts';

const envoyBinary = findEnvoy('envoy', process.env) ?? 'envoy';

/** A running Envoy. */
export interface RealEnvoy {
  admin(path: string): Promise<string>;
  /** What it has written to its log so far. */
  log(): string;
  stop(): Promise<void>;
}

/** Starts Envoy with a bootstrap document; resolves when its admin interface answers. Its directory goes away with it. */
export async function startEnvoy(bootstrap: (directory: string) => object): Promise<RealEnvoy> {
  const directory = await mkdtemp(join(tmpdir(), 'ursa-envoy-'));
  const socketPath = join(directory, 'admin.sock');
  const document = { ...bootstrap(directory), admin: { address: { pipe: { path: socketPath } } } };
  await writeFile(join(directory, 'bootstrap.json'), JSON.stringify(document));
  const arguments_ = [
    '-c',
    join(directory, 'bootstrap.json'),
    '--disable-hot-restart',
    '--concurrency',
    '1',
    '-l',
    'info',
  ];
  const child: ChildProcess = spawn(envoyBinary, arguments_, { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr?.on('data', (chunk) => {
    log += chunk;
  });
  const admin = (path: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const call = request({ socketPath, path }, (response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += chunk;
        });
        response.on('end', () => resolve(body));
      });
      call.on('error', reject);
      call.end();
    });
  const envoy: RealEnvoy = {
    admin,
    log: () => log,
    async stop() {
      if (child.exitCode === null) {
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      }
      await rm(directory, { recursive: true, force: true });
    },
  };
  try {
    await eventually(() => admin('/ready'));
  } catch (error) {
    await envoy.stop();
    throw new Error(`Envoy did not start: ${log}`, { cause: error });
  }
  return envoy;
}

/** Polls until the check neither throws nor gives false; fails after ten seconds. */
export async function eventually<Value>(
  check: () => Promise<Value> | Value,
  milliseconds = 10_000,
): Promise<Exclude<Value, false>> {
  const end = Date.now() + milliseconds;
  for (;;) {
    try {
      const value = await check();
      if (value !== false) return value as Exclude<Value, false>;
      if (Date.now() > end) throw new Error(`not within ${milliseconds} ms: ${check}`);
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
