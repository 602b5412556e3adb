// Rules by tags: the older form of `from` and `to` (feature G9). The references cut the space of tags into disjoint parts; each part
// has the merge of all entries that contain it.
import type { TargetRef } from '@ursa/resources';
import { type MergeOptions, mergeConfs } from './merge-conf.ts';
import type { PolicyHead } from './policy-head.ts';
import { contains, maximalGroups, partsOfGroups, type Subset, type SubsetTag, subsetOf } from './subset.ts';

/** The conf for one part of the space. */
export interface SubsetRule<Conf = unknown> {
  readonly subset: Subset;
  readonly conf: Conf;
  /** Policies that contributed, each once, the weakest first. */
  readonly origins: readonly PolicyHead[];
}

/** An entry whose reference can be said in tags. */
export interface SubsetEntry {
  readonly head: PolicyHead;
  readonly targetRef: TargetRef;
  readonly conf: unknown;
}

/** How `mergeSubsets` divides the space. */
export interface SubsetOptions extends MergeOptions {
  /** True to say also what lies outside each reference; false for lists where looking up the narrowest part is enough (`to`). */
  readonly negations: boolean;
}

interface Item {
  readonly entry: SubsetEntry;
  readonly subset: Subset;
}

/**
 * Rules for disjoint parts of the space, those with more positive tags first. Entries come in order of precedence, the weakest first.
 * Undefined when the references would cut the space into more parts than can be served: the caller says so and takes the safe side.
 */
export function mergeSubsets(
  entries: readonly SubsetEntry[],
  options: SubsetOptions,
): readonly SubsetRule[] | undefined {
  const items = entries.flatMap((entry) => {
    const subset = subsetOf(entry.targetRef);
    return subset === undefined ? [] : [{ entry, subset }];
  });
  const subsets = items.map((item) => item.subset);
  const rulesFor = ruleMaker(items, options);
  const keys = new Set(subsets.flatMap((subset) => subset.map((tag) => tag.key)));
  if (!options.negations && keys.size <= 1) {
    return distinct(subsets)
      .flatMap(rulesFor)
      .sort((first, second) => second.subset.length - first.subset.length);
  }
  const groups = maximalGroups(subsets);
  const parts = groups && partsOfGroups(groups);
  return parts?.flatMap(rulesFor).sort((first, second) => positives(second.subset) - positives(first.subset));
}

/** Makes the rule of a part: none when no entry contains it. */
function ruleMaker(items: readonly Item[], options: MergeOptions): (part: Subset) => SubsetRule[] {
  // A reference with tags can only contain a part that has its first tag.
  const firstTag = ({ subset }: Item) => (subset[0] === undefined ? '' : tagText(subset[0]));
  const byFirstTag = Map.groupBy(items.keys(), (position) => {
    const item = items[position];
    return item === undefined ? '' : firstTag(item);
  });
  return (part) => {
    const texts = ['', ...part.filter((tag) => !tag.not).map(tagText)];
    const positions = texts.flatMap((text) => byFirstTag.get(text) ?? []).sort((first, second) => first - second);
    const inside = positions.flatMap((position) => items[position] ?? []).filter((item) => contains(item.subset, part));
    const origins = [...new Set(inside.map(({ entry }) => entry.head))];
    return mergeConfs(
      inside.map(({ entry }) => entry.conf),
      options,
    ).map((conf) => ({ subset: part, conf, origins }));
  };
}

function tagText({ key, value }: SubsetTag): string {
  return `${key}\n${value}`;
}

function distinct(subsets: readonly Subset[]): Subset[] {
  return [...new Map(subsets.map((subset) => [JSON.stringify(subset), subset])).values()];
}

function positives(subset: Subset): number {
  return subset.filter((tag) => !tag.not).length;
}

/** The rule for something with these tags: the first that holds. Undefined when none does. */
export function subsetRuleFor<Conf>(
  rules: readonly SubsetRule<Conf>[],
  tags: Readonly<Record<string, string>>,
): SubsetRule<Conf> | undefined {
  return rules.find(({ subset }) => subset.every((tag) => (tags[tag.key] === tag.value) !== tag.not));
}
