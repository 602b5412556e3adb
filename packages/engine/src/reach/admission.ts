// Who is let in where: what the policies that permit say at the proxies behind a destination, before anybody calls.
import type { Derivation, Graph } from '@ursa/collections';
import {
  type InboundRuleSet,
  type OlderPolicy,
  type PolicyHead,
  type ProxyPolicy,
  saysNothing,
  selects,
} from '@ursa/policy';
import type { ExternalServiceSpec } from '@ursa/resources';
import type { DataplaneFacts } from '../dataplane-facts.ts';
import type { Destination } from '../destinations.ts';
import type { EndpointDerivations } from '../endpoints.ts';
import type { EngineInputs } from '../engine.ts';
import { nothingLeftOut } from '../held-back.ts';
import type { ProxyTls } from '../identity/proxy-tls.ts';
import { rulesByIdentity } from '../identity/rules-by-identity.ts';
import type { MeshFacts } from '../mesh-facts.ts';
import type { OlderPolicies } from '../older-policies.ts';
import { externalServiceLookup } from '../outside/outside-destinations.ts';
import type { RuleSets } from '../rule-views.ts';
import type { RuleDerivations } from '../rules.ts';

/** What one policy says at one place. Its rules are shared: their identity stands for their content. */
interface Gate {
  readonly policy: ProxyPolicy;
  readonly rules: InboundRuleSet;
  /** The policies that select the place, the weakest first. */
  readonly heads: readonly PolicyHead[];
  /** The policy of the older form that holds there, where none of the newer one says anything. */
  readonly older: OlderPolicy | undefined;
}

/** A place behind a destination: who comes through all of its gates is in. */
type Entrance = readonly Gate[];

/** True when a caller, known by the URIs of its certificate, gets in somewhere behind a destination. */
export type Admission = (destination: Destination, uris: readonly string[]) => boolean;

/** What admission is derived from. */
export interface AdmissionOptions {
  readonly graph: Graph;
  readonly inputs: EngineInputs;
  readonly policies: readonly ProxyPolicy[];
  readonly meshFacts: Derivation<readonly [mesh: string], MeshFacts | undefined>;
  readonly dataplane: Derivation<readonly [key: string], DataplaneFacts | undefined>;
  readonly proxyTls: Derivation<readonly [mesh: string, proxyKey: string], ProxyTls | undefined>;
  readonly endpoints: Pick<EndpointDerivations, 'inboundsOf'>;
  readonly rules: Pick<RuleDerivations, 'ruleSets' | 'ofExternalService'>;
  readonly olderPolicies: OlderPolicies;
}

const noRules: InboundRuleSet = { rules: [], from: [], fromEntries: [] };

function sameGate(before: Gate, after: Gate | undefined): boolean {
  return (
    after !== undefined &&
    before.rules === after.rules &&
    before.older === after.older &&
    before.heads.length === after.heads.length &&
    before.heads.every((head, position) => head === after.heads[position])
  );
}

function sameEntrance(before: Entrance, after: Entrance | undefined): boolean {
  return after !== undefined && before.every((gate, position) => sameGate(gate, after[position]));
}

function sameEntrances(before: readonly Entrance[] | undefined, after: readonly Entrance[] | undefined): boolean {
  if (before === undefined || after === undefined) return before === after;
  return (
    before.length === after.length && before.every((entrance, position) => sameEntrance(entrance, after[position]))
  );
}

/** Derives admission. Instances of a service to which the same policies apply are one entrance. */
export function deriveAdmission(options: AdmissionOptions): Admission {
  const { graph, inputs, policies, meshFacts, dataplane, proxyTls, endpoints, rules, olderPolicies } = options;
  // Policies that do not guard are left out of a proxy whose Envoy refuses them, and then say nothing there. To ask for that would go in a
  // circle: what is held back from a proxy depends on its outbounds.
  const guards = policies.filter(({ authorize, guardsAccess }) => authorize !== undefined && guardsAccess === true);
  const externalServices = externalServiceLookup(inputs);

  const entrance = (
    ruleSets: RuleSets,
    position: number,
    isHere: (head: PolicyHead) => boolean,
    { mesh, tags, byIdentity = false }: { mesh: string; tags: Readonly<Record<string, string>>; byIdentity?: boolean },
  ): Entrance =>
    guards.map((policy) => {
      const { inbounds, matched } = ruleSets.get(policy.name) ?? { inbounds: [], matched: [] };
      const rules = inbounds[position] ?? noRules;
      const older = saysNothing(rules) ? olderPolicies.at(policy, mesh, tags) : undefined;
      return { policy, rules: byIdentity ? rulesByIdentity(rules) : rules, heads: matched.filter(isHere), older };
    });
  const ofProxies = ({ source }: Destination): readonly Entrance[] => {
    const distinct: Entrance[] = [];
    for (const { proxyKey, position } of endpoints.inboundsOf(source)) {
      const { selectable } = dataplane.get(proxyKey) ?? {};
      if (selectable === undefined) continue;
      const found = entrance(
        rules.ruleSets.get(proxyKey, nothingLeftOut),
        position,
        (head) => selects(head, selectable)?.inbounds.includes(position) === true,
        {
          mesh: selectable.mesh,
          tags: selectable.inbounds[position]?.tags ?? {},
          byIdentity: proxyTls.get(selectable.mesh, proxyKey)?.issuer !== undefined,
        },
      );
      if (!distinct.some((known) => sameEntrance(known, found))) distinct.push(found);
    }
    return distinct;
  };
  // An egress asks the same policies for ExternalServices; for MeshExternalServices the Mesh alone decides.
  const ofEgress = ({ mesh, target }: Destination): readonly Entrance[] | undefined => {
    if (target.kind === 'resource') return meshFacts.get(mesh)?.forbidsOutside === true ? [] : undefined;
    const [key] = externalServices(mesh, target.service);
    if (key === undefined) return undefined;
    const { tags = {} } = (inputs.resources('ExternalService').get(key)?.spec ?? {}) as ExternalServiceSpec;
    return [entrance(rules.ofExternalService.get(key), 0, () => true, { mesh, tags })];
  };

  // Undefined: nobody is asked for a certificate there, or nobody is there yet who could turn a caller away.
  const entrances = graph.derive(
    'entrances of a destination',
    (destination: Destination): readonly Entrance[] | undefined => {
      if (guards.length === 0 || (destination.tls ?? destination.workloadTls) === undefined) return undefined;
      if (destination.source.kind === 'egress') return ofEgress(destination);
      const found = ofProxies(destination);
      return found.length === 0 ? undefined : found;
    },
    { equals: sameEntrances },
  );

  return (destination, uris) => {
    const found = entrances.get(destination);
    if (found === undefined) return true;
    // Clients with an identity of the mesh and those of a MeshIdentity ask for different names.
    const { tls, workloadTls } = destination;
    const clients = [tls, workloadTls].map((each) => ({ uris, sni: each?.sni ?? '' }));
    return found.some((gates) =>
      clients.some((client) =>
        gates.every(({ policy, rules, heads, older }) =>
          older === undefined
            ? policy.authorize?.(client, rules, heads).allowed === true
            : policy.older?.authorize(client, older) === true,
        ),
      ),
    );
  };
}
