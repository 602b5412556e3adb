// Which items of two lists are the same, so that a difference can say "one was put in front" and not "all have changed".

/** A stretch of both lists in which no item of one equals an item of the other; ends are exclusive. */
export interface Gap {
  readonly before: readonly [start: number, end: number];
  readonly after: readonly [start: number, end: number];
}

/** Above this many comparisons lists are taken as different from the first to the last difference: the answer is coarser, not wrong. */
const mostComparisons = 1_000_000;

/** What lies between the items that a longest common subsequence keeps, in order of the lists. Items are compared as JSON. */
export function gapsBetween(before: readonly unknown[], after: readonly unknown[]): readonly Gap[] {
  const [first, second] = [before, after].map((list) => list.map((item) => JSON.stringify(item)));
  if (first === undefined || second === undefined) return [];
  let start = 0;
  while (start < first.length && start < second.length && first[start] === second[start]) start++;
  let [end, otherEnd] = [first.length, second.length];
  while (end > start && otherEnd > start && first[end - 1] === second[otherEnd - 1]) {
    end--;
    otherEnd--;
  }
  const kept = keptItems(first.slice(start, end), second.slice(start, otherEnd));
  const gaps: Gap[] = [];
  let [left, right] = [start, start];
  for (const [position, other] of [...kept, [end - start, otherEnd - start] as const]) {
    const gap: Gap = { before: [left, start + position], after: [right, start + other] };
    if (gap.before[0] < gap.before[1] || gap.after[0] < gap.after[1]) gaps.push(gap);
    [left, right] = [start + position + 1, start + other + 1];
  }
  return gaps;
}

type Pair = readonly [position: number, other: number];

/** Positions of a longest common subsequence; none where looking for it would take too long. */
function keptItems(before: readonly string[], after: readonly string[]): readonly Pair[] {
  if (before.length * after.length > mostComparisons) return [];
  const width = after.length + 1;
  // lengths[i * width + j]: the longest common subsequence of before from i and after from j.
  const lengths = new Uint32Array((before.length + 1) * width);
  const lengthAt = (position: number, other: number): number => lengths[position * width + other] ?? 0;
  for (let position = before.length - 1; position >= 0; position--) {
    for (let other = after.length - 1; other >= 0; other--) {
      lengths[position * width + other] =
        before[position] === after[other]
          ? lengthAt(position + 1, other + 1) + 1
          : Math.max(lengthAt(position + 1, other), lengthAt(position, other + 1));
    }
  }
  const kept: Pair[] = [];
  let [position, other] = [0, 0];
  while (position < before.length && other < after.length) {
    if (before[position] === after[other]) kept.push([position++, other++]);
    else if (lengthAt(position + 1, other) >= lengthAt(position, other + 1)) position++;
    else other++;
  }
  return kept;
}
