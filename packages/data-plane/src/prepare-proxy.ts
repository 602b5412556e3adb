// Everything about a proxy that can be known, and can be wrong, before anything is started.
import { MeshError } from '@ursa/resources';
import type { TransparentProxyConfig } from '@ursa/transparent-proxy';
import { readTrust, type Trust } from './bootstrap/trust.ts';
import { readProxyResource } from './dataplane-template.ts';
import { type EnvoyVersion, readEnvoyVersion } from './envoy/envoy-version.ts';
import { findEnvoy } from './envoy/find-envoy.ts';
import type { Log } from './log.ts';
import { readRedirection, warnOfWrongUser } from './read-redirection.ts';
import type { Settings } from './settings/definitions.ts';

/** A proxy that could be started. */
export interface PreparedProxy {
  /** '' for zone proxies. */
  readonly mesh: string;
  readonly name: string;
  /** Its own address, where the resource that it brings along says it; '' otherwise. */
  readonly address: string;
  /** The resource it brings along, as JSON; '' when it exists in the control plane. */
  readonly resource: string;
  readonly trust: Trust;
  readonly envoyPath: string;
  readonly envoyVersion: EnvoyVersion;
  /** How traffic is redirected to it; undefined when none is. */
  readonly redirection: TransparentProxyConfig | undefined;
}

/** What it is prepared from. */
export interface PrepareOptions {
  readonly settings: Settings;
  readonly log: Log;
  readonly environment: NodeJS.ProcessEnv;
  readonly workingFolder: string;
}

/** Reads the resource, the authorities and Envoy. Throws `MeshError` that names the flag at fault. */
export async function prepareProxy({
  settings,
  log,
  environment,
  workingFolder,
}: PrepareOptions): Promise<PreparedProxy> {
  const { resource: inline, resourcePath: path, resourceVars: variables, proxyType } = settings;
  const resource = readProxyResource({ inline, path, variables, proxyType, mesh: settings.mesh, name: settings.name });
  const { mesh, name } = resource ?? nameOfKnownProxy(settings);
  const trust = readTrust(settings);
  if (trust.skipVerify) {
    log.warn(
      '--skip-verify: whoever answers at the address of the control plane gets the token and configures this proxy',
    );
  }
  const redirection = readRedirection(settings, environment);
  if (redirection !== undefined) warnOfWrongUser(redirection, log);
  if (redirection !== undefined && settings.bindOutbounds) {
    log.warn('--bind-outbounds has no effect: traffic is redirected to this proxy, whatever address it is for');
  }
  const envoyPath = findEnvoy(settings.binaryPath, environment, workingFolder);
  const envoyVersion = await readEnvoyVersion(envoyPath);
  if (!envoyVersion.compatible) {
    log.warn('this Envoy is not the version that the control plane is made for', { path: envoyPath, ...envoyVersion });
  }
  return {
    mesh,
    name,
    address: resource?.address ?? '',
    resource: resource?.json ?? '',
    trust,
    envoyPath,
    envoyVersion,
    redirection,
  };
}

/** The proxy exists in the control plane already: only its mesh and name are needed. */
function nameOfKnownProxy({ mesh, name, proxyType }: Settings): { mesh: string; name: string } {
  const missing = [...(name === '' ? ['--name'] : []), ...(mesh === '' && proxyType === 'dataplane' ? ['--mesh'] : [])];
  if (missing.length === 0) return { mesh, name };
  throw new MeshError(
    'invalid',
    `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing: name a proxy that the control plane knows, or say what it serves with --service and --port, or bring it along with --dataplane-file`,
  );
}
