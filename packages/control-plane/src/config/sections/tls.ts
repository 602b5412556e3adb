// TLS settings that every server has, under its own prefix.
import { choice, list, type Setting, type SettingNotes } from '../setting.ts';

/** TLS versions by the peer's words; '' means the default. */
const tlsVersions = ['', 'TLSv1_0', 'TLSv1_1', 'TLSv1_2', 'TLSv1_3'] as const;

/** A word for a TLS version. */
export type TlsVersion = (typeof tlsVersions)[number];

/** Limits of the TLS handshake of one server. */
export function tlsLimits(
  prefix: string,
  notes: SettingNotes = {},
): {
  readonly tlsMinVersion: Setting<TlsVersion>;
  readonly tlsMaxVersion: Setting<TlsVersion>;
  readonly tlsCipherSuites: Setting<readonly string[]>;
} {
  return {
    tlsMinVersion: choice(`${prefix}_TLS_MIN_VERSION`, 'TLSv1_2', tlsVersions, 'Lowest TLS version accepted.', notes),
    tlsMaxVersion: choice(
      `${prefix}_TLS_MAX_VERSION`,
      '',
      tlsVersions,
      'Highest TLS version offered; empty: the newest.',
      notes,
    ),
    tlsCipherSuites: list(
      `${prefix}_TLS_CIPHER_SUITES`,
      [],
      'Cipher suites offered up to TLS 1.2; empty: a safe set.',
      notes,
    ),
  };
}
