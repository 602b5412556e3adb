// The zone egresses of the own zone, as those see them who send traffic through them.
import type { Derivation, Graph } from '@ursa/collections';
import { labelNames, type ZoneEgressSpec } from '@ursa/resources';
import type { EngineInputs } from '../engine.ts';
import { ipLookup } from '../host-address.ts';
import { isPort } from '../port.ts';

/** Where an egress takes traffic. */
export interface EgressAddress {
  readonly address: string;
  readonly port: number;
}

/** Addresses of the egresses that take traffic, in the order of their names. */
export type EgressAddresses = Derivation<readonly [], readonly EgressAddress[]>;

/** Derives them. */
export function deriveEgresses(graph: Graph, inputs: EngineInputs): EgressAddresses {
  const resources = inputs.resources('ZoneEgress');
  const ipOf = ipLookup(inputs);
  return graph.derive('zone egresses', () =>
    [...resources.keys()].sort().flatMap((key) => {
      const resource = resources.get(key);
      const { zone = '', networking = {} } = (resource?.spec ?? {}) as ZoneEgressSpec;
      const { port } = networking;
      const address = ipOf(networking.address ?? '');
      const away = zone !== '' && zone !== inputs.settings.zone;
      // One that starts or leaves takes no traffic (decision 0081).
      const withheld = resource?.labels[labelNames.withheldPorts] !== undefined;
      return address === undefined || !isPort(port) || away || withheld ? [] : [{ address, port }];
    }),
  );
}
