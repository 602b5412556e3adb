// ETag, If-Match, If-None-Match: how two writers notice that they would overwrite one another.
import type { Resource } from '@ursa/resources';
import { Failure } from '../http/failure.ts';
import type { Call } from '../http/route.ts';

/**
 * The entity tag of a resource. It changes with every write. The time of creation is in it, so that a resource that was deleted and made again does
 * not look like the old one, whose versions also began at 1.
 */
export function entityTagOf(resource: Pick<Resource, 'version' | 'creationTime'>): string {
  return `"${resource.version}-${Date.parse(resource.creationTime).toString(36)}"`;
}

/** Whether the caller already has this resource (`If-None-Match` of a GET). */
export function isUnchanged(call: Pick<Call, 'header'>, resource: Resource): boolean {
  const header = call.header('if-none-match');
  return header !== undefined && matches(header, resource);
}

/**
 * The version a write must find, from `If-Match` and `If-None-Match: *`; undefined when the caller sets no condition.
 * Errors: 412 when the condition already fails against `current`.
 */
export function expectedVersion(
  call: Pick<Call, 'header'>,
  current: Resource | undefined,
  title: string,
): number | undefined {
  const ifMatch = call.header('if-match');
  if (ifMatch !== undefined) {
    if (current === undefined || !matches(ifMatch, current)) throw lostRace(title, current);
    return current.version;
  }
  const ifNoneMatch = call.header('if-none-match');
  if (ifNoneMatch === undefined) return undefined;
  if (current !== undefined && matches(ifNoneMatch, current)) throw lostRace(title, current);
  return current?.version ?? 0;
}

function matches(header: string, resource: Resource): boolean {
  if (header.trim() === '*') return true;
  const tag = entityTagOf(resource);
  return header.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === tag);
}

/** 412: somebody else wrote in between. */
export function lostRace(title: string, current: Resource | undefined): Failure {
  const state = current === undefined ? 'it does not exist' : `its ETag is now ${entityTagOf(current)}`;
  const detail = `the resource is not what the request expects: ${state}; read it again, apply the change to what it is now, and retry`;
  return new Failure(412, title, detail, current === undefined ? {} : { headers: { etag: entityTagOf(current) } });
}
