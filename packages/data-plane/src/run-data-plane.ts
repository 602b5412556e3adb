// `kuma-dp run`: bootstrap, Envoy, readiness, drain. The whole life of one proxy, from its settings to its exit code.
import { join } from 'node:path';
import { MeshError } from '@ursa/resources';
import { readMachineId } from '@ursa/telemetry';
import { type AccessLogs, openAccessLogs } from './access-log/open-access-logs.ts';
import { whyUnusable } from './application/find-program.ts';
import { servicePlaces } from './application/service-places.ts';
import { type Application, type ApplicationSteps, superviseApplication } from './application/supervise-application.ts';
import { announceDrain, announceReady, untilLive } from './bootstrap/announce.ts';
import { formatBootstrapRequest } from './bootstrap/bootstrap-request.ts';
import { readCollectorEnvironment } from './bootstrap/collector-environment.ts';
import { type Credentials, openCredentials } from './bootstrap/credentials.ts';
import { type BootstrapCall, fetchBootstrap } from './bootstrap/fetch-bootstrap.ts';
import { withQuickReconnect } from './bootstrap/quick-reconnect.ts';
import { atEachAddress, parseAddresses, withAddresses } from './bootstrap/several-addresses.ts';
import { findSystemCa } from './bootstrap/trust.ts';
import { type Dns, openDns } from './dns/open-dns.ts';
import { drain } from './drain.ts';
import { configSocket } from './dynamic-config/config-socket.ts';
import { type AdminAddress, askEnvoy } from './envoy/admin.ts';
import { envoyArguments } from './envoy/envoy-arguments.ts';
import { startEnvoy } from './envoy/envoy-process.ts';
import { type StopSignals, superviseEnvoy } from './envoy/supervise-envoy.ts';
import { hasIpv6, withIpv4Names } from './ip-families.ts';
import { joinMesh } from './joining/join-mesh.ts';
import { localAuthority, localSockets } from './joining/local-control-plane.ts';
import type { Log, LogLevel } from './log.ts';
import { readMemoryLimit } from './memory-limit.ts';
import { type Metrics, openMetrics } from './metrics/open-metrics.ts';
import { type PreparedProxy, prepareProxy } from './prepare-proxy.ts';
import { writePrivate } from './private-file.ts';
import { openProbeProxy, type ProbeProxy } from './probes/probe-proxy.ts';
import { openReadinessReporter, type Readiness } from './readiness.ts';
import type { Settings } from './settings/definitions.ts';
import {
  describeSettings,
  misspeltVariables,
  type ReadSettings,
  settingsWithoutEffect,
} from './settings/read-settings.ts';
import { readToken, type Token } from './token.ts';
import { version } from './version.ts';
import { openWorkDir } from './work-dir.ts';

/** What the process gives to the run. `stopSignal` is the first SIGTERM or SIGINT, `hurrySignal` the second. */
export interface RunOptions extends ReadSettings, StopSignals {
  readonly log: Log;
  readonly logLevel: LogLevel;
  readonly environment: NodeJS.ProcessEnv;
  readonly workingFolder: string;
  /** To the standard output. */
  readonly write: (text: string) => unknown;
  /** The code of `kuma-dp join`. */
  readonly joinCode?: string;
  /** Program and arguments of the application to run behind the proxy. */
  readonly application?: readonly [program: string, ...args: string[]];
}

/** Name of the admin interface's socket that the control plane puts into the work directory (reference s9). */
const adminSocket = 'kuma-envoy-admin.sock';

/** Runs the proxy until Envoy ends or a signal has drained it. Gives the exit code. */
export async function runDataPlane(given: RunOptions): Promise<number> {
  const { log, stopSignal } = given;
  log.info(`kuma-dp ${version} starts`, { configuration: describeSettings(given.settings) });
  for (const { name, reason } of settingsWithoutEffect(given.given)) log.warn(`${name} has no effect: ${reason}`);
  for (const { name, meant } of misspeltVariables(given.environment))
    log.warn(`${name} in the environment is no setting of kuma-dp; did you mean ${meant}?`);
  const unusable = given.application && whyUnusable(given.application[0], given);
  if (unusable !== undefined) {
    log.error(unusable.reason);
    return unusable.code;
  }
  try {
    return await runProxy({ ...given, settings: await trustLocal(await joinMesh(given), given) });
  } catch (cause) {
    // Told to stop before there was anything to drain.
    if (stopSignal.aborted && (cause as Error).name === 'AbortError') return 0;
    throw cause;
  }
}

/** The settings, with the authority of the control plane of this host where it is meant and no other is given. */
async function trustLocal(settings: Settings, { environment, log }: RunOptions): Promise<Settings> {
  const [address, another] = parseAddresses(settings.controlPlaneUrl);
  const isGiven = settings.caCert !== '' || settings.caCertFile !== '' || settings.tlsSkipVerify;
  if (address === undefined || another !== undefined || isGiven) return settings;
  const caCert = await localAuthority(localSockets(environment), address);
  if (caCert === undefined) return settings;
  log.info('the control plane of this host is verified by what it says itself to processes of its user', {
    url: address.href,
  });
  return { ...settings, caCert };
}

async function runProxy(options: RunOptions): Promise<number> {
  const { settings } = options;
  const proxy = await prepareProxy(options);
  const workDir = openWorkDir(settings.workDir || settings.socketDir, [adminSocket, configSocket]);
  try {
    await refuseUsed(workDir.path);
    return await runInFolder(proxy, workDir.path, options);
  } finally {
    workDir.remove();
  }
}

async function runInFolder(proxy: PreparedProxy, folder: string, options: RunOptions): Promise<number> {
  const { settings, given, log } = options;
  let terminating = false;
  let admin: AdminAddress | undefined;
  let metrics: Metrics | undefined;
  let accessLogs: AccessLogs | undefined;
  let probeProxy: ProbeProxy | undefined;
  let dns: Dns | undefined;
  let credentials: Credentials | undefined;
  const reporter = await openReadinessReporter({
    port: settings.readinessPort,
    portGiven: given.has('readinessPort'),
    state: async () => (terminating ? 'TERMINATING' : askReadiness(admin)),
  });
  try {
    const { port: readinessPort } = reporter;
    const { mesh, name } = proxy;
    const token = readToken(settings, folder);
    dns = await openDnsOf(proxy, folder, options);
    const current = openCredentials({ settings, token: token.text, trust: proxy.trust, log });
    credentials = current;
    const call = bootstrapCall(proxy, { token, folder, readinessPort, dnsPort: dns?.port ?? 0 }, options);
    log.info('asks the control plane for the bootstrap', { url: settings.controlPlaneUrl, mesh, name, readinessPort });
    const patience = { backoff: settings.retryBackoff, maxDuration: settings.retryMaxDuration };
    const bootstrap = await fetchBootstrap(call, patience, log, options.stopSignal);
    const otherAddresses = atEachAddress(call).flatMap(({ url }) => (url.href === bootstrap.url.href ? [] : [url]));
    const configFolder = settings.configDir || folder;
    // Another Envoy than ours may not know all of it, or not be able to read its token from a file.
    const { compatible } = proxy.envoyVersion;
    const reachable = withQuickReconnect(
      withAddresses(bootstrap.yaml, bootstrap.url, otherAddresses),
      compatible && process.platform === 'linux',
    );
    const yaml = hasIpv6() ? reachable : withIpv4Names(reachable);
    const configPath = writePrivate(
      configFolder,
      'bootstrap.yaml',
      compatible ? current.reloadable(yaml, configFolder) : yaml,
    );
    metrics = await openMetrics({
      ...{ mesh, name, workDir: folder, log: log.component('metrics') },
      sources: { admin: bootstrap.admin, address: proxy.address },
      refreshInterval: settings.dynamicConfigurationRefreshInterval,
    });
    const { write } = options;
    accessLogs = openAccessLogs({ mesh, name, workDir: folder, log: log.component('access-log'), write });
    probeProxy = await openProbeProxy({
      port: settings.applicationProbeProxyPort,
      address: proxy.address || bootstrap.address || '127.0.0.1',
      redirected: proxy.redirection !== undefined,
      log: log.component('probes'),
    });
    const args = envoyArguments(settings, configPath, options.logLevel);
    const envoy = startEnvoy(proxy.envoyPath, args, log, accessLogs.standardOutput);
    log.info('Envoy runs', {
      pid: envoy.pid,
      path: proxy.envoyPath,
      version: proxy.envoyVersion.version,
      bootstrap: configPath,
    });
    const address = bootstrap.admin;
    admin = address;
    const callNow = (): BootstrapCall => ({ ...call, trust: current.trust() });
    const withdraw = (): Promise<boolean> => announceDrain(callNow(), current.token(), log);
    const steps: ApplicationSteps = {
      serves: (signal) => untilLive(address, signal),
      announce: (signal) => announceReady(callNow, current.token, address, log, signal),
      markTerminating: () => {
        terminating = true;
      },
      drain: (signal) => drain({ admin: address, drainTime: settings.drainTime, withdraw, log, signal }),
      withdraw,
    };
    if (options.application === undefined) return await superviseEnvoy(envoy, log, options, steps);
    const application: Application = {
      command: options.application,
      environment: options.environment,
      places: servicePlaces(proxy.resource),
      patience: settings.applicationStopTimeout,
    };
    return await superviseApplication(envoy, application, log, options, steps);
  } finally {
    await probeProxy?.close();
    await accessLogs?.close();
    await metrics?.close();
    await dns?.close();
    credentials?.close();
    await reporter.close();
  }
}

/**
 * DNS where applications' questions are redirected to this proxy, and where it listens on virtual addresses: there the host's resolver has to be told.
 * Nowhere else, where it would only take the port from others.
 */
async function openDnsOf(
  { redirection }: PreparedProxy,
  workDir: string,
  { settings, given, log }: RunOptions,
): Promise<Dns | undefined> {
  if (!settings.dnsEnabled || (redirection === undefined && !settings.bindOutbounds)) return undefined;
  const ownPort = redirection === undefined || given.has('coreDnsPort') ? settings.coreDnsPort : redirection.dnsPort;
  return await openDns({
    workDir,
    port: settings.dnsProxyPort || ownPort,
    // `interface:network`, checked when the configuration was read.
    networks: (redirection?.vnetNetworks ?? []).map((text) => text.slice(text.indexOf(':') + 1)),
    ipv6: redirection?.ipFamilyMode === 'dualstack',
    refreshInterval: settings.dynamicConfigurationRefreshInterval,
    resolvConf: redirection?.resolvConfigPath ?? '/etc/resolv.conf',
    // A resolver of this host that was told of us would send the question back.
    asksLoopback: redirection !== undefined,
    logsQuestions: settings.dnsLogging,
    log: log.component('dns'),
  });
}

/** Whether Envoy has its configuration and serves. */
async function askReadiness(admin: AdminAddress | undefined): Promise<Readiness> {
  if (admin === undefined) return 'NOT_READY';
  try {
    return (await askEnvoy(admin, 'GET', '/ready')).status === 200 ? 'READY' : 'NOT_READY';
  } catch {
    return 'NOT_READY';
  }
}

/** Two proxies in one work directory would take each other's sockets. One that was killed leaves a socket that nobody answers. */
async function refuseUsed(workDir: string): Promise<void> {
  const used = await askEnvoy({ socketPath: join(workDir, adminSocket) }, 'GET', '/ready').catch(() => undefined);
  if (used !== undefined)
    throw new MeshError('conflict', `--work-dir: ${workDir} is used by another kuma-dp; give each its own, or none`);
}

interface RunFacts {
  readonly token: Token;
  readonly folder: string;
  readonly readinessPort: number;
  /** 0 when DNS is not answered. */
  readonly dnsPort: number;
}

function bootstrapCall(
  proxy: PreparedProxy,
  { token, folder, readinessPort, dnsPort }: RunFacts,
  { settings, environment, log }: RunOptions,
): BootstrapCall {
  const { inventory, problems } = readCollectorEnvironment(environment);
  for (const problem of problems) log.error(`${problem}; the variable is passed over`);
  const { mesh, name, resource, trust } = proxy;
  const body = formatBootstrapRequest(settings, {
    mesh,
    name,
    resource,
    token: token.text,
    tokenPath: token.path,
    caCert: trust.caCert,
    envoy: proxy.envoyVersion,
    workDir: folder,
    readinessPort,
    systemCaPath: findSystemCa(settings.systemCaPath),
    maxHeapSizeBytes: settings.maxMemoryBytes || readMemoryLimit(),
    redirection: proxy.redirection,
    dnsPort,
    machineId: readMachineId(settings.machineId),
    collectors: inventory,
  });
  const [url, ...others] = parseAddresses(settings.controlPlaneUrl);
  return {
    url,
    others,
    mesh,
    name,
    proxyType: settings.proxyType,
    broughtResource: resource !== '',
    hasToken: token.text !== '',
    trust,
    body,
  };
}
