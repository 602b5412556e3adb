// PUT and DELETE of one resource: parsed and checked here, written by the resource manager, guarded by ETags.
import {
  immutableLabelViolations,
  type LabelContext,
  MeshError,
  parseResource,
  type Resource,
  type ResourceDraft,
  type ResourceType,
} from '@ursa/resources';
import type { AccessControl } from '../../identity/access-control.ts';
import type { ResourceManager, WritePermit } from '../../store/resource-manager.ts';
import { parseBody } from '../http/document.ts';
import { type Failure, notFound, titled, titledAsync, toFailure } from '../http/failure.ts';
import { formatJson } from '../http/json-text.ts';
import { requireDocumentType } from '../http/media-type.ts';
import type { Answer, Call, Route } from '../http/route.ts';
import { nameParameters } from '../openapi/parameters.ts';
import { deletedSchema, resourceSchemaOf, writtenSchema } from '../openapi/resource-schemas.ts';
import type { StrictnessGuard } from '../strictness/strictness-guard.ts';
import { entityTagOf, expectedVersion, lostRace } from './entity-tag.ts';
import { idleHeader, idleWarnings } from './idle-policies.ts';
import { pathOf } from './read-routes.ts';
import type { ResourceReader } from './reader.ts';
import { withStoredKeys } from './stored-keys.ts';
import { requireWorkloadLabel } from './workload-label.ts';
import type { WriteGuard } from './write-guard.ts';

/** What writing needs. */
export interface WriteOptions {
  readonly reader: ResourceReader;
  readonly manager: ResourceManager;
  readonly labels: LabelContext;
  readonly guard: WriteGuard;
  readonly access: Pick<AccessControl, 'requireWrite'>;
  readonly strictness: StrictnessGuard | undefined;
}

const processTitle = 'Could not process a resource';
const updateTitle = 'Could not update a resource';
const deleteTitle = 'Could not delete a resource';

/** Endpoints that write one type, under one of its paths. */
export function writeRoutes(type: ResourceType, path: string, options: WriteOptions): readonly Route[] {
  const one = `${pathOf(type, path)}/{name}`;
  return [
    {
      method: 'PUT',
      path: one,
      tag: type.name,
      summary: `Creates or replaces a ${type.singularDisplayName}`,
      query: nameParameters('dryRun', 'force'),
      body: resourceSchemaOf(type),
      answers: { 200: writtenSchema, 201: writtenSchema },
      handle: (call) => putResource(type, options, call),
    },
    {
      method: 'DELETE',
      path: one,
      tag: type.name,
      summary: `Deletes a ${type.singularDisplayName}`,
      query: nameParameters('force'),
      answers: { 200: deletedSchema },
      handle: (call) => deleteResource(type, options, call),
    },
  ];
}

async function putResource(type: ResourceType, options: WriteOptions, call: Call): Promise<Answer> {
  const { reader, manager } = options;
  const { mesh = '', name = '' } = call.params;
  options.guard.requireWritable(type);
  reader.requireMesh(mesh);
  const parsed = titled(processTitle, () => parseDraft(type, options, call, mesh, name));
  const permit = permitOf(type, options, call);
  const current = reader.stored(type.name, mesh, name);
  permit(current, parsed);
  const draft = titled(processTitle, () => withStoredKeys(parsed, current));
  const expected = expectedVersion(call, current, updateTitle);
  if (current !== undefined) titled(updateTitle, () => requireSameLabels(manager.withLabels(draft), current));
  const title = current === undefined ? 'Failed to create a resource' : 'Failed to update a resource';
  if (call.query.get('dryRun') === 'true') {
    await titledAsync(title, () => manager.check(draft));
    const unsure = await titledAsync(title, async () => options.strictness?.check(call, [draft], []));
    const warned = type.warn?.(draft.spec as never, draft) ?? [];
    return answerWritten(
      current === undefined,
      [...warned, ...(unsure ?? [])],
      idleHeader(idleWarnings(options, draft)),
    );
  }
  const unsure = (await titledAsync(title, async () => options.strictness?.check(call, [draft], []))) ?? [];
  const put = () => manager.put(draft, expected, permit);
  const { resource, revision, created, warnings } = await titledAsync(title, put).catch((error) => {
    throw raced(error, updateTitle, reader.stored(type.name, mesh, name));
  });
  return answerWritten(created, [...warnings, ...unsure], {
    etag: entityTagOf(resource),
    'kuma-revision': String(revision),
    ...idleHeader(idleWarnings(options, resource)),
  });
}

function answerWritten(
  created: boolean,
  warnings: readonly string[],
  headers: Readonly<Record<string, string>>,
): Answer {
  return { status: created ? 201 : 200, body: formatJson(warnings.length > 0 ? { warnings } : {}), headers };
}

function parseDraft(type: ResourceType, options: WriteOptions, call: Call, mesh: string, name: string): ResourceDraft {
  requireDocumentType(call.body);
  const document = completeDocument(type, parseBody(call.body), mesh);
  const draft = parseResource(options.reader.types, document, {
    type: type.name,
    ...(type.scope === 'Mesh' ? { mesh } : {}),
    name,
    labels: options.labels,
  });
  if (type.name === 'Dataplane') requireWorkloadLabel(draft, options.labels);
  return draft;
}

/** Documents of newer types may leave the mesh to the path; a type of another kind is refused before anything else is looked at. */
function completeDocument(type: ResourceType, document: unknown, mesh: string): unknown {
  if (type.specForm !== 'nested' || typeof document !== 'object' || document === null || Array.isArray(document))
    return document;
  const given = document as Readonly<Record<string, unknown>>;
  if (typeof given.type === 'string' && given.type !== type.name) {
    const message = `type in body should be one of [${type.name}]`;
    throw new MeshError('invalid', message, { violations: [{ field: '', message }] });
  }
  const isWithoutMesh = type.scope === 'Mesh' && (given.mesh ?? '') === '' && !('metadata' in given);
  return isWithoutMesh ? { ...given, mesh } : document;
}

/** Errors: `MeshError('invalid')` for labels that stay as they were when the resource was created. */
function requireSameLabels(draft: ResourceDraft, current: Resource): void {
  const violations = immutableLabelViolations(current.labels, draft.labels);
  const [first] = violations;
  if (first !== undefined) throw new MeshError('invalid', `${first.field} ${first.message}`, { violations });
}

async function deleteResource(type: ResourceType, options: WriteOptions, call: Call): Promise<Answer> {
  const { reader, manager } = options;
  const { mesh = '', name = '' } = call.params;
  options.guard.requireWritable(type);
  reader.requireMesh(mesh);
  const permit = permitOf(type, options, call);
  const current = reader.stored(type.name, mesh, name);
  permit(current, undefined);
  if (current === undefined) throw notFound(deleteTitle);
  const expected = expectedVersion(call, current, deleteTitle);
  await titledAsync(deleteTitle, async () => options.strictness?.check(call, [], [{ type: type.name, mesh, name }]));
  const remove = () => manager.delete({ type: type.name, mesh, name }, expected, permit);
  const { revision } = await titledAsync(deleteTitle, remove).catch((error) => {
    throw raced(error, deleteTitle, reader.stored(type.name, mesh, name));
  });
  return { status: 200, body: '{}\n', headers: { 'kuma-revision': String(revision) } };
}

/** Asked before anything is told, and once more at the moment of the write: what is stored then decides. */
function permitOf(type: ResourceType, { access }: WriteOptions, call: Call): WritePermit {
  const { mesh = '', name = '' } = call.params;
  return (before, after) => access.requireWrite(call.user, { type, mesh, name, before, after });
}

/** The store's refusal of an outdated version, as the answer to a lost race. */
function raced(error: unknown, title: string, current: Resource | undefined): Failure {
  const failure = toFailure(error);
  return failure.status === 412 ? lostRace(title, current) : failure;
}
