// What this program calls itself.
import { hostname } from 'node:os';
import packageFile from '../package.json' with { type: 'json' };

/** Name, version and the runtime underneath. */
export interface BuildInfo {
  readonly product: string;
  readonly version: string;
  /** `Node.js 24.21.0` or `Bun 1.4.5`. */
  readonly runtime: string;
  /** The Envoy version whose API is spoken. */
  readonly envoy: string;
}

/** Facts about this build. */
export const buildInfo: BuildInfo = {
  product: 'Ursa',
  version: packageFile.version,
  runtime: process.versions.bun === undefined ? `Node.js ${process.versions.node}` : `Bun ${process.versions.bun}`,
  envoy: '1.40.0',
};

/** A name for this process among those of its cluster: the host's name and four random hex digits. */
export function makeInstanceId(): string {
  const digits = Math.floor(Math.random() * 0x1_0000);
  return `${hostname()}-${digits.toString(16).padStart(4, '0')}`;
}
