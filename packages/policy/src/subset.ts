// Parts of the space of tags: what a reference in tags covers, which references overlap, and how they cut the space.
import { type TargetRef, tagNames } from '@ursa/resources';

/** `key` equals `value`, or does not when `not` is set. */
export interface SubsetTag {
  readonly key: string;
  readonly value: string;
  readonly not: boolean;
}

/** Everything for which all tags hold; the empty one is everything. */
export type Subset = readonly SubsetTag[];

// References that cut the space into more parts than this are refused: the number grows exponentially with keys and overlaps, and
// whoever may write one policy must not be able to stop the control plane.
const maximumParts = 16_384;
/** Comparisons and steps of the search for groups; far above what policies for thousands of services need. */
const maximumWork = 3_000_000;

/** Tags of a reference; undefined when its kind cannot be said in tags. */
export function subsetOf(targetRef: TargetRef): Subset | undefined {
  const tags = Object.entries(targetRef.tags ?? {}).map(([key, value]) => ({ key, value, not: false }));
  const service = { key: tagNames.service, value: targetRef.name ?? '', not: false };
  switch (targetRef.kind) {
    case 'Mesh':
      return [];
    case 'MeshSubset':
      return tags;
    case 'MeshService':
      return [service];
    case 'MeshServiceSubset':
      return [service, ...tags];
    default:
      return undefined;
  }
}

/** True when everything in `part` is in `whole`. */
export function contains(whole: Subset, part: Subset): boolean {
  return whole.every((tag) => {
    const same = part.filter((other) => other.key === tag.key);
    return same.length > 0 && same.every((other) => tagContains(tag, other));
  });
}

function tagContains(whole: SubsetTag, part: SubsetTag): boolean {
  if (whole.not === part.not) return whole.value === part.value;
  return whole.not && whole.value !== part.value;
}

function overlap(first: Subset, second: Subset): boolean {
  return first.every((tag) => second.every((other) => other.key !== tag.key || other.value === tag.value));
}

/** For each reference the others it overlaps with. Undefined when there are too many to compare. */
function overlaps(subsets: readonly Subset[]): readonly (readonly number[])[] | undefined {
  // Most references differ in the value of one key and so cannot overlap: only those with the same value, or none, are compared.
  const key = mostFrequentKey(subsets);
  const valueIn = (subset: Subset) => subset.find((tag) => tag.key === key)?.value;
  const byValue = Map.groupBy(subsets.keys(), (index) => valueIn(subsets[index] ?? []));
  const loose = byValue.get(undefined) ?? [];
  const all = [...subsets.keys()];
  let work = 0;
  const found: number[][] = [];
  for (const [index, subset] of subsets.entries()) {
    const value = valueIn(subset);
    const candidates = value === undefined ? all : [...(byValue.get(value) ?? []), ...loose].sort(ascending);
    work += candidates.length;
    if (work > maximumWork) return undefined;
    found.push(candidates.filter((other) => other !== index && overlap(subset, subsets[other] ?? [])));
  }
  return found;
}

function mostFrequentKey(subsets: readonly Subset[]): string | undefined {
  const counts = new Map<string, number>();
  for (const { key } of subsets.flat()) counts.set(key, (counts.get(key) ?? 0) + 1);
  return [...counts].sort(([, first], [, second]) => second - first)[0]?.[0];
}

function ascending(first: number, second: number): number {
  return first - second;
}

/**
 * The largest groups of references of which every two overlap (maximal cliques, Bron-Kerbosch), each as its distinct tags by key and
 * value. Undefined when there are too many.
 */
export function maximalGroups(subsets: readonly Subset[]): readonly (readonly SubsetTag[])[] | undefined {
  const neighbours = overlaps(subsets);
  if (neighbours === undefined) return undefined;
  const cliques: number[][] = [];
  let work = 0;
  const near = (node: number) => neighbours[node] ?? [];
  const mostConnected = (best: number, node: number) => (near(node).length > near(best).length ? node : best);
  const grow = (clique: readonly number[], candidates: Set<number>, excluded: Set<number>): boolean => {
    if (candidates.size === 0) {
      if (excluded.size === 0 && clique.length > 0) cliques.push([...clique]);
      return cliques.length <= maximumParts;
    }
    const pivot = new Set(near([...candidates, ...excluded].reduce(mostConnected)));
    work += candidates.size + excluded.size + pivot.size;
    for (const next of [...candidates]) {
      if (pivot.has(next)) continue;
      work += near(next).length + 1;
      if (work > maximumWork) return false;
      const among = (nodes: ReadonlySet<number>) => new Set(near(next).filter((node) => nodes.has(node)));
      if (!grow([...clique, next], among(candidates), among(excluded))) return false;
      candidates.delete(next);
      excluded.add(next);
    }
    return true;
  };
  if (!grow([], new Set(subsets.keys()), new Set())) return undefined;
  return sortGroups(cliques).map((clique) => distinctTags(clique.flatMap((index) => subsets[index] ?? [])));
}

// The peers order groups by the text of their members' positions, highest first; the order is visible in inspection.
function sortGroups(groups: readonly (readonly number[])[]): number[][] {
  return groups
    .map((group) => group.toSorted(ascending))
    .sort((first, second) => (first.join(':') < second.join(':') ? 1 : -1));
}

function distinctTags(tags: readonly SubsetTag[]): SubsetTag[] {
  const byText = new Map(tags.map((tag) => [`${tag.key}\n${tag.value}`, tag]));
  return [...byText.values()].sort((first, second) =>
    first.key === second.key ? compareText(first.value, second.value) : compareText(first.key, second.key),
  );
}

function compareText(first: string, second: string): number {
  if (first === second) return 0;
  return first < second ? -1 : 1;
}

/** All parts of all groups, group by group; undefined when there are too many. */
export function partsOfGroups(groups: readonly (readonly SubsetTag[])[]): readonly Subset[] | undefined {
  const count = groups.reduce((sum, tags) => sum + countOfParts(tags), 0);
  return count > maximumParts ? undefined : groups.flatMap(partsOf);
}

function valuesByKey(tags: readonly SubsetTag[]): readonly (readonly SubsetTag[])[] {
  return [...Map.groupBy(tags, (tag) => tag.key).values()];
}

function countOfParts(tags: readonly SubsetTag[]): number {
  return valuesByKey(tags).reduce((product, values) => product * (values.length + 1), 1);
}

/**
 * All disjoint parts that the tags make: for every key one of its values, or none of them. Order: as a binary counter over the tags
 * in which 1 is "not", the first tag counting fastest; everything positive comes last.
 */
function partsOf(tags: readonly SubsetTag[]): readonly Subset[] {
  const keys = valuesByKey(tags);
  let choices: { chosen: Subset; counter: string }[] = [{ chosen: [], counter: '' }];
  for (const values of keys) {
    const options = [undefined, ...values].map((positive) => ({
      chosen: positive === undefined ? values.map((tag) => ({ ...tag, not: true })) : [positive],
      // Most significant digit first: later tags count slower.
      counter: values
        .map((tag) => (tag === positive ? '0' : '1'))
        .reverse()
        .join(''),
    }));
    choices = choices.flatMap((choice) =>
      options.map((option) => ({
        chosen: [...choice.chosen, ...option.chosen],
        counter: option.counter + choice.counter,
      })),
    );
  }
  return choices.sort(compareCounters).map((choice) => choice.chosen);
}

function compareCounters(first: { readonly counter: string }, second: { readonly counter: string }): number {
  const [firstLast, secondLast] = [first, second].map(({ counter }) => !counter.includes('1'));
  if (firstLast !== secondLast) return firstLast ? 1 : -1;
  return compareText(first.counter, second.counter);
}
