// `kuma-dp run`: bootstrap, Envoy, readiness, drain. The whole life of one proxy, from its settings to its exit code.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MeshError } from '@ursa/resources';
import { announceDrain, announceReady } from './bootstrap/announce.ts';
import { formatBootstrapRequest } from './bootstrap/bootstrap-request.ts';
import { type Bootstrap, type BootstrapCall, fetchBootstrap } from './bootstrap/fetch-bootstrap.ts';
import { withQuickReconnect } from './bootstrap/quick-reconnect.ts';
import { findSystemCa, readTrust, type Trust } from './bootstrap/trust.ts';
import { readProxyResource } from './dataplane-template.ts';
import { drain } from './drain.ts';
import { askEnvoy } from './envoy/admin.ts';
import { type EnvoyProcess, startEnvoy } from './envoy/envoy-process.ts';
import { type EnvoyVersion, readEnvoyVersion } from './envoy/envoy-version.ts';
import { findEnvoy } from './envoy/find-envoy.ts';
import { envoyLogFormat } from './envoy/log-line.ts';
import type { Log, LogLevel } from './log.ts';
import { readMemoryLimit } from './memory-limit.ts';
import { openReadinessReporter, type Readiness } from './readiness.ts';
import type { Settings } from './settings/definitions.ts';
import { describeSettings, type ReadSettings, settingsWithoutEffect } from './settings/read-settings.ts';
import { version } from './version.ts';
import { openWorkDir } from './work-dir.ts';

/** What the process gives to the run. */
export interface RunOptions extends ReadSettings {
  readonly log: Log;
  readonly logLevel: LogLevel;
  readonly environment: NodeJS.ProcessEnv;
  readonly workingFolder: string;
  /** Aborted at the first SIGTERM or SIGINT: stop gracefully. */
  readonly stopSignal: AbortSignal;
  /** Aborted at the second: stop now. */
  readonly hurrySignal: AbortSignal;
}

/** Names of the sockets that the control plane puts into the work directory (reference s9). */
const adminSocket = 'kuma-envoy-admin.sock';
const killAfter = 5000;

/** Runs the proxy until Envoy ends or a signal has drained it. Gives the exit code. */
export async function runDataPlane(options: RunOptions): Promise<number> {
  const { settings, given, log, environment, stopSignal } = options;
  log.info(`kuma-dp ${version} starts`, { configuration: describeSettings(settings) });
  for (const { name, reason } of settingsWithoutEffect(given)) log.warn(`${name} has no effect: ${reason}`);
  const resource = readProxyResource({
    inline: settings.resource,
    path: settings.resourcePath,
    variables: settings.resourceVars,
    proxyType: settings.proxyType,
    mesh: settings.mesh,
    name: settings.name,
  });
  const { mesh, name } = resource ?? nameOfKnownProxy(settings);
  const trust = readTrust(settings);
  if (trust.skipVerify)
    log.warn(
      '--skip-verify: whoever answers at the address of the control plane gets the token and configures this proxy',
    );
  const envoyPath = findEnvoy(settings.binaryPath, environment, options.workingFolder);
  const envoyVersion = await readEnvoyVersion(envoyPath);
  if (!envoyVersion.compatible)
    log.warn('this Envoy is not the version that the control plane is made for', { path: envoyPath, ...envoyVersion });
  const workDir = openWorkDir(settings.workDir || settings.socketDir, [adminSocket, `kuma-al-${name}-${mesh}.sock`]);
  let state: Readiness = 'NOT_READY';
  let bootstrap: Bootstrap | undefined;
  let envoy: EnvoyProcess | undefined;
  const reporter = await openReadinessReporter({
    port: settings.readinessPort,
    portGiven: given.has('readinessPort'),
    state: async () =>
      state === 'TERMINATING' || bootstrap === undefined || envoy === undefined ? state : askReadiness(bootstrap),
  });
  try {
    const token = readToken(settings, workDir.path);
    const call = bootstrapCall(settings, {
      mesh,
      name,
      resource: resource?.json ?? '',
      token,
      trust,
      envoyVersion,
      workDir: workDir.path,
      readinessPort: reporter.port,
    });
    log.info('asks the control plane for the bootstrap', {
      url: settings.controlPlaneUrl,
      mesh,
      name,
      readinessPort: reporter.port,
    });
    bootstrap = await fetchBootstrap(
      call,
      { backoff: settings.retryBackoff, maxDuration: settings.retryMaxDuration },
      log,
      stopSignal,
    );
    const configPath = writePrivate(
      settings.configDir || workDir.path,
      'bootstrap.yaml',
      withQuickReconnect(bootstrap.yaml),
    );
    envoy = startEnvoy(envoyPath, envoyArguments(settings, configPath, options.logLevel), log);
    log.info('Envoy runs', { pid: envoy.pid, path: envoyPath, version: envoyVersion.version, bootstrap: configPath });
    const { admin } = bootstrap;
    return await superviseEnvoy(envoy, options, {
      markTerminating: () => {
        state = 'TERMINATING';
      },
      announceEnvoy: (signal) => announceReady(call, token.text, admin, log, signal),
      drainEnvoy: (signal) =>
        drain({
          admin,
          drainTime: settings.drainTime,
          withdraw: () => announceDrain(call, token.text, log),
          log,
          signal,
        }),
    });
  } catch (cause) {
    if (stopSignal.aborted) return 0;
    throw cause;
  } finally {
    await reporter.close();
    workDir.remove();
  }
}

/** Waits for Envoy's end or for the signal to stop it. */
async function superviseEnvoy(
  envoy: EnvoyProcess,
  { log, stopSignal, hurrySignal }: RunOptions,
  steps: {
    readonly markTerminating: () => void;
    readonly announceEnvoy: (signal: AbortSignal) => Promise<void>;
    readonly drainEnvoy: (signal: AbortSignal) => Promise<void>;
  },
): Promise<number> {
  const stopAsked = new Promise<undefined>((resolve) => {
    if (stopSignal.aborted) resolve(undefined);
    stopSignal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  const gone = new AbortController();
  void envoy.exited.then(() => gone.abort());
  // Ends by itself when Envoy does, or when it is time to leave.
  void steps.announceEnvoy(AbortSignal.any([gone.signal, stopSignal])).catch(() => undefined);
  const ended = await Promise.race([envoy.exited, stopAsked]);
  if (ended !== undefined) {
    log.error(`${ended.reason}; kuma-dp ends with it`, { code: ended.code });
    return ended.code === 0 ? 1 : ended.code;
  }
  log.info('stops: fails its readiness and drains Envoy');
  steps.markTerminating();
  await steps.drainEnvoy(AbortSignal.any([gone.signal, hurrySignal]));
  envoy.stop('SIGTERM');
  const killer = setTimeout(() => envoy.stop('SIGKILL'), killAfter);
  const { reason } = await envoy.exited;
  clearTimeout(killer);
  log.info('stopped', { reason });
  return 0;
}

/** Whether Envoy has its configuration and serves. */
async function askReadiness({ admin }: Bootstrap): Promise<Readiness> {
  try {
    return (await askEnvoy(admin, 'GET', '/ready')).status === 200 ? 'READY' : 'NOT_READY';
  } catch {
    return 'NOT_READY';
  }
}

/** The proxy exists in the control plane already: only its mesh and name are needed. */
function nameOfKnownProxy({ mesh, name, proxyType }: Settings): { mesh: string; name: string } {
  const missing = [...(name === '' ? ['--name'] : []), ...(mesh === '' && proxyType === 'dataplane' ? ['--mesh'] : [])];
  if (missing.length === 0) return { mesh, name };
  throw new MeshError(
    'invalid',
    `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing: name a proxy that the control plane knows, or bring it along with --dataplane-file`,
  );
}

/** The token and the file that holds it; Envoy may read the file again when it changes. */
interface Token {
  readonly text: string;
  readonly path: string;
}

function readToken({ token, tokenPath }: Settings, folder: string): Token {
  if (token !== '') return { text: token.trim(), path: writePrivate(folder, 'token', token.trim()) };
  if (tokenPath === '') return { text: '', path: '' };
  let text: string;
  try {
    text = readFileSync(tokenPath, 'utf8').trim();
  } catch (cause) {
    throw new MeshError(
      'not-found',
      `--dataplane-token-file: ${tokenPath} cannot be read: ${(cause as Error).message}`,
      { cause },
    );
  }
  if (text === '') throw new MeshError('invalid', `--dataplane-token-file: ${tokenPath} is empty`);
  return { text, path: tokenPath };
}

function bootstrapCall(
  settings: Settings,
  facts: {
    readonly mesh: string;
    readonly name: string;
    readonly resource: string;
    readonly token: Token;
    readonly trust: Trust;
    readonly envoyVersion: EnvoyVersion;
    readonly workDir: string;
    readonly readinessPort: number;
  },
): BootstrapCall {
  const { mesh, name, resource, token, trust } = facts;
  return {
    url: new URL(settings.controlPlaneUrl),
    mesh,
    name,
    proxyType: settings.proxyType,
    broughtResource: resource !== '',
    hasToken: token.text !== '',
    trust,
    body: formatBootstrapRequest(settings, {
      mesh,
      name,
      resource,
      token: token.text,
      tokenPath: token.path,
      caCert: trust.caCert,
      envoy: facts.envoyVersion,
      workDir: facts.workDir,
      readinessPort: facts.readinessPort,
      systemCaPath: findSystemCa(settings.systemCaPath),
      maxHeapSizeBytes: settings.maxMemoryBytes || readMemoryLimit(),
    }),
  };
}

/**
 * Envoy's command line. Hot restart is off: it would make two Envoys of one host fight over shared memory. When a listener changes, its
 * connections are asked to go with their next answer (`immediate`); by default they would go bit by bit over the drain time, and a client that
 * was just forbidden would still be served on its old connection.
 */
function envoyArguments(settings: Settings, configPath: string, logLevel: LogLevel): string[] {
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

/** Writes a file that holds a secret: only this user may read it. */
function writePrivate(folder: string, name: string, text: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  chmodSync(path, 0o600);
  return path;
}
