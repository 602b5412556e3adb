// What has come and gone since somebody last asked.
import type { KeyChanges } from './collection.ts';

/** Gathers changes of a set of keys. */
export interface KeyJournal {
  /** A key has come, or gone. */
  note(key: string, isThere: boolean): void;
  /** What was gathered. A key that went and came again in between has done neither. */
  take(): KeyChanges;
}

/** A journal in which the keys that are there have just come. */
export function makeKeyJournal(present: Iterable<string>): KeyJournal {
  let gone = new Set<string>();
  let come = new Set(present);
  return {
    note(key, isThere) {
      const [opposite, same] = isThere ? [gone, come] : [come, gone];
      if (!opposite.delete(key)) same.add(key);
    },
    take() {
      const changes = { gone, come };
      gone = new Set();
      come = new Set();
      return changes;
    },
  };
}
