// From --service, --port and perhaps a join code to what kuma-dp runs with otherwise: a control plane to trust, a token and a Dataplane.
import { hostname } from 'node:os';
import { MeshError, parseJoinCode } from '@ursa/resources';
import { parseAddresses } from '../bootstrap/several-addresses.ts';
import type { Log } from '../log.ts';
import { definitions, type Settings } from '../settings/definitions.ts';
import type { ReadSettings } from '../settings/read-settings.ts';
import type { Setting } from '../settings/setting.ts';
import { detectProtocol } from './detect-protocol.ts';
import { exchangeCode } from './exchange-code.ts';
import { inboundPorts, openPortFinder, otherPorts, placeOf } from './free-ports.ts';
import { joinLocal, localSockets } from './local-control-plane.ts';
import { type Call, checkCalls, checkFlags, defaultName, makeDataplane, readCalls } from './made-dataplane.ts';
import { checkWritable, type KeptMembership, keepMembership, membershipFolder, readMembership } from './membership.ts';
import { ownAddress } from './own-address.ts';
import { rememberedProtocol, rememberProtocol } from './remembered-protocol.ts';

/** What it works with. */
export interface JoinOptions extends ReadSettings {
  readonly log: Log;
  readonly environment: NodeJS.ProcessEnv;
  readonly stopSignal: AbortSignal;
  /** The code of `kuma-dp join`. */
  readonly joinCode?: string;
  /** An application that kuma-dp itself starts, later. */
  readonly application?: unknown;
}

/** How long the protocol of an application is waited for that does not listen yet. */
const applicationPatience = 3000;

/** The settings with all of it filled in; as they are when neither a code nor a service was given. Errors: `MeshError` that names the flag at fault. */
export async function joinMesh(options: JoinOptions): Promise<Settings> {
  const { settings, joinCode, log } = options;
  if (joinCode === undefined && settings.service === '') {
    checkNoneOfOwnService(options);
    return settings;
  }
  checkFlags(settings);
  // All flags are read before a control plane is looked for, which may take minutes, and before a code is used up.
  const calls = readCalls(settings.calls);
  checkCalls(calls, settings.servicePort);
  const member = joinCode === undefined ? await memberOf(options) : await joinWith(joinCode, options);
  const dataplane = await dataplaneOf({ ...settings, ...member }, calls, options);
  log.info('the Dataplane of this proxy', { dataplane });
  return { ...settings, ...member, resource: JSON.stringify(dataplane) };
}

/** What only says how a service is served that `--service` names. */
const saidOfService = ['servicePort', 'protocol', 'calls', 'address', 'inboundPort'] as const;

function checkNoneOfOwnService({ settings, given }: JoinOptions): void {
  const without = saidOfService.find((name) => given.has(name));
  if (without === undefined) return;
  const flag = `--${definitions[without].flag}`;
  throw new MeshError(
    'invalid',
    settings.resource !== '' || settings.resourcePath !== ''
      ? `${flag}: it goes with --service, from which the Dataplane is made, and --dataplane or --dataplane-file gives another; leave one of them out`
      : `--service is missing: name the service of which the application is an instance; ${flag} goes with it`,
  );
}

/** The settings that joining decides. */
type Member = Pick<
  Settings,
  'controlPlaneUrl' | 'caCert' | 'caCertFile' | 'token' | 'tokenPath' | 'mesh' | 'name' | 'service'
>;

/** A proxy that was given no code: by its own token, by what an earlier code gave, or by the control plane of this host. */
async function memberOf({ settings, given, environment, log, stopSignal }: JoinOptions): Promise<Member> {
  const { service, servicePort, stateDir } = settings;
  const mesh = settings.mesh || 'default';
  const name = settings.name || defaultName(service, hostname(), servicePort);
  if (settings.token !== '' || settings.tokenPath !== '' || given.has('controlPlaneUrl')) {
    return { ...settings, mesh, name };
  }
  const folder = membershipFolder(stateDir, environment, servicePort);
  const kept = readMembership(folder);
  if (kept !== undefined) return goOn(kept, folder, settings, log);
  const sockets = localSockets(environment);
  const local = await joinLocal(sockets, { mesh, service, name }, settings.retryMaxDuration, log, stopSignal);
  log.info('found the control plane of this host', { url: local.controlPlaneUrl });
  const { controlPlaneUrl, authority, token } = local;
  return { ...settings, mesh, name, controlPlaneUrl, token, caCert: authority, caCertFile: '' };
}

/** What a code stands in for. */
const saidByCode = ['controlPlaneUrl', 'token', 'tokenPath', 'caCert', 'caCertFile', 'tlsSkipVerify'] as const;

async function joinWith(text: string, { settings, given, environment, log, stopSignal }: JoinOptions): Promise<Member> {
  for (const name of saidByCode) {
    const { flag, env } = definitions[name] as Setting<unknown>;
    const shown = flag === undefined ? env : `--${flag} (${env})`;
    if (given.has(name)) throw new MeshError('invalid', `${shown}: the join code says it already; leave it out`);
  }
  const code = parseJoinCode(text);
  const folder = membershipFolder(settings.stateDir, environment, settings.servicePort);
  const before = readMembership(folder);
  // Started again with the same command.
  if (before?.code === code.id) return goOn(before, folder, settings, log);
  checkWritable(folder);
  const { service, name } = settings;
  const membership = await exchangeCode(code, { service, name }, stopSignal);
  const kept = keepMembership(folder, { ...membership, code: code.id });
  log.info('joined', {
    mesh: kept.mesh,
    service: kept.service,
    name: kept.name,
    url: kept.controlPlaneUrl,
    kept: folder,
  });
  return fromKept(kept, folder, settings);
}

/** Said, so that whoever reads of a token or an authority that no longer holds knows where it comes from. */
function goOn(kept: KeptMembership, folder: string, settings: Settings, log: Log): Member {
  log.info('goes on with what it got when it joined; to join anew, give "kuma-dp join" a new code', { kept: folder });
  return fromKept(kept, folder, settings);
}

function fromKept(kept: KeptMembership, folder: string, settings: Settings): Member {
  for (const field of ['mesh', 'service', 'name'] as const) {
    if (settings[field] === '' || settings[field] === kept[field]) continue;
    throw new MeshError(
      'invalid',
      `--${field}: the application at port ${settings.servicePort} of this host has joined as ${field} "${kept[field]}" (${folder}): leave --${field} out, or join again with a new code`,
    );
  }
  const { controlPlaneUrl, tokenPath, authorityPath, mesh, name, service } = kept;
  return { controlPlaneUrl, caCert: '', caCertFile: authorityPath, token: '', tokenPath, mesh, name, service };
}

async function dataplaneOf(settings: Settings, wanted: readonly Call[], options: JoinOptions): Promise<object> {
  const { mesh, name, service, servicePort } = settings;
  const address = settings.address || (await ownAddress(parseAddresses(settings.controlPlaneUrl)[0]));
  const ports = openPortFinder();
  // Only whether: what it says may come from the standard input, and be read later.
  const redirected = settings.transparentProxy || settings.transparentProxyConfig.some((files) => files !== '');
  const inboundPort = redirected
    ? servicePort
    : settings.inboundPort || (await ports.find(inboundPorts, servicePort, address));
  for (const port of [inboundPort, servicePort, ...wanted.map((call) => call.port)]) ports.keep(port);
  const calls: Call[] = [];
  for (const call of wanted) {
    const start = placeOf(`${servicePort} calls ${call.service}`);
    const port = call.port || (await ports.find(otherPorts, start, '127.0.0.1'));
    calls.push({ ...call, port });
    options.log.info(`${call.service} is called at 127.0.0.1:${port}`);
  }
  const adminPort = await ports.find(otherPorts, placeOf(`admin of ${servicePort}`), address);
  const protocol = settings.protocol || (await protocolOf(settings, options));
  return makeDataplane({
    mesh,
    name,
    service,
    protocol,
    address,
    servicePort,
    inboundPort,
    redirected,
    adminPort,
    calls,
  });
}

async function protocolOf({ service, servicePort: port, stateDir }: Settings, options: JoinOptions): Promise<string> {
  const { application, environment, log, stopSignal } = options;
  const folder = membershipFolder(stateDir, environment, port);
  const detected = application === undefined ? await detectProtocol(port, applicationPatience, stopSignal) : undefined;
  if (detected !== undefined) {
    log.info(`the application at port ${port} speaks ${detected}`);
    rememberProtocol(folder, service, detected);
    return detected;
  }
  const remembered = rememberedProtocol(folder, service);
  if (remembered === undefined)
    log.warn(`--protocol: nobody answers at port ${port} yet, so that it is taken for tcp; say http if it speaks that`);
  else log.info(`nobody answers at port ${port} yet, which spoke ${remembered} before`);
  return remembered ?? 'tcp';
}
