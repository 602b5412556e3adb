// Which policies apply to a proxy, and the rules they make together. Proxies to which the same policies apply share the merged rules.
import { type Derivation, deepEqual, type Graph, type Index } from '@ursa/collections';
import {
  type Destinations,
  type MatchedPolicy,
  mergeForProxy,
  mergeOlderRoutes,
  olderRouteTypes,
  type ProxyRules,
  selects,
} from '@ursa/policy';
import { displayNameOf, type Resource } from '@ursa/resources';
import type { EngineInputs } from './engine.ts';
import { proxyOfGateway } from './gateway-proxy.ts';
import type { LeftOut } from './held-back.ts';
import { proxyOfExternalService, proxyOfMesh } from './outside/outside-proxy.ts';
import {
  type Chosen,
  type ChosenPolicies,
  derivePolicySelection,
  type PolicySelection,
  type PolicySelectionOptions,
  type Selected,
  type Speaking,
} from './policy-selection.ts';
import {
  type RuleSets,
  type RuleView,
  type RuleViews,
  rulesForAdditions,
  rulesForInbounds,
  rulesForOutbounds,
  type SpeakingRules,
  typesForCallers,
  typesForTraffic,
} from './rule-views.ts';

/** Rules of a proxy. `without`: policies that are left out of its configuration. */
export type RulesOfProxy = Pick<Derivation<readonly [proxyKey: string, without: LeftOut], RuleSets>, 'get'>;

/** Rules by proxy. Those of a class are read where they are: a policy for all proxies is worked out for the classes, and for a proxy only where it changes something. */
export interface RuleDerivations {
  readonly ruleSets: RulesOfProxy;
  readonly classOf: PolicySelection['classOf'];
  readonly ofClass: Derivation<readonly [ofClass: string], RuleSets>;
  /** The same rules; changes only with what they say of traffic that proxies of the class send. */
  readonly outboundOfClass: Derivation<readonly [ofClass: string], RuleSets>;
  /** The same rules; changes only with what they say of traffic that the proxy receives. */
  readonly inboundRules: RulesOfProxy;
  /** The same rules; changes only with the confs of policies that give proxies something besides what their traffic needs, or rewrite resources. */
  readonly additionRules: RulesOfProxy;
  /** True when the mesh has a policy for which callers announce their tags. */
  readonly needsClientTags: Derivation<readonly [mesh: string], boolean>;
  /** The same rules; changes only with what they say of traffic that the proxy sends. */
  readonly outboundRules: RulesOfProxy;
  /** Rules of a MeshGateway by its key, for all its listeners together. */
  readonly ofGateway: Derivation<readonly [key: string], RuleSets>;
  /** What holds on a zone egress for an ExternalService, by its key: as for an inbound with the service's tags. */
  readonly ofExternalService: Derivation<readonly [key: string], RuleSets>;
  /** What policies for a whole mesh say, as it holds on a zone egress. */
  readonly ofMesh: Derivation<readonly [mesh: string], RuleSets>;
  /** Keys of the Dataplanes that a policy applies to, sorted; also those of proxies that are not connected. */
  readonly affected: Derivation<readonly [type: string, mesh: string, name: string], readonly string[]>;
}

const noRules: RuleSets = new Map();

// Rules name destinations by labels and spec; the status of a service changes often and means nothing to them.
function namesAlike(before: Resource | undefined, after: Resource | undefined): boolean {
  if (before === undefined || after === undefined) return before === after;
  return deepEqual([before.labels, before.spec], [after.labels, after.spec]);
}

/** Looks destinations of `to` entries up through tracked indexes. */
function trackedDestinations(graph: Graph, inputs: EngineInputs): Destinations {
  const named = graph.derive('destination', (kind: string, key: string) => inputs.resources(kind).get(key), {
    equals: namesAlike,
  });
  const found = (kind: string, index: Index, bucket: string): readonly Resource[] =>
    index.get(bucket).flatMap((key) => named.get(kind, key) ?? []);
  return {
    mesh: (name) => named.get('Mesh', `/${name}`),
    named(kind, mesh, displayName) {
      const index = inputs
        .resources(kind)
        .index('display name', (resource) => [`${resource.mesh} ${displayNameOf(resource)}`]);
      return found(kind, index, `${mesh} ${displayName}`);
    },
    labelled(kind, mesh, labels) {
      const index = inputs
        .resources(kind)
        .index('label', (resource) =>
          Object.entries(resource.labels).map(([label, value]) => `${resource.mesh} ${label}=${value}`),
        );
      const [first] = Object.entries(labels);
      if (first === undefined) return [];
      return found(kind, index, `${mesh} ${first[0]}=${first[1]}`).filter((resource) =>
        Object.entries(labels).every(([label, value]) => resource.labels[label] === value),
      );
    },
  };
}

/** What rules are derived from. */
export interface RuleOptions extends Omit<PolicySelectionOptions, 'destinations'> {
  readonly views: RuleViews;
}

/** Derivations of rules. */
export function deriveRules({ graph, inputs, policies, dataplane, views, shadow }: RuleOptions): RuleDerivations {
  const destinations = trackedDestinations(graph, inputs);
  const selection = derivePolicySelection({ graph, inputs, policies, dataplane, destinations, shadow });
  const { head, selector, routeOf, classOf, chosenOf, chosenFor } = selection;

  const clientTagPolicies = policies
    .filter((policy) => policy.needsClientTags === true)
    .map(({ name }) => ({ name, ofMesh: inputs.resources(name).index('mesh', (resource) => [resource.mesh]) }));

  const dataplanesOf = inputs.resources('Dataplane').index('mesh', (resource) => [resource.mesh]);

  const olderTypes = olderRouteTypes(policies);
  const olderRules = graph.derive(
    'rules of an older form',
    (type: string, chosen: string): ProxyRules =>
      mergeOlderRoutes(
        (JSON.parse(chosen) as Speaking[]).flatMap(([key, fit]) => {
          const found = head.get(type, key);
          return found === undefined ? [] : [{ head: found, fit }];
        }),
      ),
  );

  const rules = graph.derive('rules', (type: string, inboundCount: number, chosen: string): ProxyRules | undefined => {
    const policy = policies.find((candidate) => candidate.name === type);
    const matched = (JSON.parse(chosen) as Selected[]).flatMap(([key, selection]): MatchedPolicy[] => {
      const found = head.get(type, key);
      return found === undefined ? [] : [{ head: found, selection }];
    });
    if (policy === undefined) return undefined;
    const inbounds = Array.from({ length: inboundCount }, (_, position) => ({
      address: '',
      port: position,
      name: '',
      tags: {},
    }));
    return mergeForProxy(policy.shape, matched, { inbounds }, destinations, routeOf);
  });

  const ruleSetsOf = graph.derive('rule sets', (chosen: Chosen): RuleSets => {
    if (chosen === '') return noRules;
    const [inboundCount, types] = JSON.parse(chosen) as ChosenPolicies;
    const entries = types.flatMap(([type, of]): [string, ProxyRules][] => {
      const merged = olderTypes.includes(type) ? olderRules.get(type, of) : rules.get(type, inboundCount, of);
      return merged === undefined ? [] : [[type, merged]];
    });
    return new Map(entries);
  });

  // Classes of proxies to which other policies apply, and these come to the same for one direction, share everything built for that direction.
  const receiving = typesForTraffic(policies, false);
  const sending = typesForTraffic(policies, true);
  const forCallers = typesForCallers(policies);
  const equals = Object.is;
  const viewOf = (name: string, view: RuleView, speaking: (ruleSets: RuleSets) => SpeakingRules) => {
    const ofChosen = graph.derive(
      name,
      (chosen: Chosen) => {
        const { text, rules } = speaking(ruleSetsOf.get(chosen));
        return view.share(text, rules);
      },
      { equals },
    );
    // A class may get other policies: where they come to the same, what is made of its rules does not hear of it.
    return graph.derive(`${name} of a class`, (ofClass: string) => ofChosen.get(chosenOf.get(ofClass)), { equals });
  };
  const inbound = viewOf('inbound rules', views.inbound, (all) => rulesForInbounds(all, receiving));
  const outbound = viewOf('outbound rules', views.outbound, (all) => rulesForOutbounds(all, sending, forCallers));
  const additions = viewOf('rules for additions', views.additions, (all) => rulesForAdditions(all, policies));
  const all = graph.derive('rule sets of a class', (ofClass: string) => ruleSetsOf.get(chosenOf.get(ofClass)), {
    equals,
  });
  const byProxy = (of: Derivation<readonly [ofClass: string], RuleSets>): RulesOfProxy => ({
    get: (proxyKey, without) => of.get(classOf.get(proxyKey, without)),
  });

  return {
    ruleSets: byProxy(all),
    classOf,
    ofClass: all,
    outboundOfClass: outbound,
    inboundRules: byProxy(inbound),
    additionRules: byProxy(additions),
    outboundRules: byProxy(outbound),
    needsClientTags: graph.derive('client tags needed', (mesh: string) =>
      // Shadow policies count: callers that tell their tags already are understood at once when the policy comes into force.
      clientTagPolicies.some(({ name, ofMesh }) =>
        ofMesh.get(mesh).some((key) => selector.get(name, key) !== undefined),
      ),
    ),
    ofGateway: graph.derive('rules of a MeshGateway', (key: string) => {
      const gateway = inputs.resources('MeshGateway').get(key);
      return gateway === undefined ? noRules : ruleSetsOf.get(chosenFor(proxyOfGateway(gateway), 0));
    }),
    ofExternalService: graph.derive('rules of an ExternalService', (key: string) => {
      const service = inputs.resources('ExternalService').get(key);
      if (service === undefined) return noRules;
      return ruleSetsOf.get(chosenFor(proxyOfExternalService(service, inputs.settings.zone), 1));
    }),
    ofMesh: graph.derive('rules of a mesh', (mesh: string) =>
      ruleSetsOf.get(chosenFor(proxyOfMesh(mesh, inputs.settings.zone), 1)),
    ),
    affected: graph.derive('affected Dataplanes', (type: string, mesh: string, name: string) => {
      const policy = selector.get(type, `${mesh}/${name}`);
      if (policy === undefined) return [];
      return dataplanesOf.get(mesh).filter((key) => {
        const facts = dataplane.get(key);
        return facts !== undefined && selects(policy, facts.selectable, routeOf) !== undefined;
      });
    }),
  };
}
