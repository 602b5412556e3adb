// What a line of the log can say of the mesh: `%KUMA_…%` in formats is filled in here, Envoy's own operators are left to Envoy.
import type { ProxyFacts } from '@ursa/policy';

/** Values of the placeholders of one place. */
export type Placeholders = Readonly<Record<string, string>>;

/** Which traffic a place carries. */
export interface Traffic {
  readonly source: string;
  readonly destination: string;
  readonly direction: 'INBOUND' | 'OUTBOUND';
}

/** Placeholders by name, without percent signs. */
export function placeholdersOf({ mesh, self }: ProxyFacts, { source, destination, direction }: Traffic): Placeholders {
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

/** A text with the placeholders filled in. Unknown ones stay: Envoy refuses the listener and says which. */
export function fillIn(text: string, values: Placeholders): string {
  return text.replace(/%(KUMA_[A-Z_]+)%/g, (whole, name: string) => values[name] ?? whole);
}
