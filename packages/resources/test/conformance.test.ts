// Our answers beside those recorded of the peer; passes with a note where the recordings are not at hand.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  accessResourceTypes,
  computeLabels,
  type DataplaneSpec,
  formatResource,
  MeshError,
  parseResource,
  parseYamlDocuments,
  type ResourceDraft,
  type Violation,
} from '../src/index.ts';
import { types, zoneContext } from './registry.ts';

const shared = join(import.meta.dirname, '../../../../shared/conformance');

function isAbsent(context: TestContext): boolean {
  const absent = !existsSync(shared);
  if (absent) context.diagnostic('conformance data is left out: it is not beside this repository');
  return absent;
}

interface Scenario {
  readonly id: string;
  readonly documents: readonly Record<string, unknown>[];
  expected(file: string): unknown;
}

function scenarios(): readonly Scenario[] {
  const root = join(shared, 'oracle');
  const folders = readdirSync(root).flatMap((area) => readdirSync(join(root, area)).map((name) => `${area}/${name}`));
  return folders.map((id) => ({
    id,
    documents: documentsOf(join(root, id, 'resources.yaml')),
    expected(file) {
      const path = join(root, id, 'expected', file);
      return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
    },
  }));
}

function documentsOf(file: string): readonly Record<string, unknown>[] {
  if (!existsSync(file)) return [];
  const text = readFileSync(file, 'utf8');
  return parseYamlDocuments(text, { source: file }).map(({ value }) => value as Record<string, unknown>);
}

function refusal(document: Record<string, unknown>): readonly string[] {
  try {
    const { type, mesh, name } = document as Record<string, string>;
    parseResource(types, document, { type, mesh, name, labels: zoneContext } as Parameters<typeof parseResource>[2]);
    return [];
  } catch (error) {
    assert.ok(error instanceof MeshError);
    return error.code === 'malformed' ? [error.message] : sortedTexts(error.violations);
  }
}

function sortedTexts(violations: readonly Violation[]): readonly string[] {
  return violations.map(({ field, message }) => `${field}: ${message}`).sort();
}

/** Documents for which we differ on purpose. */
const intended: Readonly<Record<string, string>> = {
  'Dataplane/redis in baseline/base-constraints': 'refused for reasons outside the document, by the mesh it joins',
  'Dataplane/bad-08 in validation/val-dataplane': 'a port of redirection that is none is refused',
  'Dataplane/bad-10 in validation/val-dataplane': 'unknown fields are refused',
  'Mesh/val-mesh-02 in validation/val-mesh':
    'a mesh may have several certificate authorities, so that they can be rotated',
  'Mesh/val-mesh-08 in validation/val-mesh': 'a wrong mode is refused with its field',
  'Mesh/val-mesh-09 in validation/val-mesh': 'a value of a wrong type is refused with its field',
};

interface Answer {
  readonly status: number;
  readonly body: { readonly causes?: readonly Violation[]; readonly detail?: string };
}

test('documents are accepted and refused as the peer does, with its fields and messages', (context) => {
  if (isAbsent(context)) return;
  let compared = 0;
  for (const scenario of scenarios()) {
    const answers = (scenario.expected('apply.json') ?? []) as readonly Answer[];
    for (const [index, answer] of answers.entries()) {
      const { _nomesh: _marker, ...document } = scenario.documents[index] ?? {};
      const id = `${document.type}/${document.name} in ${scenario.id}`;
      if (types.byName(String(document.type)) === undefined || intended[id] !== undefined) continue;
      const { causes, detail = '' } = answer.body;
      const expected = causes === undefined ? (answer.status < 400 ? [] : [detail]) : sortedTexts(causes);
      assert.deepEqual(refusal(document), expected, id);
      compared++;
    }
  }
  assert.ok(compared > 1000, `only ${compared} documents were compared`);
});

test('resources are shown as the peer shows them', (context) => {
  if (isAbsent(context)) return;
  let compared = 0;
  for (const scenario of scenarios()) {
    const shown = (scenario.expected('resources.json') ?? {}) as Readonly<
      Record<string, Answer & { body: Record<string, unknown> }>
    >;
    for (const document of scenario.documents) {
      const answer = shown[`${document.type}/${document.name}`];
      const type = types.byName(String(document.type));
      // api-mesh goes on to change its mesh by requests.
      if (type === undefined || answer?.status !== 200 || scenario.id === 'api/api-mesh') continue;
      const draft = withZone(parseResource(types, document));
      const time = String(answer.body.creationTime);
      const times = { creationTime: time, modificationTime: time, version: 1 };
      const ours = formatResource(type, { ...draft, labels: computeLabels(type, draft, zoneContext), ...times });
      assert.deepEqual(withoutObservations(ours), withoutObservations(answer.body), `${draft.name} in ${scenario.id}`);
      compared++;
    }
  }
  assert.ok(compared > 100, `only ${compared} resources were compared`);
});

/** The store adds the zone to a proxy's tags. */
function withZone(draft: ResourceDraft): ResourceDraft {
  if (draft.type !== 'Dataplane') return draft;
  const spec = structuredClone(draft.spec) as DataplaneSpec;
  for (const inbound of spec.networking?.inbound ?? []) inbound.tags = { ...inbound.tags, 'kuma.io/zone': 'default' };
  return { ...draft, spec };
}

/** What a running control plane observes is not for this package to say. */
function withoutObservations(document: Record<string, unknown>): unknown {
  const { status: _status, ...rest } = document;
  const { state: _state, identities: _identities, ...spec } = (rest.spec ?? {}) as Record<string, unknown>;
  return 'spec' in rest ? { ...rest, spec } : rest;
}

test('types are named and listed as the peer lists them', (context) => {
  if (isAbsent(context)) return;
  const file = join(shared, 'golden/rest-api/base_endpoints/_resources.golden.json');
  const { resources } = JSON.parse(readFileSync(file, 'utf8')) as {
    readonly resources: readonly { readonly name: string }[];
  };
  const listed = resources.filter(({ name }) => types.byName(name) !== undefined);
  assert.equal(listed.length, types.all.length - accessResourceTypes.length, 'those about access are our own');
  for (const expected of listed) {
    const {
      name,
      path,
      scope,
      readOnly,
      shortName,
      singularDisplayName,
      pluralDisplayName,
      includeInFederation,
      policy,
    } = types.byName(expected.name) ?? assert.fail();
    const names = {
      name,
      path,
      scope,
      readOnly,
      shortName,
      singularDisplayName,
      pluralDisplayName,
      includeInFederation,
    };
    assert.deepEqual(policy === undefined ? names : { ...names, policy }, expected);
  }
});

interface GoldenCase {
  readonly id: string;
  readonly kind: string;
  readonly input: string;
  readonly meta: Readonly<Record<string, string>>;
  readonly expectedViolations: string | null;
}

test('specs are refused for the same fields as in the golden cases', (context) => {
  if (isAbsent(context)) return;
  const root = join(shared, 'golden/resource-validation');
  const { cases } = JSON.parse(readFileSync(join(root, 'cases.json'), 'utf8')) as {
    readonly cases: readonly GoldenCase[];
  };
  for (const { id, kind, input, meta, expectedViolations } of cases.filter(
    (one) => types.byName(one.kind) !== undefined,
  )) {
    const [spec] = documentsOf(join(root, input));
    const [golden] = expectedViolations === null ? [] : documentsOf(join(root, expectedViolations));
    const expected = sortedTexts((golden?.violations ?? []) as readonly Violation[]);
    const ours = refusal({ type: kind, ...meta, spec });
    // A value outside its list is refused by the schema, before the rules that these cases were recorded on.
    if (ours.some((text) => text.includes('in body should be one of'))) assert.ok(expected.length > 0, id);
    else assert.deepEqual(ours, expected, id);
  }
});
