// The form that a policy had before target references: whoever is selected by `sources` is spoken of at what is selected by `destinations`.
// Both are told by tags. Where several policies select a place, the most specific one holds alone.
import { type Resource, type TagSelector, tagNames } from '@ursa/resources';
import type { ClientIdentity } from './authorization.ts';

import type { InboundRuleSet } from './hooks.ts';
import type { InboundPlace } from './place.ts';
import { type PolicyHead, policyHead } from './policy-head.ts';
import { tagsMatch } from './target-ref.ts';

/** The older form of a policy. It holds at places of which no policy of the newer form says anything. */
export interface OlderForm {
  /** Its resource type. */
  readonly type: string;
  /** Shapes a place for it. `statistics`: what names of statistics at the place start with. */
  readonly apply: (place: InboundPlace, policy: OlderPolicy, statistics: string) => void;
  /** Whether it lets a client in. */
  readonly authorize: (client: ClientIdentity, policy: OlderPolicy) => boolean;
}

/** One policy of an older form, where it holds. */
export interface OlderPolicy {
  readonly head: PolicyHead;
  /** Tags of the clients it speaks of, each alone enough; `*` stands for any value. */
  readonly sources: readonly Readonly<Record<string, string>>[];
}

interface OlderSpec {
  readonly sources?: readonly TagSelector[];
  readonly destinations?: readonly TagSelector[];
}

type Tags = Readonly<Record<string, string>>;

/** A policy as one place sees it. */
export function olderPolicy(resource: Resource): OlderPolicy {
  const { sources = [] } = resource.spec as OlderSpec;
  return { head: policyHead(resource), sources: sources.map(({ match = {} }) => match) };
}

/** True when it speaks of a proxy with these tags, a set for each of its inbounds. For servers outside, which look at no certificate. */
export function speaksOf({ sources }: OlderPolicy, caller: readonly Tags[]): boolean {
  return sources.some((source) => selectsCaller(source, caller));
}

function selectsCaller(source: Tags, caller: readonly Tags[]): boolean {
  const { [tagNames.service]: service, ...others } = source;
  // Every proxy has a service, whether a tag says which or not.
  const wanted = service === '*' ? others : source;
  return Object.keys(wanted).length === 0 || caller.some((tags) => tagsMatch(wanted, tags));
}

/** How closely a selector fits: by how many tags, and by how many of them exactly. */
export type Fit = readonly [tags: number, exact: number];

/** How closely the best of some selectors fits; undefined where none does. */
function bestFit(selectors: readonly TagSelector[] = [], fits: (match: Tags) => boolean): Fit | undefined {
  return selectors
    .flatMap(({ match = {} }): Fit[] => {
      const values = Object.values(match);
      return fits(match) ? [[values.length, values.filter((value) => value !== '*').length]] : [];
    })
    .sort(compareFits)
    .at(-1);
}

/** How closely a policy's sources fit a caller with these tags, a set for each of its inbounds; undefined where it does not speak of it. */
export function fitOfCaller({ spec }: Resource, caller: readonly Tags[]): Fit | undefined {
  return bestFit((spec as OlderSpec).sources, (match) => selectsCaller(match, caller));
}

/** How closely a policy's destinations fit what has these tags. */
export function fitOfCalled({ spec }: Resource, tags: Tags): Fit | undefined {
  return bestFit((spec as OlderSpec).destinations, (match) => tagsMatch(match, tags));
}

/** Orders fits, the closer ones last: by their tags, then by those that are exact. */
export function compareFits([tags, exact]: Fit, [otherTags, otherExact]: Fit): number {
  return tags - otherTags || exact - otherExact;
}

/** Orders policies that fit alike: the younger first, then by name. */
export function compareAges(first: Resource, second: Resource): number {
  return Date.parse(second.creationTime) - Date.parse(first.creationTime) || (first.name < second.name ? -1 : 1);
}

/** The policy that holds for traffic to what has these tags: more tags win, then more exact ones, then the younger policy, then the name. */
export function mostSpecific(policies: readonly Resource[], tags: Tags): Resource | undefined {
  const selected = policies.flatMap((resource) => {
    const fit = fitOfCalled(resource, tags);
    return fit === undefined ? [] : [{ resource, fit }];
  });
  return selected.sort(
    (first, second) => compareFits(second.fit, first.fit) || compareAges(first.resource, second.resource),
  )[0]?.resource;
}

/** True when no policy of the newer form says anything at a place. */
export function saysNothing({ rules, fromEntries }: InboundRuleSet): boolean {
  return rules.length === 0 && fromEntries.length === 0;
}
