// Virtual addresses of services that are known by their tag (`web.mesh`), for meshes that do not use MeshServices exclusively.
// Kept in the graph only: an address follows from the service's name, so a restart gives the same ones.
import type { Graph, Source } from '@ursa/collections';
import type { ServiceVip } from '@ursa/engine';
import {
  type AddressRange,
  allocateAddresses,
  type DataplaneSpec,
  inboundService,
  inboundsOf,
  type MeshSpec,
  type Resource,
} from '@ursa/resources';
import type { Component } from '../component.ts';
import { keyInType, type LiveResources } from '../store/live-resources.ts';

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

/** The component that gives the addresses; when started, all services of now have one. */
export function serviceVips({ live, graph, vips, range, onFilled }: ServiceVipsInputs): Component {
  const { first } = range;
  const limited = { first, last: Math.min(range.last, first + largest - 1) };
  const dataplanes = live.resources('Dataplane');
  const services = live.graph.derive('tag-services', (dataplaneKey: string) => {
    const dataplane = dataplanes.get(dataplaneKey);
    return dataplane === undefined ? [] : servicesServed(dataplane);
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
    return [...names].sort().map((name) => keyInType({ mesh, name }));
  });
  const wanted = live.graph.derive('tag-services/all', () =>
    live
      .resources('Mesh')
      .keys()
      .flatMap((meshKey) => keysOfMesh.get(meshKey.slice(1))),
  );
  const fill = (keys: readonly string[]): void => {
    const present = new Set(keys);
    const started = performance.now();
    graph.batch(() => {
      for (const key of vips.keys()) if (!present.has(key)) vips.delete(key);
      const held = vips.keys().flatMap((key) => vips.get(key)?.address ?? []);
      const missing = keys.filter((key) => vips.get(key) === undefined);
      for (const [key, address] of allocateAddresses(limited, missing, held)) {
        const [mesh = '', service = ''] = key.split('/');
        vips.set(key, { mesh, service, address });
      }
    });
    onFilled?.(performance.now() - started);
  };
  let watch: { stop(): void } | undefined;
  return {
    name: 'service-vips',
    async start() {
      const started = live.graph.watch(wanted, [], fill);
      watch = started;
      fill(started.value);
    },
    async stop() {
      watch?.stop();
    },
  };
}

// Names with characters that no host name has cannot be looked up.
function servicesServed(dataplane: Resource): readonly string[] {
  return inboundsOf(dataplane.spec as DataplaneSpec)
    .flatMap((inbound) => inboundService(inbound) ?? [])
    .filter((service) => /^[A-Za-z0-9._-]+$/.test(service));
}
