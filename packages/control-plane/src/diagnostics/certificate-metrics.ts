// How long certificates are still good: the first to end of each mesh and backend, worked out when somebody reads.
import { X509Certificate } from 'node:crypto';
import type { Collection } from '@ursa/collections';
import type { IssuedIdentity, TrustBundle } from '@ursa/engine';
import type { Meter, Reading } from '@ursa/telemetry';
import type { IssuingState } from '../identity/issuing.ts';

/** What the metrics are taken from. */
export interface CertificateSources {
  /** By key of the proxy: `<mesh>/<name>`. */
  readonly identities: Collection<IssuedIdentity>;
  /** By mesh. */
  readonly trust: Collection<TrustBundle>;
  /** How the authorities do, by `<mesh>/<backend>`. */
  readonly states: () => readonly IssuingState[];
  /** What is wrong with certificates that proxies show, by `<mesh>/<proxy>`. */
  readonly findings: () => ReadonlyMap<string, { readonly reason: string }>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Declares the metrics. */
export function certificateMetrics(
  meter: Meter,
  { identities, trust, states, findings, now }: CertificateSources,
): void {
  const remaining = (end: number): number => (end - now()) / 1000;
  meter.reads(
    'certificate_expiry_seconds',
    'gauge',
    'Seconds until the first certificate of a connected proxy ends; it is renewed at a fifth of its life.',
    ['mesh', 'backend'],
    function* (): Iterable<Reading> {
      const first = new Map<string, { readonly values: readonly string[]; end: number }>();
      for (const key of identities.keys()) {
        const identity = identities.get(key);
        if (identity === undefined) continue;
        const mesh = key.slice(0, key.indexOf('/'));
        const end = Date.parse(identity.notAfter);
        const id = `${mesh} ${identity.backend}`;
        const known = first.get(id);
        if (known === undefined) first.set(id, { values: [mesh, identity.backend], end });
        else known.end = Math.min(known.end, end);
      }
      for (const { values, end } of first.values()) yield [values, remaining(end)];
    },
  );
  const perAuthority = (name: string, help: string, figure: (state: IssuingState) => number): void =>
    meter.reads(name, 'gauge', help, ['mesh', 'backend'], function* (): Iterable<Reading> {
      for (const state of states()) yield [state.authority.split('/'), figure(state)];
    });
  perAuthority(
    'cert_generation_backoff',
    'Proxies whose certificate could not be issued and that wait to try again.',
    ({ failing }) => failing.length,
  );
  perAuthority(
    'cert_generation_circuit_open',
    '1 while so many proxies fail that only one at a time asks their authority.',
    ({ isOpen }) => Number(isOpen),
  );
  meter.reads(
    'certificate_findings',
    'gauge',
    'Connected proxies whose Envoy shows another certificate than the one issued (Stale), or one that should have been replaced (EndsSoon, Ended).',
    ['mesh', 'reason'],
    function* (): Iterable<Reading> {
      const counts = new Map<string, number>();
      for (const [key, { reason }] of findings()) {
        const id = `${key.slice(0, key.indexOf('/'))} ${reason}`;
        counts.set(id, (counts.get(id) ?? 0) + 1);
      }
      for (const [id, count] of counts) yield [id.split(' '), count];
    },
  );
  const ends = new WeakMap<TrustBundle, number>();
  const endOf = (bundle: TrustBundle): number => {
    const known = ends.get(bundle);
    if (known !== undefined) return known;
    const end = firstEnd(bundle.certificates);
    ends.set(bundle, end);
    return end;
  };
  meter.reads(
    'authority_expiry_seconds',
    'gauge',
    'Seconds until the first authority that a mesh trusts ends.',
    ['mesh'],
    function* (): Iterable<Reading> {
      for (const mesh of trust.keys()) {
        const bundle = trust.get(mesh);
        if (bundle !== undefined) yield [[mesh], remaining(endOf(bundle))];
      }
    },
  );
}

/** When the first of some certificates in PEM ends, in milliseconds since 1970. */
function firstEnd(pem: string): number {
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return Math.min(...certificates.map((text) => Date.parse(new X509Certificate(text).validTo)));
}
