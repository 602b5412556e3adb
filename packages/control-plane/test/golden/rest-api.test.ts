// The golden set `rest-api` against the real API, in memory: requests and answers of the peer. `../shared` lies beside the repository.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import {
  accessResourceTypes,
  type LabelContext,
  parseResource,
  type Resource,
  type ResourceTypes,
} from '@ursa/resources';
import { parseAllDocuments } from 'yaml';
import { aloneZone, openApiFixture } from '../api/api-fixture.ts';
import { skippedCases } from './rest-api-skips.ts';

const set = join(import.meta.dirname, '../../../../../shared/conformance/golden/rest-api');

interface Case {
  readonly id: string;
  readonly cpMode: 'zone' | 'global';
  readonly resources: string | null;
  readonly actions: readonly {
    readonly method: string;
    readonly path: string;
    readonly status: number;
    readonly requestBody?: string;
    readonly expectedBody: string | null;
  }[];
}

test('answers of the golden set rest-api', {
  skip: existsSync(set) ? false : 'conformance data is not here',
}, async (context) => {
  const { cases } = JSON.parse(readFileSync(join(set, 'cases.json'), 'utf8')) as { readonly cases: readonly Case[] };
  const failures = new Map<string, string>();
  for (const golden of cases) {
    const difference = await runCase(golden);
    if (difference !== undefined) failures.set(golden.id, difference);
  }
  const unexpected = [...failures].filter(([id]) => !skippedCases.has(id));
  for (const [id, difference] of unexpected) context.diagnostic(`${id}: ${difference}`);
  const passed = cases.length - failures.size;
  context.diagnostic(`rest-api: ${passed}/${cases.length} passed, ${failures.size - unexpected.length} skipped`);
  assert.deepEqual(
    unexpected.map(([id]) => id),
    [],
  );
  const known = new Set(cases.map(({ id }) => id));
  const needless = [...skippedCases.keys()].filter((id) => known.has(id) && !failures.has(id));
  assert.deepEqual(needless, [], 'cases that pass are skipped');
});

/** The first difference, or undefined. */
async function runCase(golden: Case): Promise<string | undefined> {
  const labels: LabelContext = golden.cpMode === 'zone' ? aloneZone : { ...aloneZone, mode: 'global', zone: '' };
  const fixture = openApiFixture({ 'apiServer.gui.enabled': false }, labels);
  try {
    const seeds = golden.resources === null ? [] : readDocuments(golden.resources, fixture.types);
    await fixture.store.write(seeds.map((resource) => ({ kind: 'put', resource })));
    for (const { method, path, status, requestBody, expectedBody } of golden.actions) {
      const body =
        requestBody === undefined || requestBody === null ? undefined : readFileSync(join(set, requestBody), 'utf8');
      const answer = await fixture.ask(method, path, body);
      if (answer.status !== status)
        return `${method} ${path}: status ${answer.status}, not ${status}: ${answer.text.slice(0, 300)}`;
      const expected = expectedBody === null ? '' : readFileSync(join(set, expectedBody), 'utf8');
      if (!isDeepStrictEqual(withoutOwnTypes(normalize(answer.text)), normalize(expected))) {
        return `${method} ${path}: body\n${JSON.stringify(normalize(answer.text))}\nexpected\n${JSON.stringify(normalize(expected))}`;
      }
    }
    return undefined;
  } catch (error) {
    return `failed: ${error instanceof Error ? error.stack : error}`;
  } finally {
    await fixture.app.close();
  }
}

type Seed = Pick<Resource, 'type' | 'mesh' | 'name' | 'labels' | 'spec' | 'status'>;

/** Seeds go below the API: no computed labels, and what would be refused is taken as it is. */
function readDocuments(path: string, types: ResourceTypes): Seed[] {
  const documents = parseAllDocuments(readFileSync(join(set, path), 'utf8')) as { toJS(): unknown }[];
  return documents.flatMap((document) => {
    const given = document.toJS() as Record<string, unknown> | null;
    if (given === null) return [];
    const {
      type,
      mesh = '',
      name,
      labels = {},
      spec,
      status,
      creationTime: _created,
      modificationTime: _modified,
      ...inline
    } = given;
    const isInline = types.byName(String(type))?.specForm === 'inline';
    const raw = isInline ? inline : (spec ?? {});
    const key = {
      type: String(type),
      mesh: String(mesh),
      name: String(name),
      labels: labels as Record<string, string>,
    };
    return [{ ...key, spec: normalForm(types, given) ?? raw, status }];
  });
}

/** The spec as it is stored: with defaults, durations in one spelling. Undefined when the document would be refused. */
function normalForm(types: ResourceTypes, document: unknown): unknown {
  try {
    return parseResource(types, document).spec;
  } catch {
    return undefined;
  }
}

/** The answer without the types that the peer of the golden set does not have. */
function withoutOwnTypes(answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null || !('resources' in answer)) return answer;
  const own = new Set(accessResourceTypes.map(({ name }) => name));
  const { resources } = answer;
  if (Array.isArray(resources)) return { ...answer, resources: resources.filter(({ name }) => !own.has(name)) };
  const counts = Object.entries(resources ?? {}).filter(([name]) => !own.has(name));
  return { ...answer, resources: Object.fromEntries(counts) };
}

function normalize(text: string): unknown {
  const masked = text
    .replaceAll('127.0.0.1:5681', '{{address}}')
    .replaceAll(/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d[^"]+/g, '0001-01-01T00:00:00Z');
  return masked.trim() === '' ? '' : JSON.parse(masked);
}
