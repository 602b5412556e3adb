// Hooks: how a policy shapes a proxy. The engine walks the proxy and calls each hook with a place and the conf that holds there.

import type { FinishHooks } from './finish-hooks.ts';
import type { InboundRule } from './inbound-rules.ts';
import type {
  ClusterPlace,
  EndpointsPlace,
  InboundPlace,
  OutboundPlace,
  PassthroughPlace,
  RoutePlace,
} from './place.ts';
import type { ProxyHooks } from './proxy-hooks.ts';
import type { Subset } from './subset.ts';
import type { SubsetRule } from './subset-rules.ts';

/** All that policies of one type say of an inbound, entry by entry: for policies that tell clients apart. */
export interface InboundRuleSet<RuleConf = unknown, FromConf = unknown> {
  /** Of `rules` (and of `from`, where the policy turns it into rules); narrower matches first, then the weakest first. */
  readonly rules: readonly InboundRule<RuleConf>[];
  /** Of `from`, by the clients' tags; disjoint, those with more tags first. */
  readonly from: readonly SubsetRule<FromConf>[];
  /** The entries of `from` themselves, the weakest first: of those that select a client the last one counts. */
  readonly fromEntries: readonly FromSubset<FromConf>[];
}

/** An entry of `from`. */
export interface FromSubset<Conf = unknown> {
  readonly subset: Subset;
  readonly conf: Conf;
}

/** Strict: only workloads of the mesh may connect. Permissive: plain text is taken, too. */
export type InboundMode = 'Strict' | 'Permissive';

/** Hooks of policies that can apply to traffic a proxy receives. Of `inbound` and `inboundRules` only one is of use to a policy. */
export interface InboundHooks<Conf, RuleConf> {
  /**
   * Asked before an inbound is built: whether it insists on mTLS. Undefined: as its mesh says. Not asked in meshes without mTLS. Who would be cut off
   * by a change is told from the answer, so no other hook may decide it.
   */
  mode?(conf: Conf): InboundMode | undefined;
  /** Called for each inbound with the merged conf for all of its traffic. */
  inbound?(place: InboundPlace, conf: Conf): void;
  /** Called for each inbound, also when no policy says anything of it (both lists are empty then). */
  inboundRules?(place: InboundPlace, rules: InboundRuleSet<RuleConf, Conf>): void;
  /**
   * Called for each cluster, for what both ends of a connection must agree on: with the conf of the policies that select the whole mesh
   * by kind Mesh, as they hold at the other end, too.
   */
  caller?(place: ClusterPlace, conf: Conf): void;
}

/** Hooks of policies that can apply to traffic a proxy sends. */
export interface OutboundHooks<Conf> {
  /** Called for each outbound with the conf of its destination; `clusters` are not to be touched here but in `cluster`. */
  outbound?(place: OutboundPlace, conf: Conf): void;
  /** Called once for each cluster with the conf of the cluster's destination. */
  cluster?(place: ClusterPlace, conf: Conf): void;
  /** Called for each HTTP route of each outbound, with the conf of the route or else of the destination. */
  route?(place: RoutePlace, conf: Conf): void;
  /** Called for the endpoints of each cluster with the conf of the cluster's destination; runs again when an instance comes or goes. */
  endpoints?(place: EndpointsPlace, conf: Conf): void;
  /** Called for each listener for traffic to unknown destinations, with the conf for the mesh as a whole. */
  passthrough?(place: PassthroughPlace, conf: Conf): void;
}

/** Hooks that a policy cannot have: naming one is a type error. */
type Never<Hooks> = { [Hook in keyof Hooks]?: never };

/** The hooks that fit the lists a policy has. */
export type HooksFor<Conf, RuleConf, HasTo extends boolean, HasInbound extends boolean> = (HasTo extends true
  ? OutboundHooks<Conf>
  : Never<OutboundHooks<Conf>>) &
  (HasInbound extends true ? InboundHooks<Conf, RuleConf> : Never<InboundHooks<Conf, RuleConf>>) &
  ([HasTo, HasInbound] extends [false, false]
    ? ProxyHooks<Conf> & FinishHooks<Conf>
    : Never<ProxyHooks<Conf> & FinishHooks<Conf>>);

/** Hooks as the engine calls them: it hands each policy the confs that were merged for it. */
export type AnyHooks = InboundHooks<unknown, unknown> &
  OutboundHooks<unknown> &
  ProxyHooks<unknown> &
  FinishHooks<unknown>;
