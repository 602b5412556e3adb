// Permissions for ExternalServices that proxies call themselves. No proxy stands in front of such a server, and it asks for no certificate of the
// mesh: whom a permission of an older form leaves out gets no server to connect to.
import type { Graph } from '@ursa/collections';
import { type OlderPolicy, type ProxyPolicy, speaksOf } from '@ursa/policy';
import { type Resource, tagNames } from '@ursa/resources';
import { callerTags, type DataplaneFacts } from '../dataplane-facts.ts';
import type { Destination } from '../destinations.ts';
import type { EngineInputs } from '../engine.ts';
import type { OlderPolicies } from '../older-policies.ts';

type Tags = Readonly<Record<string, string>>;

/** What a permission says to a caller about one server. */
export interface ServerPermission {
  readonly policy: ProxyPolicy;
  /** The one that holds; undefined where none selects the server. */
  readonly held: OlderPolicy | undefined;
  readonly allowed: boolean;
}

/** Which servers proxies get. */
export interface PermittedServers {
  /** What permissions see of a caller; undefined where none has a say: proxies without mTLS, meshes without an older form of them. */
  callerOf(dataplane: DataplaneFacts, secured: boolean): string | undefined;
  /** What is left of a destination for a caller; the destination itself for most. */
  reached(destination: Destination, caller: string): Destination;
  /** What is said of a server with these tags. */
  decide(mesh: string, server: Tags, caller: string): readonly ServerPermission[];
}

/** Derives them. */
export function derivePermittedServers(
  graph: Graph,
  inputs: EngineInputs,
  policies: readonly ProxyPolicy[],
  olderPolicies: OlderPolicies,
): PermittedServers {
  const guards = policies.filter(({ authorize, older }) => authorize !== undefined && older !== undefined);
  const externals = inputs.resources('ExternalService');
  const holds = graph.derive('permissions of ExternalServices', (mesh: string): boolean => {
    const byMesh = externals.index('mesh', (resource: Resource) => [resource.mesh]);
    return byMesh.get(mesh).length > 0 && guards.some((policy) => olderPolicies.present(policy, mesh));
  });
  const decide: PermittedServers['decide'] = (mesh, server, caller) => {
    const tags = JSON.parse(caller) as readonly Tags[];
    return guards
      .filter((policy) => olderPolicies.present(policy, mesh))
      .map((policy) => {
        const held = olderPolicies.at(policy, mesh, server);
        return { policy, held, allowed: held !== undefined && speaksOf(held, tags) };
      });
  };
  const positions = graph.derive('permitted servers', (destination: Destination, caller: string): string => {
    const { mesh, target, outside } = destination;
    const service = target.kind === 'service' ? { [tagNames.service]: target.service } : {};
    const kept = (outside?.servers?.endpoints ?? []).flatMap(({ tags }, position) =>
      decide(mesh, { ...tags, ...service }, caller).every(({ allowed }) => allowed) ? [position] : [],
    );
    return JSON.stringify(kept);
  });
  const narrowed = graph.derive('destination with fewer servers', (destination: Destination, kept: string) => {
    const { outside } = destination;
    if (outside?.servers === undefined) return destination;
    const { endpoints, ...rest } = outside.servers;
    const wanted = JSON.parse(kept) as readonly number[];
    if (wanted.length === endpoints.length) return destination;
    const servers = { ...rest, endpoints: endpoints.filter((_, position) => wanted.includes(position)) };
    return { ...destination, outside: { ...outside, servers } };
  });
  return {
    callerOf(dataplane, secured) {
      return secured && holds.get(dataplane.mesh) ? JSON.stringify(callerTags(dataplane)) : undefined;
    },
    reached: (destination, caller) =>
      destination.outside?.servers === undefined
        ? destination
        : narrowed.get(destination, positions.get(destination, caller)),
    decide,
  };
}
