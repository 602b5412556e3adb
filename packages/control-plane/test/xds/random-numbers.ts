// Random input for tests that is the same in every run.

/** Whole numbers from 0 to below the argument, which look random and depend on the seed only (mulberry32). */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** A copy with some bytes changed, cut off or repeated. */
export function mutate(bytes: Uint8Array, random: (below: number) => number): Uint8Array {
  const changed = Uint8Array.from(bytes);
  for (let change = random(6); change >= 0; change -= 1) changed[random(changed.length)] = random(256);
  if (random(4) === 0) return changed.subarray(0, random(changed.length));
  return random(10) === 0 ? Uint8Array.from([...changed, ...changed]) : changed;
}
