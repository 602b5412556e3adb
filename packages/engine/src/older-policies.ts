// Which policy of an older form holds at a place. Looked up by the tags of the place, which many places share.
import type { Graph } from '@ursa/collections';
import { mostSpecific, type OlderPolicy, olderPolicy, type ProxyPolicy } from '@ursa/policy';
import type { Resource } from '@ursa/resources';
import type { EngineInputs } from './engine.ts';

type Tags = Readonly<Record<string, string>>;

/** Look-ups that are remembered by the derivation that asks. */
export interface OlderPolicies {
  /** The most specific one for what has these tags; undefined where none selects it, and for policies without an older form. */
  at(policy: ProxyPolicy, mesh: string, tags: Tags): OlderPolicy | undefined;
  /** True when a mesh has any. */
  present(policy: ProxyPolicy, mesh: string): boolean;
}

/** Derives them. */
export function deriveOlderPolicies(graph: Graph, inputs: EngineInputs): OlderPolicies {
  const ofMesh = (type: string, mesh: string) =>
    inputs
      .resources(type)
      .index('mesh', (resource: Resource) => [resource.mesh])
      .get(mesh);
  const selected = graph.derive('policy of an older form', (type: string, mesh: string, tags: string) => {
    const policies = ofMesh(type, mesh).flatMap((key) => inputs.resources(type).get(key) ?? []);
    const found = mostSpecific(policies, JSON.parse(tags) as Tags);
    return found && olderPolicy(found);
  });
  const textOf = (tags: Tags) =>
    JSON.stringify(Object.fromEntries(Object.entries(tags).sort(([first], [second]) => (first < second ? -1 : 1))));
  return {
    at: ({ older }, mesh, tags) => older && selected.get(older.type, mesh, textOf(tags)),
    present: ({ older }, mesh) => older !== undefined && ofMesh(older.type, mesh).length > 0,
  };
}
