// What a line of the log can say of the mesh: `%KUMA_…%` in formats is filled in here, Envoy's own operators are left to Envoy.

import type { ProxyFacts } from '@ursa/policy';
import { describeFormatError } from '@ursa/resources';

/** Values of the placeholders of one place. */
export type Placeholders = Readonly<Record<string, string>>;

/** Which traffic a place carries. */
export interface Traffic {
  readonly source: string;
  readonly destination: string;
  readonly direction: 'INBOUND' | 'OUTBOUND';
}

/** Placeholders by name, without percent signs. */
export function placeholdersOf(
  { mesh, self }: Pick<ProxyFacts, 'mesh' | 'self'>,
  { source, destination, direction }: Traffic,
): Placeholders {
  const { address = '', zone = '', workload = '' } = self ?? {};
  return {
    KUMA_SOURCE_ADDRESS: address.includes(':') ? `[${address}]:0` : `${address}:0`,
    KUMA_SOURCE_ADDRESS_WITHOUT_PORT: address,
    KUMA_SOURCE_SERVICE: source,
    KUMA_DESTINATION_SERVICE: destination,
    KUMA_MESH: mesh,
    KUMA_ZONE: zone,
    KUMA_WORKLOAD: workload,
    KUMA_TRAFFIC_DIRECTION: direction,
  };
}

const sample = placeholdersOf({ mesh: 'mesh' }, { source: 'source', destination: 'destination', direction: 'INBOUND' });

/** What is wrong with the format of a line; undefined when Envoy takes it once the placeholders are filled in. */
export function describeLineError(text: string): string | undefined {
  const filled = fillIn(text, sample);
  const [unknown] = /%KUMA_[A-Z_]+%/.exec(filled) ?? [];
  if (unknown === undefined) return describeFormatError(filled);
  const known = Object.keys(sample).map((name) => `%${name}%`);
  return `has ${unknown}, which is no placeholder; there are ${known.join(', ')}`;
}

/** A text with the placeholders filled in. Unknown ones, which Envoy refuses, stay. */
export function fillIn(text: string, values: Placeholders): string {
  return text.replace(/%(KUMA_[A-Z_]+)%/g, (whole, name: string) => values[name] ?? whole);
}
