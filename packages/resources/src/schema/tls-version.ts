// The range of TLS versions that a service or a policy allows.
import { type Static, Type } from 'typebox';
import type { ViolationList } from '../violations.ts';
import { closed, oneOf } from './shapes.ts';

const names = ['TLSAuto', 'TLS10', 'TLS11', 'TLS12', 'TLS13'] as const;

/** Lowest and highest TLS version; `TLSAuto` leaves the choice to Envoy. */
export const tlsVersions = closed({ min: Type.Optional(oneOf(...names)), max: Type.Optional(oneOf(...names)) });
/** A range of TLS versions, as parsed. */
export type TlsVersions = Static<typeof tlsVersions>;

/** Adds a violation when the range is empty. */
export function checkTlsVersions(violations: ViolationList, field: string, versions: TlsVersions | undefined): void {
  const { min, max } = versions ?? {};
  if (min === undefined || max === undefined || min === 'TLSAuto' || max === 'TLSAuto') return;
  if (names.indexOf(min) > names.indexOf(max)) violations.add(`${field}.min`, 'min version must be lower than max');
}
