// What should be written so that MeshExternalServices and MeshMultiZoneServices have their virtual addresses and host names.
import { type Derivation, deepEqual } from '@ursa/collections';
import {
  type AddressRange,
  type MeshExternalServiceStatus,
  type MeshMultiZoneServiceStatus,
  meshExternalService,
  meshMultiZoneService,
  type Resource,
  type ResourceType,
} from '@ursa/resources';
import type { LiveResources } from '../store/live-resources.ts';
import { deriveMatchedServices } from './matched-services.ts';
import type { PlannedWrite } from './planned-write.ts';
import { deriveServiceAddresses } from './service-addresses.ts';
import type { ServiceNames } from './service-names.ts';

interface Kind {
  readonly type: ResourceType;
  /** Addresses in a status. */
  readonly read: (status: unknown) => readonly string[];
  /** The part of a status that says the address. */
  readonly write: (ip: string) => object;
  /** What else the status says. */
  readonly observe?: (live: LiveResources) => (service: Resource) => object;
}

const externalServices: Kind = {
  type: meshExternalService,
  read: (status) => [(status as MeshExternalServiceStatus | undefined)?.vip?.ip].flatMap((ip) => ip ?? []),
  write: (ip) => ({ vip: { ip } }),
};

const multiZoneServices: Kind = {
  type: meshMultiZoneService,
  read: (status) => ((status as MeshMultiZoneServiceStatus | undefined)?.vips ?? []).flatMap(({ ip }) => ip ?? []),
  write: (ip) => ({ vips: [{ ip }] }),
  observe: deriveMatchedServices,
};

/** Ranges of the addresses (`KUMA_IPAM_MESH_EXTERNAL_SERVICE_CIDR`, `KUMA_IPAM_MESH_MULTI_ZONE_SERVICE_CIDR`). */
export interface ExternalServiceRanges {
  readonly externalServices: AddressRange;
  readonly multiZoneServices: AddressRange;
}

/** Derives the plan. */
export function deriveExternalServicePlan(
  live: LiveResources,
  names: ServiceNames,
  ranges: ExternalServiceRanges,
): Derivation<readonly [], readonly PlannedWrite[]> {
  const plans = [
    deriveKindPlan(live, names, externalServices, ranges.externalServices),
    deriveKindPlan(live, names, multiZoneServices, ranges.multiZoneServices),
  ];
  return live.graph.derive('external-service-plan', () => plans.flatMap((plan) => plan.get()));
}

function deriveKindPlan(
  live: LiveResources,
  names: ServiceNames,
  kind: Kind,
  range: AddressRange,
): Derivation<readonly [], readonly PlannedWrite[]> {
  const { graph } = live;
  const { name } = kind.type;
  const services = live.resources(name);
  const address = deriveServiceAddresses(live, names, { ...kind, range, storedAddresses: kind.read });
  const observe = kind.observe?.(live) ?? (() => ({}));
  const planOf = graph.derive(`plan/${name}`, (key: string): PlannedWrite | undefined => {
    const stored = services.get(key);
    if (stored === undefined) return undefined;
    const { version, creationTime: _created, modificationTime: _modified, ...draft } = stored;
    const {
      addresses: _addresses,
      hostnameGenerators: _generators,
      ...rest
    } = (stored.status ?? {}) as MeshExternalServiceStatus;
    const ip = address.get(key);
    const hostnames = names.hostnames.get(name, key);
    const status = { ...rest, ...(ip !== undefined && kind.write(ip)), ...hostnames, ...observe(stored) };
    return deepEqual(status, stored.status) ? undefined : { kind: 'put', draft: { ...draft, status }, seen: version };
  });
  return graph.derive(`plans/${name}`, () => services.keys().flatMap((key) => planOf.get(key) ?? []));
}
