// The door through which every policy comes in, built-in or a user's own: one definition, from which all other forms are made.
import type { IdlePolicy, ResourceType, TargetRef, TargetRefKind } from '@ursa/resources';
import type { Static, TSchema } from 'typebox';
import type { Authorization, ClientIdentity, EffectiveOn } from './authorization.ts';
import type { Hazard } from './hazards.ts';
import type { AnyHooks, HooksFor, InboundRuleSet } from './hooks.ts';
import type { MergeOptions } from './merge-conf.ts';
import type { OlderForm } from './older-form.ts';
import type { OlderClusterForm } from './older-routes.ts';
import type { CollectorRef, Signal } from './place.ts';
import type { PolicyHead } from './policy-head.ts';
import { policyResourceType } from './policy-resource-type.ts';
import type { PolicySpec } from './policy-spec.ts';
import type { PolicyShape } from './proxy-rules.ts';
import type { Report } from './report.ts';
import type { Routing } from './routing.ts';

/** How a policy tells clients apart in `rules`. */
export interface InboundMatching {
  /** True when a rule may have `matches` with `spiffeID` and `sni`. */
  readonly matches: boolean;
}

/** `rules` whose entries hold for all traffic of an inbound. */
export const inboundMatches: InboundMatching = { matches: false };

/** `rules` whose entries may be narrowed to clients. */
export const clientMatches: InboundMatching = { matches: true };

/** Where in a policy a conf stands, for checks that depend on it. */
export interface ConfPlace {
  readonly list: 'to' | 'from' | 'rules' | 'default';
  readonly topLevel: TargetRef;
  /** Reference of the entry, for `to` and `from`. */
  readonly targetRef?: TargetRef;
}

/** A policy that a new mesh starts with. */
export interface InitialPolicy {
  /** Its name is this, a hyphen, and the mesh's name. */
  readonly prefix: string;
  readonly spec: unknown;
}

type Kinds = readonly TargetRefKind[];

/** What every policy says of itself. */
export interface PolicyFacts<Conf extends TSchema, RuleConf extends TSchema> {
  /** `MeshTimeout`; every other name is made from it. */
  readonly name: string;
  /** `mt`, for the command line and for KRIs. */
  readonly shortName: string;
  /** One sentence: what it does for the user. */
  readonly summary: string;
  /** Kinds the top-level reference may have. */
  readonly targetRef: Kinds;
  /** Shape of `default`. Every field should be optional, or merging policies becomes a burden for users. */
  readonly conf: Conf;
  /** Shape of `default` in `rules`, where it differs. */
  readonly ruleConf?: RuleConf;
  readonly merge?: MergeOptions;
  /** False when a policy without any entry is accepted; it says nothing then. Default true. */
  readonly listsRequired?: boolean;
  /** Origin of Envoy resources that it adds (see `Origin`), where that is not its name in words: `mesh-timeout`. */
  readonly origin?: string;
  /** True when a MeshGateway at the top may be narrowed to listeners by tags. */
  readonly gatewayListenerTags?: boolean;
  /** Kinds of `to` under a given top-level reference, where they are fewer than `to`. */
  readonly toKinds?: (topLevel: TargetRef) => Kinds;
  /** True when `from` must be empty under this top-level reference. */
  readonly refusesFrom?: (topLevel: TargetRef) => boolean;
  /** Rules for one conf that its schema cannot say. */
  readonly checkConf?: (conf: Static<Conf>, report: Report, place: ConfPlace) => void;
  /** The same for `ruleConf`. */
  readonly checkRuleConf?: (conf: Static<RuleConf>, report: Report, place: ConfPlace) => void;
  /** Rules for the spec as a whole; fields start at `spec`. */
  readonly checkSpec?: (spec: never, report: Report) => void;
  /** What to use in place of `from`, said in the warning about it. */
  readonly fromAdvice?: string;
  /** Shape of what the control plane observes about the policy, for policies that name other resources in their conf. */
  readonly status?: TSchema;
  /** The collectors that a conf refers to. Proxies and the policy's status say which of them are not there. */
  readonly collectorRefs?: (conf: Static<Conf>) => readonly CollectorRef[];
  /** What is sent to these collectors. */
  readonly signal?: Signal;
  /** What a conf does beside shaping traffic; fields are relative to the spec. Operators may refuse kinds of it. */
  readonly hazards?: (spec: never) => readonly Hazard[];
  /** Policies of this type that every new mesh starts with, unless its `skipCreatingInitialPolicies` names the type. */
  readonly initial?: readonly InitialPolicy[];
  /**
   * Protocols on which a field of the conf (`http.requestTimeout`, or `http` for all below it) has an effect, for fields that have one on
   * some only. Findings tell a writer about fields that cannot do anything.
   */
  readonly effectiveOn?: EffectiveOn;
  /** Further warnings for the writer. */
  readonly warn?: (spec: never) => readonly string[];
}

/** Definition of a policy that shapes places of a proxy. */
export interface ProxyPolicyDefinition<
  Conf extends TSchema,
  RuleConf extends TSchema,
  To extends Kinds,
  From extends Kinds,
  Rules extends InboundMatching | undefined,
> extends PolicyFacts<Conf, RuleConf> {
  /** Kinds that entries of `to` may have; leave it out for a policy that does not apply to destinations. */
  readonly to?: To;
  /** Kinds that entries of `from` may have. Deprecated form of `rules`. */
  readonly from?: From;
  readonly rules?: Rules;
  /** Conf that holds where no policy says anything; without it hooks are not called there. */
  readonly fallback?: Static<Conf>;
  /** True when hooks for destinations read `proxy.tags`. Proxies of different tags then do not share their clusters and listeners. */
  readonly readsTags?: boolean;
  /** True when services tell clients apart by their tags: while a mesh has such a policy, its proxies announce theirs to those they call. */
  readonly needsClientTags?: boolean;
  /** True when proxies are open without it: then it is never held back, whatever Envoy makes of it. */
  readonly guardsAccess?: boolean;
  /** Where it has no effect, and what to do then. */
  readonly idle?: IdlePolicy;
  /**
   * What of it a zone egress does for services outside of the mesh. `clients`: its rules for inbounds hold for ExternalServices, which have no
   * proxy of their own. `destinations`: what it says of the cluster of a MeshExternalService.
   */
  readonly onEgress?: 'clients' | 'destinations';
  /** Conf of `from` for everybody that holds on a zone egress for MeshExternalServices, unless their mesh forbids that. */
  readonly openOutside?: Static<Conf>;
  /** True when hooks for destinations read `proxy.self`. Each proxy then gets listeners of its own where the policy speaks of destinations. */
  readonly readsSelf?: boolean;
  /** Keys of the caller's tags that the `endpoints` hook reads under a conf. Proxies that differ in them do not share these endpoints. */
  readonly endpointTags?: (conf: Static<Conf>) => readonly string[];
  /** Whether a client is let in, for policies that permit: says in advance what Envoy will do with the client's request. */
  readonly authorize?: (
    client: ClientIdentity,
    rules: InboundRuleSet<Static<RuleConf>, Static<Conf>>,
    policies: readonly PolicyHead[],
  ) => Authorization;
  /** The form it had before target references. */
  readonly older?: OlderForm;
  /** What older routes said in its place. */
  readonly olderClusters?: OlderClusterForm;
  /** How it shapes a proxy; left out while a policy has no effect yet. */
  readonly apply?: HooksFor<
    Static<Conf>,
    Static<RuleConf>,
    To extends readonly [] ? false : true,
    From extends readonly [] ? (Rules extends InboundMatching ? true : false) : true
  >;
}

/** A defined policy, as the engine and the registry see it. */
export interface ProxyPolicy {
  readonly name: string;
  readonly summary: string;
  /** Origin of Envoy resources that it adds. */
  readonly origin: string;
  readonly shape: PolicyShape;
  readonly fallback: unknown;
  readonly hooks: AnyHooks;
  /** True when hooks for destinations read the proxy's tags. */
  readonly readsTags?: boolean;
  /** True when callers have to announce their tags. */
  readonly needsClientTags?: boolean;
  /** True when hooks for destinations read `proxy.self`. */
  readonly readsSelf?: boolean;
  /** True when proxies are open without it. */
  readonly guardsAccess?: boolean;
  /** What of it a zone egress does. */
  readonly onEgress?: 'clients' | 'destinations';
  /** Conf for everybody who calls a MeshExternalService. */
  readonly openOutside?: unknown;
  /** Keys of the caller's tags that the `endpoints` hook reads under a conf. */
  readonly endpointTags?: (conf: unknown) => readonly string[];
  readonly effectiveOn?: EffectiveOn;
  /** Set for policies that let clients in or not; `policies` are those that select the inbound, the weakest first. */
  readonly authorize?: (
    client: ClientIdentity,
    rules: InboundRuleSet,
    policies: readonly PolicyHead[],
  ) => Authorization;
  readonly older?: OlderForm;
  readonly olderClusters?: OlderClusterForm;
  /** Set for policies that refer to collectors. */
  readonly collectors?: CollectorUse;
  /** What a policy does beside shaping traffic. */
  readonly hazards?: (spec: PolicySpec) => readonly Hazard[];
  /** Set for policies that say where traffic goes. */
  readonly routing?: Routing;
  /** Policies that a new mesh starts with. */
  readonly initial?: readonly InitialPolicy[];
  readonly resourceType: ResourceType;
}

/** How a policy uses collectors. */
export interface CollectorUse {
  /** What is sent to them; undefined where the policy does not say. */
  readonly signal: Signal | undefined;
  /** Those that a conf refers to. */
  refsOf(conf: unknown): readonly CollectorRef[];
}

/** Origin of what a policy adds: its name in words. */
export function originOf(name: string): string {
  return name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
}

/** Defines a policy that shapes places of a proxy. See the guide "add a policy". */
export function defineProxyPolicy<
  const Conf extends TSchema,
  const RuleConf extends TSchema = Conf,
  const To extends Kinds = readonly [],
  const From extends Kinds = readonly [],
  const Rules extends InboundMatching | undefined = undefined,
>(definition: ProxyPolicyDefinition<Conf, RuleConf, To, From, Rules>): ProxyPolicy {
  const { name, summary, to = [], from = [], rules, merge = {}, fallback, apply = {}, readsTags = false } = definition;
  const { endpointTags, collectorRefs, signal } = definition;
  const fromAsRules = rules !== undefined && from.length > 0 && from.every((kind) => kind === 'Mesh');
  const shape = {
    hasTo: to.length > 0,
    hasFrom: from.length > 0,
    hasRules: rules !== undefined,
    fromAsRules,
    merge,
    toConf: 'default' as const,
  };
  return {
    name,
    summary,
    origin: definition.origin ?? originOf(name),
    shape,
    fallback,
    hooks: apply as AnyHooks,
    readsSelf: definition.readsSelf ?? false,
    readsTags,
    ...(endpointTags === undefined ? {} : { endpointTags: (conf) => endpointTags(conf as Static<Conf>) }),
    needsClientTags: definition.needsClientTags ?? false,
    initial: definition.initial ?? [],
    guardsAccess: definition.guardsAccess ?? false,
    ...(definition.onEgress === undefined ? {} : { onEgress: definition.onEgress }),
    ...(definition.older === undefined ? {} : { older: definition.older }),
    ...(definition.olderClusters === undefined ? {} : { olderClusters: definition.olderClusters }),
    ...(definition.openOutside === undefined ? {} : { openOutside: definition.openOutside }),
    ...(definition.effectiveOn === undefined ? {} : { effectiveOn: definition.effectiveOn }),
    ...(definition.hazards === undefined ? {} : { hazards: definition.hazards as ProxyPolicy['hazards'] & {} }),
    ...(definition.authorize === undefined ? {} : { authorize: definition.authorize as ProxyPolicy['authorize'] & {} }),
    ...(collectorRefs === undefined
      ? {}
      : { collectors: { signal, refsOf: (conf) => collectorRefs(conf as Static<Conf>) } }),
    resourceType: policyResourceType({ ...definition, to, from, rules, shape }),
  };
}
