// POST /_apply: several resources as one change. All are written in one transaction or none is, and proxies see them together.
import { Type } from 'typebox';
import type { PutResult, ResourceManager, WritePermit } from '../../store/resource-manager.ts';
import { parseBody } from '../http/document.ts';
import { badRequest, titled, titledAsync } from '../http/failure.ts';
import { formatJson } from '../http/json-text.ts';
import { requireDocumentType } from '../http/media-type.ts';
import type { Answer, Call, Route } from '../http/route.ts';
import { nameParameters } from '../openapi/parameters.ts';
import type { StrictnessGuard } from '../strictness/strictness-guard.ts';
import { idleWarnings } from './idle-policies.ts';
import {
  type DraftOptions,
  meshesFirst,
  mostDrafts,
  readDraft,
  requireMeshes,
  requirePermission,
} from './read-draft.ts';

/** What applying needs. */
export interface ApplyOptions extends DraftOptions {
  readonly manager: Pick<ResourceManager, 'putAll'>;
  readonly strictness: StrictnessGuard | undefined;
}

const title = 'Could not apply the resources';

/** The endpoint. Resources may belong to a mesh of the same body; of two documents of one resource the later counts. */
export function applyRoutes(options: ApplyOptions): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/_apply',
      tag: 'Resources',
      summary: 'Creates or replaces several resources together: all or none',
      query: nameParameters('force'),
      body: Type.Object({ resources: Type.Array(Type.Object({})) }),
      answers: {
        200: Type.Object(
          {
            revision: Type.Integer(),
            resources: Type.Array(
              Type.Object({
                type: Type.String(),
                mesh: Type.String(),
                name: Type.String(),
                created: Type.Boolean(),
                warnings: Type.Optional(Type.Array(Type.String())),
              }),
            ),
            warnings: Type.Optional(Type.Array(Type.String())),
          },
          { title: 'Applied' },
        ),
      },
      handle: (call) => apply(call, options),
    },
  ];
}

async function apply(call: Call, options: ApplyOptions): Promise<Answer> {
  requireDocumentType(call.body);
  const documents = readDocuments(parseBody(call.body));
  const drafts = titled(title, () =>
    documents.map((document, index) => readDraft(document, `resources[${index}]`, call, options)),
  );
  requireMeshes(drafts, title, options);
  const ordered = meshesFirst(drafts);
  const permit: WritePermit = (before, after) => {
    if (after !== undefined) requirePermission(before, after, call, options);
  };
  const unsure = (await titledAsync(title, async () => options.strictness?.check(call, ordered, []))) ?? [];
  const written = await titledAsync(title, () => options.manager.putAll(ordered, permit));
  const results = drafts.map((draft) => written[ordered.indexOf(draft)]).filter((result) => result !== undefined);
  const revision = Math.max(...results.map((result) => result.revision));
  return {
    status: 200,
    body: formatJson({
      revision,
      resources: results.map((result) => formatResult(result, idleWarnings(options, result.resource))),
      ...(unsure.length > 0 ? { warnings: unsure } : {}),
    }),
    headers: { 'kuma-revision': String(revision) },
  };
}

function readDocuments(body: unknown): readonly unknown[] {
  const { resources, ...others } = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw badRequest(`unknown field ${JSON.stringify(unknown)}; expected resources`);
  if (!Array.isArray(resources) || resources.length === 0)
    throw badRequest('expected an object with "resources", a list of at least one resource');
  if (resources.length > mostDrafts) throw badRequest(`at most ${mostDrafts} resources at once; split the change`);
  return resources;
}

function formatResult(
  { resource: { type, mesh, name }, created, warnings }: PutResult,
  idle: readonly string[],
): unknown {
  const all = [...warnings, ...idle];
  return { type, mesh, name, created, ...(all.length > 0 ? { warnings: all } : {}) };
}
