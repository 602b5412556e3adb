// OpenTelemetry collectors that policies refer to. Hooks look them up through the facts of their proxy; the graph remembers who did.
import { type Collector, type CollectorRef, labelsMatch, type Signal } from '@ursa/policy';
import { displayNameOf, type Resource } from '@ursa/resources';
import { noEnvironment, resolveCollector } from './collector-environment.ts';
import type { EngineInputs } from './engine.ts';

/** MeshOpenTelemetryBackends of a mesh by reference; of several with the labels the first by name. */
export type BackendLookup = (mesh: string) => (ref: CollectorRef) => Resource | undefined;

/**
 * Collectors that replace those of their resource, by {@link useOf}. Proxies in whose environment they stand have them; all others get what
 * the resource says.
 */
export type CollectorOverrides = Readonly<Record<string, Collector>>;

/** Collectors of a mesh by reference and by what is sent there. */
export type CollectorLookup = (
  mesh: string,
  overrides?: CollectorOverrides,
) => (ref: CollectorRef, signal: Signal) => Collector | undefined;

/** Finds MeshOpenTelemetryBackends. */
export function backendLookup(inputs: EngineInputs): BackendLookup {
  const backends = inputs.resources('MeshOpenTelemetryBackend');
  const byName = backends.index('display name', (resource: Resource) => [
    `${resource.mesh} ${displayNameOf(resource)}`,
  ]);
  const byMesh = backends.index('mesh', (resource: Resource) => [resource.mesh]);
  return (mesh) =>
    ({ name, labels }) => {
      const keys = name === undefined ? byMesh.get(mesh) : byName.get(`${mesh} ${name}`);
      const found = [...keys].sort().flatMap((key) => backends.get(key) ?? []);
      return found.find((resource) => labels === undefined || labelsMatch(labels, resource.labels));
    };
}

/** Finds collectors. */
export function collectorLookup(inputs: EngineInputs): CollectorLookup {
  const backends = backendLookup(inputs);
  return (mesh, overrides = {}) => {
    const backendOf = backends(mesh);
    return (ref, signal) => {
      const backend = backendOf(ref);
      if (backend === undefined) return undefined;
      return overrides[useOf(signal, backend.name)] ?? resolveCollector(backend, signal, noEnvironment).collector;
    };
  };
}

/** Names what is sent to a MeshOpenTelemetryBackend of a mesh. */
export function useOf(signal: Signal, backend: string): string {
  return `${signal} ${backend}`;
}
