// "did you mean …": the closest of some names, when one is close.

/** The known name closest to a mistyped one; undefined when none is close enough to be meant. */
export function closestName(typed: string, known: readonly string[]): string | undefined {
  const wanted = plain(typed.slice(0, 100));
  const limit = Math.max(2, Math.ceil(wanted.length / 3));
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const name of known) {
    const candidate = plain(name);
    const distance = candidate === wanted ? 0 : editDistance(wanted, candidate);
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best ?? known.find((name) => isPartOf(wanted, plain(name)));
}

/** `; did you mean "x"?`, or the names that are known when none is close. */
export function suggestionFor(typed: string, known: readonly string[]): string {
  const closest = closestName(typed, known);
  if (closest !== undefined) return `did you mean ${JSON.stringify(closest)}?`;
  return known.length === 0 ? 'no fields are known here' : `known here: ${known.slice(0, 20).join(', ')}`;
}

/** Case, `_` and `-` are what is mistyped most: they do not count. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, '');
}

function isPartOf(left: string, right: string): boolean {
  return left.length >= 4 && right.length >= 4 && (left.includes(right) || right.includes(left));
}

/** Number of insertions, deletions, replacements and swaps of neighbours that turn one text into the other. */
function editDistance(from: string, to: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      let distance = Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1);
      if (row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
        distance = Math.min(distance, (beforePrevious[column - 2] ?? 0) + 1);
      }
      current.push(distance);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[to.length] ?? 0;
}
