// Virtual addresses of services that are known by their tag (`web.mesh`), for meshes that do not use MeshServices exclusively.
// Held in the graph; which address belongs to which name stands in the leases, on which all instances agree.
import type { Graph, Source } from '@ursa/collections';
import type { ServiceVip } from '@ursa/engine';
import {
  type AddressRange,
  type DataplaneSpec,
  type ExternalServiceSpec,
  inboundService,
  inboundsOf,
  isDnsName,
  type MeshSpec,
  type Resource,
  tagNames,
} from '@ursa/resources';
import type { Component } from '../component.ts';
import { keyInType, type LiveResources } from '../store/live-resources.ts';
import { allocateLeased, deriveLeases, tagPool } from './address-leases.ts';

export interface ServiceVipsInputs {
  /** Paced, see `openPacedResources`. */
  readonly live: LiveResources;
  /** Graph of `vips`. */
  readonly graph: Graph;
  /** Filled here. Key: `<mesh>/<service>`. */
  readonly vips: Source<ServiceVip>;
  /** `KUMA_DNS_SERVER_CIDR`. Of a range larger than a /8 the first /8 is used: the addresses after it are those of other kinds of services. */
  readonly range: AddressRange;
  /** Told how long it took to give the addresses. */
  readonly onFilled?: (milliseconds: number) => void;
}

const largest = 2 ** 24 - 2;
/** Before the name of a host, in keys. */
const hostMark = '~';

/** The component that gives the addresses; when started, all services of now have one. */
export function serviceVips({ live, graph, vips, range, onFilled }: ServiceVipsInputs): Component {
  const { first } = range;
  const limited = { first, last: Math.min(range.last, first + largest - 1) };
  const dataplanes = live.resources('Dataplane');
  const services = live.graph.derive('tag-services', (dataplaneKey: string) => {
    const dataplane = dataplanes.get(dataplaneKey);
    return dataplane === undefined ? [] : servicesServed(dataplane);
  });
  const externals = live.resources('ExternalService');
  const outside = live.graph.derive('external-services', (key: string): readonly string[] => {
    const resource = externals.get(key);
    return resource === undefined ? [] : namesOutside(resource.spec as ExternalServiceSpec);
  });
  const keysOfMesh = live.graph.derive('tag-services/mesh', (mesh: string): readonly string[] => {
    const spec = live.resources('Mesh').get(keyInType({ mesh: '', name: mesh }))?.spec as MeshSpec | undefined;
    if (spec === undefined || spec.meshServices?.mode === 'Exclusive') return [];
    const names = new Set(
      dataplanes
        .index('mesh', (resource) => [resource.mesh])
        .get(mesh)
        .flatMap((key) => services.get(key)),
    );
    for (const name of externals
      .index('mesh', (resource) => [resource.mesh])
      .get(mesh)
      .flatMap((key) => outside.get(key)))
      names.add(name);
    return [...names].sort().map((name) => keyInType({ mesh, name }));
  });
  const wanted = live.graph.derive('tag-services/all', () =>
    live
      .resources('Mesh')
      .keys()
      .flatMap((meshKey) => keysOfMesh.get(meshKey.slice(1))),
  );
  const leases = deriveLeases(live);
  const fill = (keys: readonly string[]): void => {
    const present = new Set(keys);
    const leased = leases.get(tagPool);
    const started = performance.now();
    graph.batch(() => {
      for (const key of vips.keys()) if (!present.has(key)) vips.delete(key);
      // Another instance was first to give an address to a name: that one counts.
      for (const key of vips.keys()) {
        const { address, releasedAt } = leased.get(key) ?? {};
        if (address !== undefined && releasedAt === undefined && vips.get(key)?.address !== address) vips.delete(key);
      }
      const held = vips.keys().flatMap((key) => vips.get(key)?.address ?? []);
      const missing = keys.filter((key) => vips.get(key) === undefined);
      for (const [key, address] of allocateLeased(limited, missing, held, leased)) {
        const [mesh = '', name = ''] = key.split('/');
        const host = name.startsWith(hostMark) ? name.slice(hostMark.length) : undefined;
        vips.set(key, host === undefined ? { mesh, service: name, address } : { mesh, service: '', host, address });
      }
    });
    onFilled?.(performance.now() - started);
  };
  let watches: readonly { stop(): void }[] = [];
  return {
    name: 'service-vips',
    async start() {
      const started = live.graph.watch(wanted, [], fill);
      watches = [started, live.graph.watch(leases, [tagPool], () => fill(wanted.get()))];
      fill(started.value);
    },
    async stop() {
      for (const watch of watches) watch.stop();
    },
  };
}

// Names with characters that no host name has cannot be looked up.
const isHostName = (name: string): boolean => /^[A-Za-z0-9._-]+$/.test(name);

function servicesServed(dataplane: Resource): readonly string[] {
  return inboundsOf(dataplane.spec as DataplaneSpec)
    .flatMap((inbound) => inboundService(inbound) ?? [])
    .filter(isHostName);
}

/** The service's own name, and its host, under which applications call it too, unless it says that they do not. */
function namesOutside(spec: ExternalServiceSpec): readonly string[] {
  const { [tagNames.service]: service = '' } = spec.tags ?? {};
  const host = /^([^:[\]]+):\d+$/.exec(spec.networking?.address ?? '')?.[1] ?? '';
  const named = isDnsName(host) && spec.networking?.disableHostDNSResolution !== true;
  return [...(isHostName(service) ? [service] : []), ...(named ? [`${hostMark}${host}`] : [])];
}
