// The life of a control plane process: start, serve until a signal, stop in order.
import { openControlPlane } from './compose.ts';
import type { Settings } from './config/settings.ts';
import type { Log } from './log.ts';
import { runComponents } from './run-components.ts';
import { buildInfo } from './version.ts';
import { onOrphaned, tellReady } from './workers/worker.ts';

/**
 * Runs until SIGTERM or SIGINT, then stops within `dpServer.gracefulShutdownTimeout` and ends the process; a second signal ends it at
 * once. Throws `MeshError` when it cannot start.
 */
export async function runControlPlane(settings: Settings, log: Log): Promise<void> {
  const logger = log.component('main');
  // A bug in one request or stream must not take the mesh's control plane down: it is logged with its stack and counted with the errors.
  process.on('uncaughtException', (error) => logger.error('a bug was met, going on', { error }));
  process.on('unhandledRejection', (error) => logger.error('a bug was met, going on', { error }));
  const controlPlane = await openControlPlane(settings, log);
  const running = await runComponents(controlPlane.components, logger);
  const { api, dpServer, diagnostics } = controlPlane;
  let stopping = false;
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (stopping) process.exit(1);
    stopping = true;
    logger.info('stopping', { signal });
    await running.stop(settings.dpServer.gracefulShutdownTimeout);
    logger.info('stopped');
    process.exit(0);
  };
  tellReady({ diagnosticsPort: diagnostics.port ?? 0 });
  onOrphaned(() => void stop('SIGTERM'));
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // Last: whoever reads this may send a signal at once.
  logger.info('the control plane is running', {
    version: buildInfo.version,
    runtime: buildInfo.runtime,
    zone: settings.multizone.zone.name,
    store: settings.store.type,
    ports: { ...api.ports, dpServer: dpServer.port, diagnostics: diagnostics.port },
  });
}
