// The process above the workers: starts them, starts again who ends, ends all at a signal, and serves their diagnostics at the one port.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { serverCertificate } from '../compose-identity.ts';
import type { Settings } from '../config/settings.ts';
import type { Log, LogOutput } from '../log.ts';
import { refuseUnsupported } from '../refuse-unsupported.ts';
import type { WorkerReady } from './worker.ts';
import { type AskedWorker, openWorkerDiagnostics } from './worker-diagnostics.ts';

/** What workers are started with. */
export interface SuperviseOptions {
  readonly settings: Settings;
  readonly log: Log;
  /** Gets the lines of all workers. */
  readonly output: LogOutput;
  /** Arguments of `kuma-cp` in a worker. */
  readonly args: readonly string[];
}

interface Worker extends AskedWorker {
  diagnosticsPort: number | undefined;
  child: ChildProcess | undefined;
  failures: number;
  startedAt: number;
}

// Who has run for so long has not failed to start.
const steadyAfter = 60_000;
// Beyond the workers' own time to stop.
const slack = 5_000;

/** Runs the workers until a signal, or until one cannot even start; ends the process. Errors: `MeshError` for settings that do not allow workers. */
export async function superviseWorkers({ settings, log, output, args }: SuperviseOptions): Promise<void> {
  refuseUnsupported(settings);
  const logger = log.component('workers');
  // Made once: each worker would make one of its own.
  await serverCertificate(settings, logger);
  const workers: Worker[] = Array.from({ length: settings.general.workers }, (_, index) => ({
    number: index + 1,
    diagnosticsPort: undefined,
    child: undefined,
    failures: 0,
    startedAt: 0,
  }));
  let stopping = false;
  let everReady = false;
  const diagnostics = await openWorkerDiagnostics(settings.diagnostics.serverPort, () => workers);

  const start = (worker: Worker): void => {
    if (stopping) return;
    worker.startedAt = performance.now();
    const child = spawnWorker(worker.number, args);
    worker.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => output.write(`${line}\n`));
    }
    child.on('message', (message) => {
      const { diagnosticsPort } = message as WorkerReady;
      worker.diagnosticsPort = diagnosticsPort;
      everReady = true;
      logger.info('a worker serves', { worker: worker.number, pid: child.pid });
    });
    child.once('error', (error) => logger.error('a worker could not be started', { worker: worker.number, error }));
    child.once('exit', (code, signal) => ended(worker, code, signal));
  };
  const ended = (worker: Worker, code: number | null, signal: NodeJS.Signals | null): void => {
    worker.child = undefined;
    worker.diagnosticsPort = undefined;
    if (stopping) return;
    if (!everReady && code !== 0 && code !== null) {
      logger.error('a worker cannot start, as its own words say; the others are stopped', {
        worker: worker.number,
        code,
      });
      void stop('SIGTERM', 1);
      return;
    }
    if (performance.now() - worker.startedAt >= steadyAfter) worker.failures = 0;
    const { resilientComponentBaseBackoff: base, resilientComponentMaxBackoff: max } = settings.general;
    const pause = Math.min(max, base * 2 ** worker.failures);
    worker.failures += 1;
    logger.error('a worker has ended and is started again', {
      worker: worker.number,
      code,
      signal,
      inMilliseconds: pause,
    });
    setTimeout(() => start(worker), pause);
  };
  async function stop(signal: NodeJS.Signals, exitCode = 0): Promise<void> {
    if (stopping) {
      // In a hurry: a second signal ends a worker at once.
      for (const { child } of workers) child?.kill(signal);
      return;
    }
    stopping = true;
    logger.info('stopping', { signal });
    const running = workers.flatMap(({ child }) => child ?? []);
    const over = Promise.all(running.map((child) => new Promise((resolve) => child.once('exit', resolve))));
    for (const child of running) child.kill('SIGTERM');
    const killer = setTimeout(
      () => running.forEach((child) => void child.kill('SIGKILL')),
      settings.dpServer.gracefulShutdownTimeout + slack,
    );
    await over;
    clearTimeout(killer);
    diagnostics.closeAllConnections();
    logger.info('stopped');
    process.exit(exitCode);
  }
  process.on('SIGTERM', (signal) => void stop(signal));
  process.on('SIGINT', (signal) => void stop(signal));
  for (const worker of workers) start(worker);
}

/** The same program once more: a single-file executable is its own program, else the runtime is told the file. */
function spawnWorker(number: number, args: readonly string[]): ChildProcess {
  const [, script = ''] = process.argv;
  const program = script.startsWith('/$bunfs') ? [] : [script];
  return spawn(process.execPath, [...process.execArgv, ...program, ...args], {
    // In a group of its own: Ctrl-C reaches the process above only, which ends the workers in order.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      ...process.env,
      URSA_WORKER: String(number),
      KUMA_DIAGNOSTICS_SERVER_PORT: '0',
      KUMA_INTER_CP_SERVER_PORT: '0',
    },
  });
}
