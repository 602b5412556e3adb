// Zone egresses of one class get the same filter chains and clusters. The class holds all that these depend on of an egress.
import type { Graph } from '@ursa/collections';
import { type EnvoyNames, legacyNames, unifiedNames } from '@ursa/envoy';
import type { ZoneEgressSpec } from '@ursa/resources';
import type { ConnectedProxy } from '../engine.ts';
import { features } from '../features.ts';
import type { IpLookup } from '../host-address.ts';

/** A class of egresses. Derived: equal ones are one object. */
export interface EgressClass {
  readonly names: EnvoyNames;
  /** Where the listener is; chains name it in their statistics. */
  readonly address: string;
  readonly port: number;
  readonly reusePort: boolean;
  /** `feature-…` names, sorted. */
  readonly features: readonly string[];
  /** File with the authorities that the egress' host trusts. */
  readonly systemCaPath: string;
  /** True when its own address is an IPv6 address. */
  readonly ipv6: boolean;
}

/** Finds the class of an egress; undefined while its resource says no address. */
export function deriveEgressClass(
  graph: Graph,
  ipOf: IpLookup,
): (connected: ConnectedProxy, egress: ZoneEgressSpec) => EgressClass | undefined {
  const found = graph.derive(
    'egress class',
    (address: string, port: number, announced: string, systemCaPath: string): EgressClass => {
      const list = announced === '' ? [] : announced.split(' ');
      return {
        names: list.includes(features.unifiedNaming) ? unifiedNames : legacyNames,
        address,
        port,
        reusePort: list.includes(features.reusePort),
        features: list,
        systemCaPath,
        ipv6: address.includes(':'),
      };
    },
  );
  return (connected, { networking = {} }) => {
    const { address, port } = networking;
    if (address === undefined || port === undefined) return undefined;
    return found.get(ipOf(address) ?? address, port, connected.features.toSorted().join(' '), connected.systemCaPath);
  };
}
