// Which collectors the rules of a proxy send what to, of those that the environment of the proxy may change. Most meshes have none.
import type { Derivation, Graph } from '@ursa/collections';
import type { CollectorUse, ProxyPolicy, ProxyRules, Signal } from '@ursa/policy';
import { formatResourceKey } from '@ursa/resources';
import { takesEnvironment } from './collector-environment.ts';
import { backendLookup } from './collectors.ts';
import type { EngineInputs } from './engine.ts';
import type { RuleDerivations } from './rules.ts';

/** Something that is sent to a MeshOpenTelemetryBackend. */
export interface EnvironmentUse {
  readonly signal: Signal;
  /** Key of the resource in its collection: `<mesh>/<name>`. */
  readonly backend: string;
  /** The same as `Type/mesh/name`. */
  readonly resource: string;
  /** True where it is named in what shapes listeners for traffic, which many proxies share. */
  readonly inTraffic: boolean;
}

/** Uses by a class of proxies (`RuleDerivations.classOf`), each once. */
export type EnvironmentUses = Derivation<readonly [mesh: string, ofClass: string], readonly EnvironmentUse[]>;

/** Derives uses. */
export function deriveEnvironmentUses(
  graph: Graph,
  inputs: EngineInputs,
  policies: readonly ProxyPolicy[],
  rules: Pick<RuleDerivations, 'ofClass'>,
): EnvironmentUses {
  const backends = backendLookup(inputs);
  const referring = policies.flatMap(({ name, hooks, collectors }) =>
    collectors?.signal === undefined
      ? []
      : [{ name, collectors, signal: collectors.signal, inTraffic: Object.keys(hooks).some((key) => key !== 'proxy') }],
  );
  return graph.derive('uses of collectors', (mesh: string, ofClass: string) => {
    const ruleSets = rules.ofClass.get(ofClass);
    const uses = new Map<string, EnvironmentUse>();
    for (const { name, collectors, signal, inTraffic } of referring) {
      for (const ref of refsIn(ruleSets.get(name), collectors)) {
        const backend = backends(mesh)(ref);
        if (backend === undefined || !takesEnvironment(backend)) continue;
        const key = `${backend.mesh}/${backend.name}`;
        uses.set(`${signal} ${key}`, { signal, backend: key, resource: formatResourceKey(backend), inTraffic });
      }
    }
    return [...uses.values()];
  });
}

function refsIn(rules: ProxyRules | undefined, { refsOf }: CollectorUse) {
  return rules === undefined ? [] : [...new Set(confsIn(rules))].flatMap(refsOf);
}

/** The confs that are in force, after merging: what a stronger policy took away is not among them. */
function confsIn({ single, inbounds, to, toSubsets }: ProxyRules): readonly unknown[] {
  return [
    ...(single === undefined ? [] : [single.conf]),
    ...inbounds.flatMap(({ rules, from }) => [...rules, ...from].map(({ conf }) => conf)),
    ...[...to.values()].flatMap(({ confs }) => confs),
    ...toSubsets.map(({ conf }) => conf),
  ];
}
