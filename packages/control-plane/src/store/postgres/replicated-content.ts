// The content in memory as a copy of the database's: it moves along the log, commit by commit, and knows the commit it stands at.
import { formatResourceKey, MeshError, type Resource, type ResourceKey } from '@ursa/resources';
import { equalJson } from '../equal-json.ts';
import type { Sealer } from '../sealing/sealer.ts';
import type { StoreChange } from '../store.ts';
import type { StoreContentInMemory } from '../store-content.ts';
import { type LogEntry, type LogPosition, readChanges, readSnapshot, type Snapshot } from './change-log.ts';
import type { Connection } from './connection.ts';

/** A copy that several readers may bring forward: each step is taken once, whoever brings it first. */
export interface ReplicatedContent {
  readonly content: StoreContentInMemory;
  position(): LogPosition;
  /** Takes in a commit of our own that was stored right after the position; nothing when the log has brought it already. */
  applyCommit(changes: readonly StoreChange[], id: string): void;
  /** Reads what the log has beyond the position; when it does not lead on from there, everything. */
  catchUp(connection: Connection): Promise<void>;
  /** Takes in what the log has beyond the position. False when it does not lead on from there. */
  follow(connection: Connection): Promise<boolean>;
}

/** The copy, which stands at `start`. `onResync` is told when a part of the history could not be followed. */
export function replicateContent(
  content: StoreContentInMemory,
  start: LogPosition,
  sealer: Sealer,
  onResync: (from: LogPosition, to: LogPosition, changes: number) => void,
): ReplicatedContent {
  let position = start;

  function move(changes: readonly StoreChange[], to: LogPosition): void {
    position = { revision: to.revision, commitId: to.commitId };
    content.apply(changes, to.revision);
  }

  function applyEntries(entries: readonly LogEntry[]): void {
    const fresh = entries.filter(({ revision }) => revision > position.revision);
    const last = fresh.at(-1);
    if (last === undefined) return;
    if (fresh[0]?.revision !== position.revision + 1 || last.revision !== position.revision + fresh.length) {
      throw new MeshError('internal', `the log of changes has a gap after revision ${position.revision}`);
    }
    const seen = new Map<string, Resource | undefined>();
    const changes = fresh.map(({ key, after, revision }): StoreChange => {
      const id = formatResourceKey(key);
      const before = seen.has(id) ? seen.get(id) : content.resources.get(id);
      seen.set(id, after);
      return { key, before, after, revision };
    });
    move(changes, last);
  }

  async function follow(connection: Connection): Promise<boolean> {
    const entries = await readChanges(connection, position, sealer);
    if (entries !== undefined) applyEntries(entries);
    return entries !== undefined;
  }

  async function resynchronise(connection: Connection): Promise<void> {
    const from = position;
    const snapshot = await readSnapshot(connection, sealer);
    // Somebody else has brought the content forward in the meantime: the snapshot may be older than it.
    if (position !== from) return;
    if (snapshot.resources.length === 0 && content.resources.size > 0 && snapshot.revision <= from.revision) {
      throw new MeshError(
        'unavailable',
        `the database is empty at revision ${snapshot.revision}, but ${content.resources.size} resources were there at revision ${from.revision}: ` +
          'restore it from a backup; to go on with an empty store, restart the control plane',
      );
    }
    const changes = differences(content.resources, snapshot);
    move(changes, snapshot);
    onResync(from, snapshot, changes.length);
  }

  return {
    content,
    position: () => position,
    applyCommit(changes, id) {
      const last = changes.at(-1)?.revision ?? 0;
      if (changes[0]?.revision === position.revision + 1) move(changes, { revision: last, commitId: id });
    },
    follow,
    async catchUp(connection) {
      if (!(await follow(connection))) await resynchronise(connection);
    },
  };
}

/** What changed between the content and the snapshot. In between there may have been more: only the result is known. */
function differences(resources: ReadonlyMap<string, Resource>, snapshot: Snapshot): readonly StoreChange[] {
  const { revision } = snapshot;
  const present = new Set<string>();
  const changes: StoreChange[] = [];
  for (const after of snapshot.resources) {
    const id = formatResourceKey(after);
    const before = resources.get(id);
    present.add(id);
    if (before === undefined || !equalJson(before, after)) changes.push({ key: keyOf(after), before, after, revision });
  }
  for (const [id, before] of resources) {
    if (!present.has(id)) changes.push({ key: keyOf(before), before, after: undefined, revision });
  }
  return changes;
}

function keyOf({ type, mesh, name }: Resource): ResourceKey {
  return { type, mesh, name };
}
