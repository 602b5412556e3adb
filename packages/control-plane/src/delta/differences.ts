// What a client lacks of the newest state, for both protocols.
import type { Snapshot, Versioned } from './conversation.ts';

// Bytes after which an update is cut; the rest follows once the client has answered. One resource is never cut.
const updateByteLimit = 256 * 1024;

/** Version of a resource that a client has; any other text, or undefined, when it has none. */
export type VersionSent = (name: string) => string | undefined;

/** True when the client lacks the newest version of something it wants. */
export function isBehind<Item extends Versioned>(
  newest: Snapshot<Item>,
  wanted: Iterable<string>,
  versionSent: VersionSent,
): boolean {
  for (const name of wanted) {
    const item = newest.get(name);
    if (item !== undefined && versionSent(name) !== item.version) return true;
  }
  return false;
}

/** The wanted resources that the client lacks, as many as one update may carry, at most `limit`; `cut` when that is not all. */
export function collectDifferences<Item extends Versioned>(
  newest: Snapshot<Item>,
  wanted: Iterable<string>,
  versionSent: VersionSent,
  limit = Number.POSITIVE_INFINITY,
): { readonly changed: readonly Item[]; readonly cut: boolean } {
  const changed: Item[] = [];
  let bytes = 0;
  for (const name of wanted) {
    const item = newest.get(name);
    if (item === undefined || versionSent(name) === item.version) continue;
    bytes += item.bytes.length;
    if ((bytes > updateByteLimit && changed.length > 0) || changed.length === limit) return { changed, cut: true };
    changed.push(item);
  }
  return { changed, cut: false };
}
