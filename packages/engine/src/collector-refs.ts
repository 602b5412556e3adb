// References of policies to collectors: which of them lead nowhere. Proxies get a warning, and readers of the policy a condition, from the same.
import type { Derivation, Graph } from '@ursa/collections';
import { type CollectorRef, everyConf, type PolicySpec, type ProxyPolicy } from '@ursa/policy';
import type { Resource } from '@ursa/resources';
import type { BackendLookup } from './collectors.ts';
import type { ConfigWarning, EngineInputs } from './engine.ts';
import type { RuleSets } from './rule-views.ts';

/** The collectors that a policy refers to. */
export interface CollectorRefs {
  readonly total: number;
  /** Those that are not there, sorted: names, or labels as `key=value,…`. */
  readonly missing: readonly string[];
}

/** References by policy. Kinds of policies that refer to no collectors are answered at once, without a derivation: every reader of a policy asks. */
export type CollectorRefLookup = Pick<
  Derivation<readonly [type: string, mesh: string, name: string], CollectorRefs>,
  'get'
>;

/** References by policy and by proxy. */
export interface CollectorRefDerivations {
  /** Of one policy. `total` is 0 for a policy that is not there, or refers to none. */
  readonly ofPolicy: CollectorRefLookup;
  /** What to tell the proxies to which these rules apply. */
  readonly warnings: Derivation<readonly [rules: RuleSets], readonly ConfigWarning[]>;
}

/** Derives what becomes of references. */
export function deriveCollectorRefs(
  graph: Graph,
  inputs: EngineInputs,
  policies: readonly ProxyPolicy[],
  backends: BackendLookup,
): CollectorRefDerivations {
  const referring = new Map(
    policies.flatMap(({ name, collectors }) => (collectors === undefined ? [] : [[name, collectors] as const])),
  );
  const resolve = (type: string, mesh: string, spec: PolicySpec): CollectorRefs => {
    const refs = everyConf(spec).flatMap((conf) => referring.get(type)?.refsOf(conf) ?? []);
    if (refs.length === 0) return none;
    const backendOf = backends(mesh);
    const missing = refs.filter((ref) => backendOf(ref) === undefined).map(nameOf);
    return { total: refs.length, missing: [...new Set(missing)].sort() };
  };
  const ofPolicy = graph.derive('collectors of a policy', (type: string, mesh: string, name: string) => {
    const policy: Resource | undefined = inputs.resources(type).get(`${mesh}/${name}`);
    return policy === undefined ? none : resolve(type, mesh, (policy.spec ?? {}) as PolicySpec);
  });
  return {
    ofPolicy: { get: (type, mesh, name) => (referring.has(type) ? ofPolicy.get(type, mesh, name) : none) },
    warnings: graph.derive('missing collectors', (rules: RuleSets) =>
      [...referring.keys()].flatMap((type) =>
        (rules.get(type)?.matched ?? []).flatMap(({ key, mesh, spec }) => {
          const { missing } = resolve(type, mesh, spec);
          return missing.length === 0 ? [] : [{ message: warning(key, missing), resource: key }];
        }),
      ),
    ),
  };
}

const none: CollectorRefs = { total: 0, missing: [] };

function warning(policy: string, missing: readonly string[]): string {
  const names = missing.join(', ');
  return `${policy} refers to a MeshOpenTelemetryBackend that is not there (${names}), and nothing is sent to it: create it, or correct backendRef`;
}

function nameOf({ name, labels = {} }: CollectorRef): string {
  if (name !== undefined && name !== '') return name;
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',');
}
