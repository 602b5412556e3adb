// TLS settings of a server in the words of Node: versions and cipher suites.
import type { SecureVersion } from 'node:tls';
import type { TlsVersion } from './sections/tls.ts';

/** The settings that every TLS server has. */
export interface TlsLimitSettings {
  readonly tlsMinVersion: TlsVersion;
  readonly tlsMaxVersion: TlsVersion;
  readonly tlsCipherSuites: readonly string[];
}

/** Options of `tls.createServer`. */
export interface TlsLimits {
  readonly minVersion: SecureVersion;
  readonly maxVersion?: SecureVersion;
  /** OpenSSL's list: names with a colon between. */
  readonly ciphers?: string;
}

const versions = {
  '': undefined,
  TLSv1_0: 'TLSv1',
  TLSv1_1: 'TLSv1.1',
  TLSv1_2: 'TLSv1.2',
  TLSv1_3: 'TLSv1.3',
} as const;

/** The limits of one server. */
export function tlsLimitsOf({ tlsMinVersion, tlsMaxVersion, tlsCipherSuites }: TlsLimitSettings): TlsLimits {
  const maxVersion = versions[tlsMaxVersion];
  return {
    minVersion: versions[tlsMinVersion] ?? 'TLSv1.2',
    ...(maxVersion === undefined ? {} : { maxVersion }),
    ...(tlsCipherSuites.length > 0 ? { ciphers: tlsCipherSuites.map(toOpenSslName).join(':') } : {}),
  };
}

/** Cipher suites are configured by their IANA names; OpenSSL has its own for TLS 1.2 and the same for TLS 1.3. */
function toOpenSslName(name: string): string {
  if (!name.startsWith('TLS_') || !name.includes('_WITH_')) return name;
  return name
    .slice('TLS_'.length)
    .replace('_WITH_', '-')
    .replace('_CBC', '')
    .replaceAll('_', '-')
    .replace('AES-128', 'AES128')
    .replace('AES-256', 'AES256')
    .replace(/^RSA-/, '')
    .replace('CHACHA20-POLY1305-SHA256', 'CHACHA20-POLY1305');
}
