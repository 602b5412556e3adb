// Who sends nothing to a collector because variables of its kuma-dp are not there: asked by readers of the collector and of policies.
import { everyConf, type PolicySpec, type ProxyPolicy } from '@ursa/policy';
import type { Resource } from '@ursa/resources';
import { needsEnvironment } from './collector-environment.ts';
import { backendLookup } from './collectors.ts';
import type { EngineInputs } from './engine.ts';
import type { ProxyCollectors } from './proxy-collectors.ts';
import type { RuleDerivations } from './rules.ts';

/** Names of such proxies, sorted. Only collectors that insist on variables are looked for, so that others cost nothing. */
export interface UnsentLookup {
  get(type: string, mesh: string, name: string): readonly string[];
}

/** Looks them up. */
export function unsentLookup(
  inputs: EngineInputs,
  policies: readonly ProxyPolicy[],
  rules: Pick<RuleDerivations, 'affected'>,
  collectorsOf: (proxyKey: string) => ProxyCollectors,
): UnsentLookup {
  const backends = inputs.resources('MeshOpenTelemetryBackend');
  const backendsOf = backendLookup(inputs);
  const proxies = inputs.resources('Dataplane').index('mesh', (resource) => [resource.mesh]);
  const keyOf = (backend: Resource): string => `${backend.mesh}/${backend.name}`;
  const ofBackend = (mesh: string, name: string): readonly string[] => {
    const backend = backends.get(`${mesh}/${name}`);
    if (backend === undefined || !needsEnvironment(backend)) return [];
    const key = keyOf(backend);
    return proxies.get(mesh).filter((proxy) => collectorsOf(proxy).unsent.some((unsent) => unsent.backend === key));
  };
  const ofPolicy = ({ name: type, collectors }: ProxyPolicy, mesh: string, name: string): readonly string[] => {
    const policy = inputs.resources(type).get(`${mesh}/${name}`);
    if (policy === undefined || collectors === undefined) return [];
    const refs = everyConf((policy.spec ?? {}) as PolicySpec).flatMap(collectors.refsOf);
    const named = refs.flatMap((ref) => backendsOf(mesh)(ref) ?? []);
    const keys = new Set(named.filter(needsEnvironment).map(keyOf));
    if (keys.size === 0) return [];
    const sendsNothing = ({ unsent }: ProxyCollectors): boolean =>
      unsent.some(({ signal, backend }) => signal === collectors.signal && keys.has(backend));
    return rules.affected.get(type, mesh, name).filter((proxy) => sendsNothing(collectorsOf(proxy)));
  };
  return {
    get(type, mesh, name) {
      const policy = policies.find((candidate) => candidate.name === type);
      const found =
        type === 'MeshOpenTelemetryBackend'
          ? ofBackend(mesh, name)
          : policy === undefined
            ? []
            : ofPolicy(policy, mesh, name);
      return found.map((proxy) => proxy.slice(mesh.length + 1)).sort();
    },
  };
}
