// The last stage: policies that rewrite finished resources. Proxies without such a policy keep their resources as they are, for nothing. A
// resource is rewritten once for all proxies that have it under the same conf, and only what a policy looked into is encoded again.
import type { Graph } from '@ursa/collections';
import { decodeResource, type EnvoyResource, encodeResource } from '@ursa/envoy';
import type { FinishedResource, ProxyPolicy } from '@ursa/policy';
import type { ConfigWarning } from './engine.ts';
import type { ResourceMaps } from './resource-set.ts';
import type { RuleSets } from './rules.ts';
import { guard } from './walk.ts';

/** Resources after the last stage, and what could not be done. */
export interface Finished {
  readonly resources: ResourceMaps;
  readonly warnings: readonly ConfigWarning[];
}

/** What became of one resource; undefined when the proxy must not have it. */
interface Rewritten {
  readonly resource: EnvoyResource | undefined;
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
  const view = {
    type,
    name,
    origin,
    message: () => {
      message ??= decodeResource({ ...resource, type });
      return message;
    },
    replace: (other: typeof message) => {
      message = other;
    },
  } as unknown as FinishedResource;
  return { view, result: () => (message === undefined ? resource : encodeResource(type, message, origin)) };
}

function rewrite(policy: ProxyPolicy, resource: EnvoyResource, conf: unknown): Rewritten {
  const { finish } = policy.hooks;
  const warnings: string[] = [];
  if (finish === undefined) return { resource, warnings };
  const { view, result } = opened(resource.type === 'cluster' ? 'cluster' : 'listener', resource);
  const kept = guard(policy, () => finish(view, conf, (message) => warnings.push(message)));
  return { resource: kept ? result() : undefined, warnings };
}

function add(policy: ProxyPolicy, conf: unknown): { resources: readonly EnvoyResource[]; warnings: readonly string[] } {
  const warnings: string[] = [];
  const messages = guard(policy, () => policy.hooks.additions?.(conf, (message) => warnings.push(message)) ?? []);
  const resources = messages.map((message) =>
    message.$typeName === 'envoy.config.cluster.v3.Cluster'
      ? encodeResource('cluster', message, policy.origin)
      : encodeResource('listener', message, policy.origin),
  );
  return { resources, warnings };
}

const sameRewritten = (before: Rewritten, after: Rewritten): boolean =>
  before.resource === after.resource && before.warnings.join('\n') === after.warnings.join('\n');

/** The last stage, over the resources of one proxy and its rules. */
export function deriveFinish(
  graph: Graph,
  policies: readonly ProxyPolicy[],
): (resources: ResourceMaps, ruleSets: RuleSets) => Finished {
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
      const maps = types.map((type) => {
        const map = new Map<string, EnvoyResource>();
        for (const [name, resource] of resources[type]) {
          const result = rewritten.get(policyName, resource, conf);
          warnings.push(...result.warnings);
          if (result.resource !== undefined) map.set(name, result.resource);
        }
        for (const resource of additions.resources) if (resource.type === type) map.set(resource.name, resource);
        return [type, map];
      });
      const own = warnings.map((message) => ({ message, policyType: policyName }));
      return { resources: { ...resources, ...Object.fromEntries(maps) }, warnings: own };
    },
    { equals: Object.is },
  );

  return (resources, ruleSets) =>
    finishing.reduce<Finished>(
      (before, { name }) => {
        const conf = ruleSets.get(name)?.single?.conf;
        if (typeof conf !== 'object' || conf === null) return before;
        const after = finished.get(name, before.resources, conf);
        return { resources: after.resources, warnings: [...before.warnings, ...after.warnings] };
      },
      { resources, warnings: [] },
    );
}
