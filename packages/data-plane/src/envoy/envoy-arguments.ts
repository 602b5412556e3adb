// How Envoy is called.
import type { LogLevel } from '../log.ts';
import type { Settings } from '../settings/definitions.ts';
import { envoyLogFormat } from './log-line.ts';

/**
 * Envoy's command line. Hot restart is off: it would make two Envoys of one host fight over shared memory. When a listener changes, its
 * connections are asked to go with their next answer (`immediate`); by default they would go bit by bit over the drain time, and a client that
 * was just forbidden would still be served on its old connection.
 */
export function envoyArguments(settings: Settings, configPath: string, logLevel: LogLevel): string[] {
  const level = settings.envoyLogLevel || (logLevel === 'warn' ? 'warning' : logLevel);
  return [
    '--config-path',
    configPath,
    '--drain-time-s',
    String(Math.max(1, Math.round(settings.drainTime / 1000))),
    '--drain-strategy',
    'immediate',
    '--disable-hot-restart',
    '--log-level',
    level,
    '--log-format',
    envoyLogFormat,
    ...(settings.envoyComponentLogLevel === '' ? [] : ['--component-log-level', settings.envoyComponentLogLevel]),
    ...(settings.concurrency > 0 ? ['--concurrency', String(settings.concurrency)] : ['--cpuset-threads']),
  ];
}
