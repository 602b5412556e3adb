// What a group of writes would change, worked out before anything is stored: the rules of the store's contract, free of I/O.
import { formatResourceKey, MeshError, type Resource, type ResourceKey } from '@ursa/resources';
import { equalJson } from './equal-json.ts';
import type { StoreChange, StoreWrite } from './store.ts';

/** What the planner reads from: stored resources, by `formatResourceKey`. */
export interface ResourcesByKey {
  get(key: string): Resource | undefined;
}

/** Changes of one write call, and the stored form of each put in the order of the writes. */
export interface WritePlan {
  readonly changes: readonly StoreChange[];
  readonly resources: readonly (Resource | undefined)[];
}

/**
 * Applies the rules of optimistic concurrency to writes that stand or fall together. `revision` is the one before the first change;
 * `now` becomes the time of creation and modification. Errors as told at `Store.write`.
 */
export function planWrites(
  stored: ResourcesByKey,
  writes: readonly StoreWrite[],
  revision: number,
  now: string,
): WritePlan {
  const written = new Map<string, Resource | undefined>();
  const changes: StoreChange[] = [];
  const resources: (Resource | undefined)[] = [];
  for (const write of writes) {
    const key = write.kind === 'put' ? write.resource : write.key;
    const id = formatResourceKey(key);
    const before = written.has(id) ? written.get(id) : stored.get(id);
    checkVersion(key, before, write.expectedVersion);
    const after = write.kind === 'put' ? putResult(before, write.resource, now) : deleteResult(key, before);
    resources.push(after);
    if (after === before) continue;
    written.set(id, after);
    const bareKey = { type: key.type, mesh: key.mesh, name: key.name };
    changes.push({ key: bareKey, before, after, revision: revision + changes.length + 1 });
  }
  return { changes, resources };
}

type PutResource = Extract<StoreWrite, { kind: 'put' }>['resource'];

function putResult(before: Resource | undefined, put: PutResource, now: string): Resource {
  if (before !== undefined && isStoredAs(before, put)) return before;
  const { type, mesh, name, labels, spec, status } = put;
  return Object.freeze({
    type,
    mesh,
    name,
    labels,
    creationTime: before?.creationTime ?? now,
    modificationTime: now,
    version: (before?.version ?? 0) + 1,
    spec,
    ...(status === undefined ? {} : { status }),
  });
}

/** Whether a put of this over the stored resource changes nothing. */
export function isStoredAs(before: Resource, put: PutResource): boolean {
  return (
    equalJson(before.spec, put.spec) && equalJson(before.labels, put.labels) && equalJson(before.status, put.status)
  );
}

function deleteResult(key: ResourceKey, before: Resource | undefined): undefined {
  if (before === undefined) throw new MeshError('not-found', `${describe(key)} does not exist`);
  return undefined;
}

function checkVersion(key: ResourceKey, before: Resource | undefined, expected: number | undefined): void {
  if (expected === undefined) return;
  const found = before?.version ?? 0;
  if (found === expected) return;
  const state = found === 0 ? 'does not exist' : `has version ${found}`;
  const wanted = expected === 0 ? 'it must not exist yet' : `version ${expected} was expected`;
  throw new MeshError(
    'precondition-failed',
    `${describe(key)} ${state}, but ${wanted}: read it again and repeat the change`,
  );
}

function describe(key: ResourceKey): string {
  return key.mesh === '' ? `${key.type} "${key.name}"` : `${key.type} "${key.name}" in mesh "${key.mesh}"`;
}
