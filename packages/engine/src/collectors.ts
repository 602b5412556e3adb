// OpenTelemetry collectors that policies refer to. Hooks look them up through the facts of their proxy; the graph remembers who did.
import { type Collector, type CollectorRef, labelsMatch } from '@ursa/policy';
import { displayNameOf, type MeshOpenTelemetryBackendSpec, type Resource } from '@ursa/resources';
import type { EngineInputs } from './engine.ts';

/** Ports on which collectors listen when their resource does not say. */
const usualPorts = { grpc: 4317, http: 4318 } as const;

/** Collectors of a mesh by reference; of several with the labels the first by name. */
export type CollectorLookup = (mesh: string) => (ref: CollectorRef) => Collector | undefined;

/** Finds collectors. */
export function collectorLookup(inputs: EngineInputs): CollectorLookup {
  const backends = inputs.resources('MeshOpenTelemetryBackend');
  const byName = backends.index('display name', (resource: Resource) => [
    `${resource.mesh} ${displayNameOf(resource)}`,
  ]);
  const byMesh = backends.index('mesh', (resource: Resource) => [resource.mesh]);
  return (mesh) =>
    ({ name, labels }) => {
      const keys = name === undefined ? byMesh.get(mesh) : byName.get(`${mesh} ${name}`);
      const found = [...keys].sort().flatMap((key) => backends.get(key) ?? []);
      const backend = found.find((resource) => labels === undefined || labelsMatch(labels, resource.labels));
      return backend && collectorOf(backend);
    };
}

// A collector without an address is the one on the proxy's own host.
function collectorOf({ name, spec }: Resource): Collector {
  const { endpoint = {}, protocol = 'grpc' } = spec as MeshOpenTelemetryBackendSpec;
  const { address = '127.0.0.1', port = usualPorts[protocol], path = '' } = endpoint;
  return { name, host: address, port, protocol, path: path.replace(/\/+$/, '') };
}
