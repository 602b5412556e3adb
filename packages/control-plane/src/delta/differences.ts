// What a client lacks of the newest state, for both protocols.
import type { Snapshot, Versioned } from './conversation.ts';

// Bytes after which an update is cut; the rest follows once the client has answered. One resource is never cut.
const updateByteLimit = 256 * 1024;

/** Version of a resource that a client has; any other text, or undefined, when it has none. */
export type VersionSent = (name: string) => string | undefined;

/** Names that a client wants; undefined: all there are. */
export type Wanted = ReadonlySet<string> | undefined;

/** True when the client lacks the newest version of something it wants. */
export function isBehind<Item extends Versioned>(
  newest: Snapshot<Item>,
  wanted: Wanted,
  versionSent: VersionSent,
): boolean {
  for (const name of wanted ?? newest.keys()) {
    const item = newest.get(name);
    if (item !== undefined && versionSent(name) !== item.version) return true;
  }
  return false;
}

/** What a client lacks. */
export interface Differences<Item extends Versioned> {
  /** In the order of the newest state: clients that lack the same get the same list, however they asked. */
  readonly changed: readonly Item[];
  /** Versions of these that the client has, in their order. */
  readonly before: readonly (string | undefined)[];
  /** More is lacking than one update may carry. */
  readonly cut: boolean;
  /** Names of the newest state that the client wants, and those of them of which it has a version; fewer when it was cut. */
  readonly wanted: number;
  readonly known: number;
}

/** The wanted resources that the client lacks, as many as one update may carry, at most `limit`. */
export function collectDifferences<Item extends Versioned>(
  newest: Snapshot<Item>,
  names: Wanted,
  versionSent: VersionSent,
  limit = Number.POSITIVE_INFINITY,
): Differences<Item> {
  const changed: Item[] = [];
  const before: (string | undefined)[] = [];
  let [bytes, wanted, known] = [0, 0, 0];
  for (const [name, item] of newest) {
    if (names !== undefined && !names.has(name)) continue;
    const version = versionSent(name);
    wanted += 1;
    if (version !== undefined) known += 1;
    if (version === item.version) continue;
    bytes += item.bytes.length;
    if ((bytes > updateByteLimit && changed.length > 0) || changed.length === limit)
      return { changed, before, cut: true, wanted, known };
    changed.push(item);
    before.push(version);
  }
  return { changed, before, cut: false, wanted, known };
}
