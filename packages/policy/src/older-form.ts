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
  return sources.some((source) => {
    const { [tagNames.service]: service, ...others } = source;
    // Every proxy has a service, whether a tag says which or not.
    const wanted = service === '*' ? others : source;
    return Object.keys(wanted).length === 0 || caller.some((tags) => tagsMatch(wanted, tags));
  });
}

/** How closely a selector fits: by how many tags, and by how many of them exactly. */
type Fit = readonly [tags: number, exact: number];

function fitOf({ destinations = [] }: OlderSpec, tags: Tags): Fit | undefined {
  const fits = destinations
    .filter(({ match = {} }) => tagsMatch(match, tags))
    .map(({ match = {} }): Fit => {
      const values = Object.values(match);
      return [values.length, values.filter((value) => value !== '*').length];
    });
  return fits.sort(compareFits).at(-1);
}

function compareFits([tags, exact]: Fit, [otherTags, otherExact]: Fit): number {
  return tags - otherTags || exact - otherExact;
}

/** The policy that holds for traffic to what has these tags: more tags win, then more exact ones, then the younger policy, then the name. */
export function mostSpecific(policies: readonly Resource[], tags: Tags): Resource | undefined {
  const selected = policies.flatMap((resource) => {
    const fit = fitOf(resource.spec as OlderSpec, tags);
    return fit === undefined ? [] : [{ resource, fit }];
  });
  const byAge = (first: Resource, second: Resource) =>
    Date.parse(second.creationTime) - Date.parse(first.creationTime) || (first.name < second.name ? -1 : 1);
  return selected.sort(
    (first, second) => compareFits(second.fit, first.fit) || byAge(first.resource, second.resource),
  )[0]?.resource;
}

/** True when no policy of the newer form says anything at a place. */
export function saysNothing({ rules, fromEntries }: InboundRuleSet): boolean {
  return rules.length === 0 && fromEntries.length === 0;
}
