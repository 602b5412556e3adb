// The shape of an inbound: its listener without name and address, and its cluster without the application's address. What policies make of an
// inbound seldom says anything of one proxy, so that all instances of a service share its shape.
import type { Graph } from '@ursa/collections';
import { buildCluster, buildListener, type EnvoyResource, encodePart, encodeResource, equalBytes } from '@ursa/envoy';
import type { InboundMode, ProxyFacts, ProxyPolicy, ProxySelf, WorkloadFacts } from '@ursa/policy';
import type { InboundFacts } from './dataplane-facts.ts';
import type { OlderPolicies } from './older-policies.ts';
import type { ProxyClass } from './proxy-class.ts';
import type { RuleSets } from './rule-views.ts';
import { type InboundOutline, inboundSkeleton, outlineOf } from './skeleton/inbound.ts';
import { walkInbound } from './walk.ts';

/** An inbound, shaped by all policies. */
export interface InboundShape {
  /** All of the listener but its name, the name of its statistics and its address. */
  readonly listener: Uint8Array;
  /** All of the cluster but where the application is. */
  readonly cluster: Uint8Array;
  /** Clusters that policies added. */
  readonly extraClusters: readonly EnvoyResource[];
}

/** An inbound among those of its proxy. */
export interface InboundSite {
  readonly inbound: InboundFacts;
  readonly mode: InboundMode;
  readonly rules: RuleSets;
  /** Its place among the proxy's inbounds. */
  readonly position: number;
  readonly proxyClass: ProxyClass;
  /** Undefined where no policy asks for it. */
  readonly workload: WorkloadFacts | undefined;
}

/** Finds the shape of an inbound; throws when it cannot be built. `own`: the class narrowed to the one proxy. */
export type InboundShapes = (site: InboundSite, own: () => ProxyClass) => InboundShape;

/** What shapes are derived from. */
export interface InboundShapeOptions {
  readonly graph: Graph;
  readonly policies: readonly ProxyPolicy[];
  readonly olderPolicies: Pick<OlderPolicies, 'at'>;
}

const nobody: ProxySelf = { name: '', address: '', service: '', zone: '', workload: '', workdir: '' };

/** Derives shapes. One that says something of its proxy, or cannot be built, is built for that proxy alone. */
export function deriveInboundShapes({ graph, policies, olderPolicies }: InboundShapeOptions): InboundShapes {
  const shape = (outline: InboundOutline, site: Omit<InboundSite, 'inbound'>, nameOf: () => string): InboundShape => {
    const { mode, rules, position, proxyClass, workload } = site;
    const place = inboundSkeleton(outline, mode, proxyClass, nameOf);
    walkInbound(policies, rules, place, position, { workload, olderPolicies });
    return {
      listener: encodePart('listener', buildListener(place.listener)),
      cluster: encodePart('cluster', buildCluster(place.cluster)),
      extraClusters: place.extraClusters.map((draft) =>
        encodeResource('cluster', buildCluster(draft), draft.origin ?? 'inbound'),
      ),
    };
  };
  const shared = graph.derive(
    'shape of an inbound',
    (
      outline: string,
      mode: InboundMode,
      rules: RuleSets,
      position: number,
      proxyClass: ProxyClass,
      workload: WorkloadFacts | undefined,
    ): InboundShape | undefined => {
      let saysOfProxy = false;
      const facts: ProxyFacts = {
        ...proxyClass.facts,
        get self() {
          saysOfProxy = true;
          return nobody;
        },
      };
      const nameOf = () => {
        saysOfProxy = true;
        return '';
      };
      try {
        const site = { mode, rules, position, proxyClass: { ...proxyClass, facts }, workload };
        const built = shape(JSON.parse(outline) as InboundOutline, site, nameOf);
        return saysOfProxy ? undefined : built;
      } catch {
        // Each proxy tells of its own inbound what is wrong with it.
        return undefined;
      }
    },
    { equals: sameShape },
  );
  return (site, own) => {
    const { inbound, mode, rules, position, proxyClass, workload } = site;
    const outline = outlineOf(inbound, proxyClass);
    const found = shared.get(JSON.stringify(outline), mode, rules, position, proxyClass, workload);
    return found ?? shape(outline, { ...site, proxyClass: own() }, () => proxyClass.names.inboundListener(inbound));
  };
}

function sameShape(before: InboundShape | undefined, after: InboundShape | undefined): boolean {
  if (before === undefined || after === undefined) return before === after;
  return (
    equalBytes(before.listener, after.listener) &&
    equalBytes(before.cluster, after.cluster) &&
    before.extraClusters.length === after.extraClusters.length &&
    before.extraClusters.every((cluster, index) => cluster === after.extraClusters[index])
  );
}
