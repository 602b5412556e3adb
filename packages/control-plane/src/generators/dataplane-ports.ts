// Which services a Dataplane serves, and at which ports: what MeshServices are generated from.
import {
  type DataplaneSpec,
  inboundProtocol,
  inboundService,
  inboundsOf,
  type MeshServicePort,
  type Resource,
} from '@ursa/resources';

/** Ports that one Dataplane serves of one service, and what decides whether they count. */
export interface ServedPorts {
  readonly service: string;
  readonly ports: readonly MeshServicePort[];
}

/** The ports a Dataplane serves, by service, sorted. Services whose name could not be a MeshService's are left out. */
export function servedPorts(dataplane: Resource): readonly ServedPorts[] {
  const byService = new Map<string, MeshServicePort[]>();
  for (const inbound of inboundsOf(dataplane.spec as DataplaneSpec)) {
    const service = inboundService(inbound) ?? '';
    if (!isDnsLabel(service)) continue;
    const { port = 0, name = '' } = inbound;
    const ports = byService.get(service) ?? [];
    byService.set(service, ports);
    ports.push({
      name: name === '' ? String(port) : name,
      port,
      targetPort: port,
      appProtocol: inboundProtocol(inbound),
    });
  }
  return [...byService]
    .map(([service, ports]) => ({ service, ports }))
    .sort((one, other) => (one.service < other.service ? -1 : 1));
}

/**
 * The ports of a service whose Dataplanes say `candidates`, oldest Dataplane first. All Dataplanes of a service should serve the same ports; where
 * they do not, what the MeshService says now wins as long as one Dataplane agrees, else the oldest Dataplane.
 */
export function choosePorts(
  candidates: readonly (readonly MeshServicePort[])[],
  current: readonly MeshServicePort[] | undefined,
): readonly MeshServicePort[] | undefined {
  const agreed = current === undefined ? undefined : candidates.find((ports) => samePorts(ports, current));
  return agreed ?? candidates[0];
}

function samePorts(one: readonly MeshServicePort[], other: readonly MeshServicePort[]): boolean {
  if (one.length !== other.length) return false;
  return one.every((port, position) => {
    const { name, port: number, targetPort, appProtocol } = other[position] ?? { port: -1 };
    return (
      port.name === name && port.port === number && port.targetPort === targetPort && port.appProtocol === appProtocol
    );
  });
}

// RFC 1035: what the host name of a service can be made of.
function isDnsLabel(name: string): boolean {
  return /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name);
}
