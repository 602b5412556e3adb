// What is wrong with a stored resource by today's rules. A store may hold what no write would let in: it was written by an older version, or past
// the control plane. Only asked for what cannot be built, so that rules which became stricter take nothing away that works.
import type { Graph } from '@ursa/collections';
import type { ProxyPolicy } from '@ursa/policy';
import { coreResourceTypes, createResourceTypes, formatResource, MeshError, parseResource } from '@ursa/resources';
import type { EngineInputs } from './engine.ts';

/** Finds what is wrong with resources. */
export interface Faults {
  /** Field and reason, by `Type/mesh/name`; undefined where nothing is wrong. */
  of(key: string): string | undefined;
}

/** Derives it. */
export function deriveFaults(graph: Graph, inputs: EngineInputs, policies: readonly ProxyPolicy[]): Faults {
  const types = createResourceTypes([...coreResourceTypes, ...policies.map(({ resourceType }) => resourceType)]);
  const fault = graph.derive('fault of a resource', (key: string): string | undefined => {
    const at = key.indexOf('/');
    const type = types.byName(key.slice(0, at));
    const resource = type && inputs.resources(type.name).get(key.slice(at + 1));
    if (type === undefined || resource === undefined) return undefined;
    try {
      parseResource(types, formatResource(type, resource));
      return undefined;
    } catch (error) {
      return error instanceof MeshError ? error.message : undefined;
    }
  });
  return { of: (key) => fault.get(key) };
}
