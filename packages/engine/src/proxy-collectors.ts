// What the environment of each proxy makes of the collectors that its rules name. Only what it changes is said: proxies without such variables,
// and those of meshes without such collectors, keep all that they share.
import type { Derivation, Graph } from '@ursa/collections';
import type { Collector, ProxyPolicy, Signal } from '@ursa/policy';
import type { Resource } from '@ursa/resources';
import {
  type CollectorEnvironment,
  layersFor,
  noEnvironment,
  type ResolvedCollector,
  resolveCollector,
} from './collector-environment.ts';
import { deriveEnvironmentUses, type EnvironmentUse } from './collector-uses.ts';
import { ambiguousWarning, environmentWarnings } from './collector-warnings.ts';
import { useOf } from './collectors.ts';
import type { ConfigWarning, EngineInputs } from './engine.ts';
import type { LeftOut } from './held-back.ts';
import type { RuleDerivations } from './rules.ts';

/** What becomes of the collectors of a proxy. */
export interface ProxyCollectors {
  /** Overrides (see `CollectorOverrides`) as JSON for listeners for traffic, and for the proxy as a whole; '' where there are none. */
  readonly traffic: string;
  readonly whole: string;
  /** What is not sent, because variables are not there. */
  readonly unsent: readonly Pick<EnvironmentUse, 'signal' | 'backend'>[];
  readonly warnings: readonly ConfigWarning[];
}

/** Collectors by proxy. */
export type ProxyCollectorsLookup = Derivation<readonly [proxyKey: string, without: LeftOut], ProxyCollectors>;

const asTheySay: ProxyCollectors = { traffic: '', whole: '', unsent: [], warnings: [] };

/** Derives them. */
export function deriveProxyCollectors(
  graph: Graph,
  inputs: EngineInputs,
  policies: readonly ProxyPolicy[],
  rules: Pick<RuleDerivations, 'classOf' | 'ofClass'>,
): ProxyCollectorsLookup {
  const uses = deriveEnvironmentUses(graph, inputs, policies, rules);
  const backends = inputs.resources('MeshOpenTelemetryBackend');
  return graph.derive('collectors of a proxy', (proxyKey: string, without: LeftOut): ProxyCollectors => {
    const connected = inputs.proxies.get(proxyKey);
    if (connected === undefined) return asTheySay;
    const used = uses.get(connected.mesh, rules.classOf.get(proxyKey, without));
    const { openTelemetry: environment = noEnvironment } = connected;
    const resolved = used.flatMap((use) => {
      const backend = backends.get(use.backend);
      return backend === undefined ? [] : [resolvedUse(use, backend, used, environment)];
    });
    if (resolved.length === 0) return asTheySay;
    return {
      traffic: textOf(resolved.filter(({ use }) => use.inTraffic)),
      whole: textOf(resolved),
      unsent: resolved.flatMap(({ use, found }) =>
        found.lacks === undefined ? [] : [{ signal: use.signal, backend: use.backend }],
      ),
      warnings: resolved.flatMap(({ warnings }) => warnings),
    };
  });
}

interface ResolvedUse {
  readonly use: EnvironmentUse;
  readonly backend: Resource;
  readonly found: ResolvedCollector;
  /** Undefined where it is what everybody gets. */
  readonly override: Collector | undefined;
  readonly warnings: readonly ConfigWarning[];
}

function resolvedUse(
  use: EnvironmentUse,
  backend: Resource,
  among: readonly EnvironmentUse[],
  environment: CollectorEnvironment,
): ResolvedUse {
  const { signal, resource } = use;
  const others = among.filter((other) => other.signal === signal && other.backend !== use.backend);
  const isSpoken = layersFor(backend, signal, environment).length > 0;
  // Variables are those of a process, not of a collector: of several that want them none can be told to be meant.
  const isAmbiguous = isSpoken && others.length > 0;
  const taken = isAmbiguous ? noEnvironment : environment;
  const found = resolveCollector(backend, signal, taken);
  const plain = resolveCollector(backend, signal, noEnvironment).collector;
  const isPlain = JSON.stringify(found.collector) === JSON.stringify(plain);
  const messages = isAmbiguous
    ? [ambiguousWarning(use, others, found)]
    : environmentWarnings(use, layersFor(backend, signal, environment), found, environment);
  return {
    ...{ use, backend, found, override: isPlain ? undefined : found.collector },
    warnings: messages.map((message) => ({ message, resource })),
  };
}

function textOf(resolved: readonly ResolvedUse[]): string {
  const overrides = resolved.flatMap(({ use, backend, override }): [string, Collector][] =>
    override === undefined ? [] : [[useOf(use.signal as Signal, backend.name), override]],
  );
  return overrides.length === 0 ? '' : JSON.stringify(Object.fromEntries(overrides));
}
