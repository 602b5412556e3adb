// One of several resources in a request's body: read and checked as its own PUT would be, errors with its place in the list.
import {
  type LabelContext,
  MeshError,
  parseResource,
  type Resource,
  type ResourceDraft,
  type ResourceKey,
} from '@ursa/resources';
import type { AccessControl } from '../../identity/access-control.ts';
import { toFailure } from '../http/failure.ts';
import type { Call } from '../http/route.ts';
import type { ResourceReader } from './reader.ts';
import { withStoredKeys } from './stored-keys.ts';
import { requireWorkloadLabel } from './workload-label.ts';
import type { WriteGuard } from './write-guard.ts';

/** What a draft is read with. */
export interface DraftOptions {
  readonly reader: ResourceReader;
  readonly labels: LabelContext;
  readonly guard: WriteGuard;
  readonly access: Pick<AccessControl, 'requireWrite'>;
}

/** How many resources one request may carry. */
export const mostDrafts = 1000;

/** The draft in a document that stands at `place`. Errors: what a PUT of it would be refused with, fields below `place`. */
export function readDraft(
  document: unknown,
  place: string,
  call: Pick<Call, 'user'>,
  options: DraftOptions,
): ResourceDraft {
  try {
    const draft = parseResource(options.reader.types, document, { labels: options.labels });
    if (draft.type === 'Dataplane') requireWorkloadLabel(draft, options.labels);
    requireWritable(draft, draft, call, options);
    return withStoredKeys(draft, options.reader.stored(draft.type, draft.mesh, draft.name));
  } catch (error) {
    throw placed(error, place);
  }
}

/** What the writer of a draft should know though it is accepted. */
export function warningsOf(draft: ResourceDraft, { reader }: DraftOptions): readonly string[] {
  return reader.types.byName(draft.type)?.warn?.(draft.spec as never, draft) ?? [];
}

/** Errors: 403 and 405 for who may not write a resource, and where its type is not written at all. `after` undefined: it is to go. */
export function requireWritable(
  { type: typeName, mesh, name }: ResourceKey,
  after: ResourceDraft | undefined,
  call: Pick<Call, 'user'>,
  { reader, guard, access }: DraftOptions,
): void {
  const type = reader.types.byName(typeName);
  if (type === undefined) return;
  guard.requireWritable(type);
  access.requireWrite(call.user, { type, mesh, name, before: reader.stored(typeName, mesh, name), after });
}

/** Errors: 403 for who may not put a draft in the place of what is stored. */
export function requirePermission(
  before: Resource | undefined,
  after: ResourceDraft,
  call: Pick<Call, 'user'>,
  { reader, access }: DraftOptions,
): void {
  const type = reader.types.byName(after.type);
  if (type === undefined) return;
  access.requireWrite(call.user, { type, mesh: after.mesh, name: after.name, before, after });
}

/** The error with the place of the resource before each field. */
function placed(error: unknown, place: string): unknown {
  if (!(error instanceof MeshError)) return error;
  const violations = error.violations.map(({ field, message }) => ({
    field: field === '' ? place : `${place}.${field}`,
    message,
  }));
  // The answer to a document that cannot be read at all is its message alone.
  const isListed = violations.length > 0 && error.code !== 'malformed';
  const message = isListed ? error.message : `${place}: ${error.message}`;
  return new MeshError(error.code, message, { violations, cause: error });
}

/** Errors: 400 under `title` for every resource whose mesh is neither stored nor among them, with its place. */
export function requireMeshes(
  drafts: readonly ResourceDraft[],
  title: string,
  { reader }: Pick<DraftOptions, 'reader'>,
): void {
  const brought = new Set(drafts.filter(({ type }) => type === 'Mesh').map(({ name }) => name));
  const violations = drafts.flatMap(({ mesh }, index) => {
    if (mesh === '' || brought.has(mesh) || reader.stored('Mesh', '', mesh) !== undefined) return [];
    const message = `there is no mesh ${JSON.stringify(mesh)}: apply it too, or correct the name`;
    return [{ field: `resources[${index}].mesh`, message }];
  });
  const [first] = violations;
  if (first === undefined) return;
  throw toFailure(new MeshError('invalid', `${first.field}: ${first.message}`, { violations }), title);
}

/** The order to write in: a mesh may stand behind what belongs to it, as in files that are sorted by name. */
export function meshesFirst(drafts: readonly ResourceDraft[]): readonly ResourceDraft[] {
  return [...drafts].sort((one, other) => Number(other.type === 'Mesh') - Number(one.type === 'Mesh'));
}
