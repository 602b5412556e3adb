// Rules as one direction of traffic sees them: the types that speak of it, and all they say, as text. Rules with the same text are one object to
// what is built from them, so that a policy which says nothing of a direction comes and goes there without a trace.
import { createInterner, type Interner } from '@ursa/collections';
import type { PolicyHead, ProxyPolicy, ProxyRules, RuleOrigin } from '@ursa/policy';

/** Rules of every policy type that has any, by type. Derived: its identity stands for its content. */
export type RuleSets = ReadonlyMap<string, ProxyRules>;

/** Rules that speak of one thing. */
export interface SpeakingRules {
  readonly rules: RuleSets;
  /** All that they say of it. */
  readonly text: string;
}

const originText = ({ head, ruleIndex }: RuleOrigin) => [head.key, head.labels, ruleIndex];
const keysOf = (heads: readonly PolicyHead[]) => heads.map((head) => head.key);

/** Types of the policies that shape all traffic with one conf; with `redirected`, also those for traffic to unknown destinations. */
export function typesForTraffic(policies: readonly ProxyPolicy[], redirected: boolean): ReadonlySet<string> {
  const shapes = ({ hooks }: ProxyPolicy) =>
    hooks.traffic !== undefined || (redirected && hooks.redirected !== undefined);
  return new Set(policies.filter(shapes).map(({ name }) => name));
}

/** Types of the policies that shape clusters with rules for inbounds. */
export function typesForCallers(policies: readonly ProxyPolicy[]): ReadonlySet<string> {
  return new Set(policies.flatMap(({ name, hooks }) => (hooks.caller === undefined ? [] : [name])));
}

function speaking(ruleSets: RuleSets, speaks: (type: string, rules: ProxyRules) => boolean): RuleSets {
  return new Map([...ruleSets].filter(([type, rules]) => speaks(type, rules)));
}

/** The rules that proxies get things from besides what their traffic needs, and by which finished resources are rewritten. */
export function rulesForAdditions(ruleSets: RuleSets, policies: readonly ProxyPolicy[]): SpeakingRules {
  const concerned = policies.filter(({ hooks: { proxy, finish, additions } }) => proxy ?? finish ?? additions);
  const types = new Set(concerned.map(({ name }) => name));
  const rules = speaking(ruleSets, (type, { single }) => types.has(type) && single !== undefined);
  return { rules, text: JSON.stringify([...rules].map(([type, { single }]) => [type, single?.conf])) };
}

/** The rules that inbounds are built from. */
export function rulesForInbounds(ruleSets: RuleSets, forTraffic: ReadonlySet<string>): SpeakingRules {
  const rules = speaking(
    ruleSets,
    (type, { inbounds, single }) =>
      inbounds.some(({ rules, from, fromEntries }) => rules.length + from.length + fromEntries.length > 0) ||
      (forTraffic.has(type) && single !== undefined),
  );
  const sets = [...rules].map(([type, { inbounds, single }]) => [
    type,
    forTraffic.has(type) ? single?.conf : undefined,
    inbounds.map(({ rules, from, fromEntries }) => [
      rules.map((rule) => [rule.match, rule.conf, originText(rule.origin)]),
      from.map((rule) => [rule.subset, rule.conf, keysOf(rule.origins)]),
      fromEntries,
    ]),
  ]);
  return { rules, text: JSON.stringify(sets) };
}

/** The rules that outbounds are built from. */
export function rulesForOutbounds(
  ruleSets: RuleSets,
  forTraffic: ReadonlySet<string>,
  forCallers: ReadonlySet<string>,
): SpeakingRules {
  const rules = speaking(
    ruleSets,
    (type, { to, toSubsets, single, meshWide }) =>
      to.size + toSubsets.length > 0 ||
      (forTraffic.has(type) && single !== undefined) ||
      (forCallers.has(type) && meshWide.length > 0),
  );
  const sets = [...rules].map(([type, { to, toSubsets, single, meshWide }]) => [
    type,
    forTraffic.has(type) ? single?.conf : undefined,
    forCallers.has(type) ? meshWide.map(({ match, conf }) => [match, conf]) : undefined,
    [...to].map(([key, { confs, origins, originByMatches }]) => [
      key,
      confs,
      origins.map(originText),
      Object.entries(originByMatches).map(([hash, origin]) => [hash, originText(origin)]),
    ]),
    toSubsets.map(({ subset, conf, origins }) => [subset, conf, origins.map(({ key, labels }) => [key, labels])]),
  ]);
  return { rules, text: JSON.stringify(sets) };
}

/** Rules that come to the same for one direction are one object: what is built for that direction is built once. */
export interface RuleViews {
  readonly inbound: RuleView;
  readonly outbound: RuleView;
  readonly additions: RuleView;
}

/** Rules by text, each text once. */
export type RuleView = Pick<Interner, 'find' | 'share'>;

/** Views of an engine. One that only asks "what if" uses what the engine it is over (`base`) has, and leaves nothing behind in it. */
export function createRuleViews(base?: RuleViews): RuleViews {
  return {
    inbound: viewOver(base?.inbound),
    outbound: viewOver(base?.outbound),
    additions: viewOver(base?.additions),
  };
}

function viewOver(base: RuleView | undefined): RuleView {
  const own = createInterner();
  if (base === undefined) return own;
  return {
    find: (text) => base.find(text) ?? own.find(text),
    share: <Value extends object>(text: string, value: Value) =>
      (base.find(text) as Value | undefined) ?? own.share(text, value),
  };
}
