// Rules of `to` for real resources: for every destination that a policy names, the merged conf and which entries it came from.
import {
  type Destination,
  type DestinationId,
  type Destinations,
  destinationKey,
  keyOf,
  resolveDestinations,
} from './destination.ts';
import { matchesHash } from './matches-hash.ts';
import { type MergeOptions, mergeConfs } from './merge-conf.ts';
import { compareToEntries, type PolicyEntry } from './order.ts';
import type { PolicyHead } from './policy-head.ts';
import type { ToEntry } from './policy-spec.ts';

/** Which entry of which policy a conf came from. */
export interface RuleOrigin {
  readonly head: PolicyHead;
  readonly ruleIndex: number;
}

/** The conf for one destination. */
export interface OutboundRule<Conf = unknown> {
  readonly destination: Destination;
  /** One conf; several only for policies that split by host names. */
  readonly confs: readonly Conf[];
  /** Entries that contributed, the weakest first. */
  readonly origins: readonly RuleOrigin[];
  /** For route policies: the entry that a route came from last, by the hash of the route's matches. */
  readonly originByMatches: Readonly<Record<string, RuleOrigin>>;
}

/** Rules by destination key. Only destinations that an entry names have one: `confFor` falls back from narrow to wide. */
export type OutboundRules<Conf = unknown> = ReadonlyMap<string, OutboundRule<Conf>>;

/** Entries of the policies' `to` lists in order of precedence, the weakest first. */
export function toEntries(policies: readonly PolicyHead[]): readonly PolicyEntry<ToEntry>[] {
  return policies
    .flatMap((head) => (head.spec.to ?? []).map((entry, ruleIndex) => ({ head, entry, ruleIndex })))
    .sort(compareToEntries);
}

interface ResolvedEntry extends PolicyEntry<ToEntry> {
  readonly destination: Destination;
}

/** Merges the `to` lists of the policies that apply to a proxy. Keys are sorted; entries that resolve to nothing are left out. */
export function mergeTo(policies: readonly PolicyHead[], among: Destinations, shape: ToShape): OutboundRules {
  const resolved = toEntries(policies).flatMap((item) =>
    resolveDestinations(item.head, item.entry.targetRef, among).map((destination) => ({ ...item, destination })),
  );
  const destinations = new Map(resolved.map((item) => [keyOf(item.destination), item.destination]));
  const keys = [...destinations.keys()].sort();
  return new Map(
    keys.flatMap((key) => {
      const destination = destinations.get(key);
      return destination === undefined ? [] : [[key, mergeDestination(destination, resolved, shape)] as const];
    }),
  );
}

function mergeDestination(
  destination: Destination,
  resolved: readonly ResolvedEntry[],
  { toConf, merge }: ToShape,
): OutboundRule {
  const relevant = resolved.filter((item) => includes(item.destination, destination));
  const origins = distinctOrigins(relevant);
  return {
    destination,
    confs: mergeConfs(
      relevant.map((item) => confOf(item.entry, toConf)),
      merge,
    ),
    origins,
    originByMatches: originsByMatches(relevant),
  };
}

/** How the confs of `to` entries are found and merged. */
export interface ToShape {
  /** Where an entry keeps its conf: in `default`, in its `rules` (with `hostnames`), or in the first of its rules. */
  readonly toConf: 'default' | 'rules' | 'first rule';
  readonly merge: MergeOptions;
}

/** What an entry says. */
export function confOf(entry: ToEntry, toConf: ToShape['toConf']): unknown {
  const { rules = [], hostnames = [] } = entry;
  if (toConf === 'default') return entry.default ?? {};
  if (toConf === 'first rule') return (rules as readonly unknown[])[0] ?? {};
  return { ...(hostnames.length === 0 ? {} : { hostnames }), rules };
}

function includes(wide: Destination, narrow: Destination): boolean {
  if (wide.resource.type === 'Mesh') {
    const mesh = narrow.resource.type === 'Mesh' ? narrow.resource.name : narrow.resource.mesh;
    return wide.resource.name === mesh;
  }
  const sameResource = keyOf({ ...wide, sectionName: '' }) === keyOf({ ...narrow, sectionName: '' });
  return sameResource && (wide.sectionName === '' || wide.sectionName === narrow.sectionName);
}

function distinctOrigins(entries: readonly ResolvedEntry[]): RuleOrigin[] {
  const origins = new Map<string, RuleOrigin>();
  for (const { head, ruleIndex } of entries) {
    const key = `${head.key} ${ruleIndex}`;
    if (!origins.has(key)) origins.set(key, { head, ruleIndex });
  }
  return [...origins.values()];
}

function originsByMatches(entries: readonly ResolvedEntry[]): Record<string, RuleOrigin> {
  const origins: Record<string, RuleOrigin> = {};
  for (const { head, ruleIndex, entry } of entries) {
    const rules = Array.isArray(entry.rules) ? (entry.rules as readonly { matches?: unknown }[]) : [];
    for (const rule of rules) {
      if (rule.matches !== undefined) origins[matchesHash(rule.matches)] = { head, ruleIndex };
    }
  }
  return origins;
}

/** The rule for a destination: that of its route, its port, its resource or its mesh, the narrowest there is. */
export function ruleFor<Conf>(
  rules: OutboundRules<Conf>,
  ids: readonly DestinationId[],
): OutboundRule<Conf> | undefined {
  for (const id of ids) {
    const rule = rules.get(destinationKey(id));
    if (rule !== undefined) return rule;
  }
  return undefined;
}

/** Where to look for the conf of a destination, narrowest first: the port, the whole resource, the mesh. A route's identity goes before these. */
export function lookupOrder(id: DestinationId): readonly DestinationId[] {
  const whole = id.sectionName === '' ? [] : [{ ...id, sectionName: '' }];
  const mesh = { type: 'Mesh', mesh: '', zone: '', namespace: '', name: id.mesh, sectionName: '' };
  return [id, ...whole, mesh];
}

/** Merged conf for a destination (and route, when it comes from a policy), or undefined when no policy says anything. */
export function confFor<Conf>(rules: OutboundRules<Conf>, id: DestinationId, route?: DestinationId): Conf | undefined {
  return ruleFor(rules, [...(route === undefined ? [] : [route]), ...lookupOrder(id)])?.confs[0];
}
