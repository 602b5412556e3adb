// Writes into the store below the API, as an older version may have left it: what no write would let in today.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { World } from './world.ts';

/** A text in the spec of one resource of a type, and what it becomes. */
export interface Replacement {
  readonly type: string;
  readonly before: string;
  readonly now: string;
}

/** Replaces while no control plane runs, and starts it again. Each text must stand in exactly one resource. */
export async function replaceInStore(
  { controlPlane, folder }: World,
  replacements: readonly Replacement[],
): Promise<void> {
  controlPlane.process().signal('SIGTERM');
  await controlPlane.process().exited;
  const database = new DatabaseSync(join(folder, 'store.db'));
  try {
    for (const { type, before, now } of replacements) {
      const { changes } = database
        .prepare('update resources set spec = replace(spec, ?, ?) where type = ? and instr(spec, ?) > 0')
        .run(before, now, type, before);
      assert.equal(Number(changes), 1, `${type}: ${before}`);
    }
  } finally {
    database.close();
  }
  await controlPlane.restart();
}
