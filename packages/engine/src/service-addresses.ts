// Virtual addresses of services known by their tag, and of the hosts of ExternalServices, under which applications call these as well.
import type { Derivation, Graph } from '@ursa/collections';
import { type ExternalServiceSpec, isIp, type Resource, tagNames } from '@ursa/resources';
import type { Destination, DestinationDerivations } from './destinations.ts';
import type { EngineInputs, ServiceVip } from './engine.ts';
import type { Outbound, VirtualAddresses } from './outbounds.ts';
import { outsideAddress } from './outside/outside-facts.ts';

/** What one address leads to, and the services that it is reachable with. */
export interface ServiceAddresses extends VirtualAddresses {
  readonly services: readonly string[];
}

/** What they are derived from. */
export interface ServiceAddressOptions {
  readonly graph: Graph;
  readonly inputs: EngineInputs;
  readonly outbound: Derivation<readonly [address: string, port: number, destination: Destination], Outbound>;
  readonly destinations: DestinationDerivations;
}

/** The addresses of a mesh. */
export function deriveServiceAddresses(
  options: ServiceAddressOptions,
): Derivation<readonly [mesh: string], readonly ServiceAddresses[]> {
  const { graph, inputs, outbound, destinations } = options;
  const { dnsDomain, serviceVipPort } = inputs.settings;
  const vipIndex = inputs.serviceVips.index('mesh', (vip) => [vip.mesh]);
  const resources = inputs.resources('ExternalService');
  const externalByMesh = resources.index('mesh', ({ mesh }: Resource) => [mesh]);

  /** ExternalServices as addresses need them, by name. */
  const externalsOf = (mesh: string) =>
    [...externalByMesh.get(mesh)].sort().flatMap((key) => {
      const spec = resources.get(key)?.spec as ExternalServiceSpec | undefined;
      const { [tagNames.service]: service = '' } = spec?.tags ?? {};
      return spec === undefined ? [] : [{ service, ...outsideAddress(spec) }];
    });
  // Each port of an address leads to one service.
  const lead = (mesh: string, address: string, ports: readonly (readonly [port: number, service: string])[]) => {
    const byPort = new Map<number, string>();
    for (const [port, service] of ports) if (!byPort.has(port)) byPort.set(port, service);
    return [...byPort].map(([port, service]) => outbound.get(address, port, destinations.service.get(mesh, service)));
  };

  return graph.derive('service addresses', (mesh: string): readonly ServiceAddresses[] => {
    const vips = vipIndex.get(mesh).flatMap((key) => inputs.serviceVips.get(key) ?? []);
    const externals = vips.length === 0 ? [] : externalsOf(mesh);
    const ofVip = ({ service, host, address }: ServiceVip): ServiceAddresses => {
      if (host === undefined) {
        const own = externals.filter((external) => external.service === service);
        const ports = [serviceVipPort, ...own.map(({ port }) => port)];
        return {
          services: [service],
          outbounds: lead(
            mesh,
            address,
            ports.map((port) => [port, service]),
          ),
          records: namesOf(service).map((name) => ({ name: `${name}.${dnsDomain}`, addresses: [address] })),
        };
      }
      const there = externals.filter((external) => external.host === host);
      const [first] = there;
      // Addresses follow the services after a while: until then this one leads nowhere.
      if (first === undefined) return { services: [], outbounds: [], records: [] };
      const ports = [...there.map(({ port }) => port), serviceVipPort];
      return {
        services: there.map((external) => external.service),
        outbounds: lead(
          mesh,
          address,
          ports.map((port) => [port, (there.find((each) => each.port === port) ?? first).service]),
        ),
        records: [{ name: host, addresses: [address] }],
      };
    };
    // An IP address needs no other.
    const literal = externals.filter(({ host }) => isIp(host));
    return [
      ...vips.map(ofVip),
      ...literal.map(({ service, host, port }) => ({
        services: [service],
        outbounds: lead(mesh, host, [[port, service]]),
        records: [],
      })),
    ];
  });
}

/** A service whose name has underscores, as those of Kubernetes have, can be called with dots in their place: host names have no underscores. */
function namesOf(service: string): readonly string[] {
  return [...new Set([service.replaceAll('_', '.'), service])];
}
