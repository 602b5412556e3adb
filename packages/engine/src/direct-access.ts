// Direct access (feature D11): for each instance of some services a listener at its own address, so that an application that picks instances by
// itself (a database's client, a cluster that gossips) speaks to the one it picked, over the mesh's TLS.
import type { Derivation, Graph } from '@ursa/collections';
import {
  buildCluster,
  buildListener,
  directAccessNames,
  type EnvoyResource,
  encodeResource,
  listenerDraft,
  meshClientTls,
  originalDestinationCluster,
  socketAddress,
  tcpChain,
} from '@ursa/envoy';
import type { DataplaneFacts, InboundFacts } from './dataplane-facts.ts';
import type { DataplaneLookup } from './endpoints.ts';
import type { EngineInputs } from './engine.ts';
import { meshTlsOf } from './identity/proxy-tls.ts';
import type { Outbound } from './outbounds.ts';
import { isPort } from './port.ts';
import type { ProxyClass } from './proxy-class.ts';
import type { Subject } from './proxy-parts.ts';

/** Stands for all services of the mesh. */
const everyService = '*';

const noResources: readonly EnvoyResource[] = [];

/** Listeners and the cluster for what a proxy may reach directly. `outbounds`: addresses that lead elsewhere already. */
export type DirectAccess = (found: Subject, outbounds: readonly Outbound[]) => readonly EnvoyResource[];

/** What direct access is derived from. */
export interface DirectAccessOptions {
  readonly graph: Graph;
  readonly inputs: EngineInputs;
  readonly dataplane: Derivation<readonly [key: string], DataplaneFacts | undefined>;
  readonly lookup: Pick<DataplaneLookup, 'byTag'>;
}

interface Instance {
  readonly proxy: string;
  readonly address: string;
  readonly port: number;
}

function instancesOf(proxy: DataplaneFacts, wanted: (inbound: InboundFacts) => boolean): readonly Instance[] {
  return proxy.inbounds
    .filter((inbound) => wanted(inbound) && isPort(inbound.port))
    .map(({ endpoint }) => ({ proxy: proxy.name, address: endpoint.address, port: endpoint.port }));
}

/** Derives direct access. Who asks for the same services shares the search, and everyone the listeners. */
export function deriveDirectAccess({ graph, inputs, dataplane, lookup }: DirectAccessOptions): DirectAccess {
  const byMesh = inputs.resources('Dataplane').index('mesh', ({ mesh }) => [mesh]);
  // What an instance's readiness or weight is does not matter here, so that it stops here.
  const instances = graph.derive('instances for direct access', (mesh: string, services: string): Instance[] => {
    const wanted = JSON.parse(services) as readonly string[];
    if (!wanted.includes(everyService)) {
      return wanted.flatMap((service) =>
        lookup
          .byTag(mesh, 'kuma.io/service', service)
          .flatMap((proxy) => instancesOf(proxy, (inbound) => inbound.service === service)),
      );
    }
    const all = [...byMesh.get(mesh)].sort().flatMap((key) => dataplane.get(key) ?? []);
    return all.flatMap((proxy) => instancesOf(proxy, () => true));
  });
  const listener = graph.derive(
    'direct access listener',
    (address: string, port: number): EnvoyResource => {
      const name = directAccessNames.listener(address, port);
      const draft = listenerDraft({
        name,
        address: socketAddress(address, port),
        direction: 'OUTBOUND',
        chains: [tcpChain(name, directAccessNames.cluster)],
        bindToPort: false,
      });
      return encodeResource('listener', buildListener(draft), 'direct-access');
    },
    { equals: Object.is },
  );
  const cluster = graph.derive(
    'direct access cluster',
    ({ facts, names, tls }: ProxyClass): EnvoyResource => {
      const draft = originalDestinationCluster({ name: directAccessNames.cluster, altStatName: false });
      if (tls !== undefined) {
        // Which service is behind an address is not known here: any workload of the mesh may be.
        draft.message.transportSocket = meshClientTls(meshTlsOf(facts.mesh, tls, names), [], '');
      }
      return encodeResource('cluster', buildCluster(draft), 'direct-access');
    },
    { equals: Object.is },
  );
  return ({ dataplane: facts, proxyClass }, outbounds) => {
    const services = facts.directAccessServices ?? [];
    if (services.length === 0) return noResources;
    const place = (address: string, port: number) => `${address} ${port}`;
    const taken = new Set([
      ...facts.outbounds.map(({ address = '127.0.0.1', port = 0 }) => place(address, port)),
      ...outbounds.map(({ address, port }) => place(address, port)),
    ]);
    const others = instances
      .get(facts.mesh, JSON.stringify(services.toSorted()))
      .filter(({ proxy, address, port }) => proxy !== facts.name && !taken.has(place(address, port)));
    if (others.length === 0) return noResources;
    return [...others.map(({ address, port }) => listener.get(address, port)), cluster.get(proxyClass)];
  };
}
