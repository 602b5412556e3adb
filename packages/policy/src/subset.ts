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
const maximumParts = 4096;
const maximumGroups = 1024;

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

/**
 * The largest groups of references of which every two overlap (maximal cliques, Bron-Kerbosch), each as its distinct tags by key and
 * value. Undefined when there are too many.
 */
export function maximalGroups(subsets: readonly Subset[]): readonly (readonly SubsetTag[])[] | undefined {
  const neighbours = subsets.map((first, index) =>
    subsets.flatMap((second, other) => (other !== index && overlap(first, second) ? [other] : [])),
  );
  const cliques: number[][] = [];
  let steps = 0;
  const grow = (clique: readonly number[], candidates: readonly number[], excluded: readonly number[]): boolean => {
    steps++;
    if (steps > 16 * maximumGroups || cliques.length > maximumGroups) return false;
    if (candidates.length === 0) {
      if (excluded.length === 0 && clique.length > 0) cliques.push([...clique]);
      return true;
    }
    const pivot = neighbours[[...candidates, ...excluded].reduce(mostConnected)] ?? [];
    let rest = candidates;
    let done = excluded;
    for (const next of candidates.filter((candidate) => !pivot.includes(candidate))) {
      const near = new Set(neighbours[next]);
      const inside = (node: number) => near.has(node);
      if (!grow([...clique, next], rest.filter(inside), done.filter(inside))) return false;
      rest = rest.filter((node) => node !== next);
      done = [...done, next];
    }
    return true;
  };
  const mostConnected = (best: number, node: number) =>
    (neighbours[node]?.length ?? 0) > (neighbours[best]?.length ?? 0) ? node : best;
  if (!grow([], [...subsets.keys()], [])) return undefined;
  return sortGroups(cliques).map((clique) => distinctTags(clique.flatMap((index) => subsets[index] ?? [])));
}

// The peers order groups by the text of their members' positions, highest first; the order is visible in inspection.
function sortGroups(groups: readonly (readonly number[])[]): number[][] {
  return groups
    .map((group) => group.toSorted((first, second) => first - second))
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

/**
 * All disjoint parts that the tags make: for every key one of its values, or none of them. Order: as a binary counter over the tags
 * in which 1 is "not", the first tag counting fastest; everything positive comes last. Undefined when there are too many parts.
 */
export function partsOf(tags: readonly SubsetTag[]): readonly Subset[] | undefined {
  const keys = [...Map.groupBy(tags, (tag) => tag.key).values()];
  const count = keys.reduce((product, values) => product * (values.length + 1), 1);
  if (count > maximumParts) return undefined;
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
