// The last stage: policies that rewrite finished resources. Proxies without such a policy keep their resources as they are, for nothing. A
// resource is rewritten once for all proxies that have it under the same conf, and only what a policy looked into is encoded again.
import type { Graph } from '@ursa/collections';
import { decodeResource, type EnvoyResource, encodeResource } from '@ursa/envoy';
import type { FinishedResource, ProxyPolicy } from '@ursa/policy';
import type { ConfigWarning } from './engine.ts';
import type { BuiltMaps, ResourceMaps } from './resource-set.ts';
import type { RuleSets } from './rule-views.ts';
import { attempt, type Built, isUnbuilt, type Unbuilt } from './unbuilt.ts';
import { guard } from './walk.ts';

/** Resources after the last stage, and what could not be done. */
export interface Finished extends BuiltMaps {
  readonly warnings: readonly ConfigWarning[];
}

/** What became of one resource; undefined when the proxy must not have it. */
interface Rewritten {
  readonly resource: Built | undefined;
  readonly warnings: readonly string[];
}

type Type = FinishedResource['type'];

const types: readonly Type[] = ['cluster', 'listener'];

/** A resource as a policy sees it, and what it became. */
function opened<Kind extends Type>(
  type: Kind,
  resource: EnvoyResource,
): { readonly view: FinishedResource; result(): EnvoyResource } {
  const { name, origin } = resource;
  let message: ReturnType<typeof decodeResource<Kind>> | undefined;
  let untouched: EnvoyResource | undefined;
  const view = {
    type,
    name,
    origin,
    message: () => {
      if (message !== undefined) return message;
      message = decodeResource({ ...resource, type });
      untouched = encodeResource(type, message, origin);
      return message;
    },
    replace: (other: typeof message) => {
      message = other;
    },
  } as unknown as FinishedResource;
  // The bytes of the same message differ with the order in which its fields were set: what was only looked at is not sent again.
  const result = (): EnvoyResource => {
    if (message === undefined) return resource;
    const encoded = encodeResource(type, message, origin);
    return untouched !== undefined && hasSameBytes(encoded, untouched) ? resource : encoded;
  };
  return { view, result };
}

function hasSameBytes({ bytes: one }: EnvoyResource, { bytes: other }: EnvoyResource): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

function rewrite(policy: ProxyPolicy, resource: EnvoyResource, conf: unknown): Rewritten {
  const { finish } = policy.hooks;
  const warnings: string[] = [];
  if (finish === undefined) return { resource, warnings };
  const { view, result } = opened(resource.type === 'cluster' ? 'cluster' : 'listener', resource);
  const { origin, type: of, name } = resource;
  const [rewritten] = attempt(
    { origin, of, name },
    () => guard(policy, () => (finish(view, conf, (message) => warnings.push(message)) ? [result()] : [])),
    () => resource,
  );
  return { resource: rewritten, warnings };
}

function add(policy: ProxyPolicy, conf: unknown): { resources: readonly Built[]; warnings: readonly string[] } {
  const warnings: string[] = [];
  const { origin } = policy;
  const added = (): readonly EnvoyResource[] =>
    (policy.hooks.additions?.(conf, (message) => warnings.push(message)) ?? []).map((message) =>
      message.$typeName === 'envoy.config.cluster.v3.Cluster'
        ? encodeResource('cluster', message, origin)
        : encodeResource('listener', message, origin),
    );
  return { resources: attempt({ origin }, () => guard(policy, added)), warnings };
}

const sameRewritten = (before: Rewritten, after: Rewritten): boolean =>
  before.resource === after.resource && before.warnings.join('\n') === after.warnings.join('\n');

/** The last stage, over the resources of one proxy and its rules. */
export function deriveFinish(
  graph: Graph,
  policies: readonly ProxyPolicy[],
): (built: BuiltMaps, ruleSets: RuleSets) => Finished {
  const finishing = policies.filter(({ hooks }) => hooks.finish !== undefined || hooks.additions !== undefined);
  const named = (name: string) => finishing.find((policy) => policy.name === name);
  const rewritten = graph.derive(
    'rewritten resource',
    (policyName: string, resource: EnvoyResource, conf: object): Rewritten => {
      const policy = named(policyName);
      return policy === undefined ? { resource, warnings: [] } : rewrite(policy, resource, conf);
    },
    { equals: sameRewritten },
  );
  const added = graph.derive('added resources', (policyName: string, conf: object) => {
    const policy = named(policyName);
    return policy === undefined ? { resources: [], warnings: [] } : add(policy, conf);
  });
  const finished = graph.derive(
    'finished resources',
    (policyName: string, resources: ResourceMaps, conf: object): Finished => {
      const additions = added.get(policyName, conf);
      const warnings = [...additions.warnings];
      const unbuilt: Unbuilt[] = additions.resources.filter(isUnbuilt);
      const maps = types.map((type) => {
        const map = new Map<string, EnvoyResource>();
        for (const [name, resource] of resources[type]) {
          const result = rewritten.get(policyName, resource, conf);
          warnings.push(...result.warnings);
          if (result.resource === undefined) continue;
          if (isUnbuilt(result.resource)) unbuilt.push(result.resource);
          else map.set(name, result.resource);
        }
        for (const added of additions.resources) if (added.type === type) map.set(added.name, added);
        return [type, map];
      });
      const own = warnings.map((message) => ({ message, policyType: policyName }));
      return { resources: { ...resources, ...Object.fromEntries(maps) }, unbuilt, warnings: own };
    },
    { equals: Object.is },
  );

  return (built, ruleSets) =>
    finishing.reduce<Finished>(
      (before, { name }) => {
        const conf = ruleSets.get(name)?.single?.conf;
        if (typeof conf !== 'object' || conf === null) return before;
        const { resources, unbuilt, warnings } = finished.get(name, before.resources, conf);
        return {
          resources,
          unbuilt: [...before.unbuilt, ...unbuilt],
          warnings: [...before.warnings, ...warnings],
        };
      },
      { ...built, warnings: [] },
    );
}
