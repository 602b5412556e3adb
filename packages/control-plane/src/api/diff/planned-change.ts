// The body of a diff: resources as they are to be and resources that are to go, read and checked as the writes themselves would be.
import { MeshError, type ResourceKey, suggestionFor } from '@ursa/resources';
import type { PreviewedChange, ResourceManager } from '../../store/resource-manager.ts';
import { parseBody } from '../http/document.ts';
import { badRequest, Failure, titled, titledAsync } from '../http/failure.ts';
import { requireDocumentType } from '../http/media-type.ts';
import type { Call } from '../http/route.ts';
import { idleWarnings } from '../resources/idle-policies.ts';
import {
  type DraftOptions,
  meshesFirst,
  mostDrafts,
  readDraft,
  requireMeshes,
  requireWritable,
  warningsOf,
} from '../resources/read-draft.ts';

/** What is needed to judge a change. */
export interface PlanOptions extends DraftOptions {
  readonly manager: ResourceManager;
}

/** A change that could be made. */
export interface PlannedChange {
  readonly changes: readonly PreviewedChange[];
  /** Resources that would stay as they are. */
  readonly unchanged: readonly ResourceKey[];
  /** What the writes would warn of. */
  readonly warnings: readonly string[];
}

const title = 'Could not work out the change';

/** Reads and judges the change in a body; writes nothing. Errors: what the writes would be refused with, by the same statuses. */
export async function planChange(call: Pick<Call, 'body' | 'user'>, options: PlanOptions): Promise<PlannedChange> {
  requireDocumentType(call.body);
  const { resources, deletions } = readBody(parseBody(call.body));
  const drafts = titled(title, () =>
    resources.map((document, index) => readDraft(document, `resources[${index}]`, call, options)),
  );
  const keys = deletions.map((document, index) => readKey(document, `deletions[${index}]`, call, options));
  requireMeshes(drafts, title, options);
  const changes = await titledAsync(title, () => options.manager.preview(meshesFirst(drafts), keys));
  const changed = new Set(changes.map(({ key }) => `${key.type}/${key.mesh}/${key.name}`));
  const unchanged = drafts.filter(({ type, mesh, name }) => !changed.has(`${type}/${mesh}/${name}`));
  const warnings = drafts.flatMap((draft) => [
    ...warningsOf(draft, options).map((warning) => `${draft.type} ${draft.name}: ${warning}`),
    ...idleWarnings(options, draft, drafts),
  ]);
  return { changes, unchanged: unchanged.map(({ type, mesh, name }) => ({ type, mesh, name })), warnings };
}

function readBody(body: unknown): { readonly resources: readonly unknown[]; readonly deletions: readonly unknown[] } {
  if (!isObject(body)) throw badRequest('expected an object with "resources", "deletions" or both');
  const { resources = [], deletions = [], ...others } = body;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw badRequest(`unknown field ${JSON.stringify(unknown)}; expected resources, deletions`);
  if (!Array.isArray(resources) || !Array.isArray(deletions))
    throw badRequest('resources and deletions must be lists of resources');
  if (resources.length + deletions.length > mostDrafts)
    throw badRequest(`at most ${mostDrafts} resources at once; split the change`);
  return { resources, deletions };
}

function readKey(document: unknown, place: string, call: Pick<Call, 'user'>, options: PlanOptions): ResourceKey {
  const text = (field: string): string => {
    const value = isObject(document) ? document[field] : undefined;
    return typeof value === 'string' ? value : '';
  };
  const [typeName, mesh, name] = [text('type'), text('mesh'), text('name')];
  const type = options.reader.types.byName(typeName);
  const refuse = (field: string, message: string) =>
    new MeshError('invalid', message, { violations: [{ field: `${place}.${field}`, message }] });
  if (type === undefined) {
    const names = options.reader.types.all.map((known) => known.name);
    throw refuse('type', `there is no type ${JSON.stringify(typeName)}; ${suggestionFor(typeName, names)}`);
  }
  if (name === '') throw refuse('name', 'must be set');
  const key = { type: typeName, mesh: type.scope === 'Mesh' ? mesh : '', name };
  requireWritable(key, undefined, call, options);
  if (options.reader.stored(key.type, key.mesh, key.name) === undefined)
    throw new Failure(
      404,
      title,
      `${place}: ${typeName} ${JSON.stringify(name)} does not exist in mesh ${JSON.stringify(mesh)}`,
    );
  return key;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
