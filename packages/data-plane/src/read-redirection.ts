// How traffic of this host reaches the proxy: the same configuration that `kumactl install transparent-proxy` made the rules from. Undefined for a
// proxy to which nothing is redirected.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { MeshError } from '@ursa/resources';
import {
  checkConfig,
  mergeConfig,
  readConfigEnvironment,
  readConfigText,
  type TransparentProxyConfig,
} from '@ursa/transparent-proxy';
import { hasIpv6 } from './ip-families.ts';
import type { Log } from './log.ts';
import type { Settings } from './settings/definitions.ts';

const standardInput = 0;
const usualUsers: readonly string[] = ['5678', 'kuma-dp'];

/** Reads the files in their order, then the environment. Throws `MeshError` that names the flag and the field at fault. */
export function readRedirection(
  { transparentProxy, transparentProxyConfig, resourcePath }: Settings,
  environment: NodeJS.ProcessEnv,
): TransparentProxyConfig | undefined {
  const files = transparentProxyConfig.flatMap((list) => list.split(',')).filter((file) => file !== '');
  if (!transparentProxy && files.length === 0) return undefined;
  if (files.includes('-') && resourcePath === '-') {
    throw new MeshError(
      'invalid',
      '--transparent-proxy-config and --dataplane-file both read standard input; put one into a file',
    );
  }
  const layers = files.map((file) => readConfigText(readText(file), file === '-' ? 'standard input' : file));
  const config = mergeConfig([...layers, readConfigEnvironment(environment)]);
  checkConfig(config);
  // Without IPv6 on the host Envoy could not listen on its addresses.
  return hasIpv6() ? config : { ...config, ipFamilyMode: 'ipv4' };
}

/** What the control plane needs of it, as the bootstrap request carries it. */
export function formatRedirection(config: TransparentProxyConfig): object {
  return {
    ipFamilyMode: config.ipFamilyMode,
    redirect: {
      inbound: { enabled: config.inboundEnabled, port: config.inboundPort },
      outbound: { enabled: config.outboundEnabled, port: config.outboundPort },
      dns: { enabled: config.dnsEnabled, port: config.dnsPort },
      vnet: config.vnetNetworks.length === 0 ? {} : { networks: config.vnetNetworks },
    },
  };
}

/** Traffic of one user only is not redirected: run by another, Envoy's own would come back to it for ever. */
export function warnOfWrongUser({ kumaDpUser }: TransparentProxyConfig, log: Log): void {
  const uid = String(process.geteuid?.() ?? '');
  const meant = kumaDpUser === '' ? usualUsers : [kumaDpUser];
  if (meant.includes(uid)) return;
  const name = nameOf(uid);
  if (meant.includes(name)) return;
  log.warn(
    `this process runs as ${name} (UID ${uid}), but the traffic that is not redirected is that of user ${meant.join(' or ')}: Envoy's own would come back to it. ` +
      `Run kuma-dp as that user, or install the rules with --kuma-dp-user ${uid} and give kuma-dp the same kumaDPUser`,
  );
}

/**
 * The name of a user; its UID when it has none. Not by `os.userInfo`: the executables' runtime takes the name from the variable USER, and Node throws for
 * a user without a name, as containers have.
 */
function nameOf(uid: string): string {
  try {
    return execFileSync('id', ['-un', uid], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return uid;
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? standardInput : file, 'utf8');
  } catch (cause) {
    throw new MeshError(
      'not-found',
      `--transparent-proxy-config: ${file} cannot be read: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}
