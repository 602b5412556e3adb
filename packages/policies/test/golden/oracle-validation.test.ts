// What the peer answered when policies were written: accepted or refused, with which violations and warnings. Ours must be the same.
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { coreResourceTypes, createResourceTypes, MeshError, parseResource } from '@ursa/resources';
import { parseAllDocuments } from 'yaml';
import { policyResourceTypes } from '../../src/index.ts';

interface Answer {
  readonly resource: string;
  readonly status: number;
  readonly body: {
    readonly detail?: string;
    readonly warnings?: readonly string[];
    readonly causes?: readonly { readonly field: string; readonly message: string }[];
  };
}

// We refuse fields that we do not know; the peer drops them without a word.
const unknownFields = new Set([
  'val-meshtimeout MeshTimeout/bad-10',
  'val-meshhealthcheck MeshHealthCheck/bad-03',
  'val-meshtrafficpermission MeshTrafficPermission/bad-03',
]);

const oracle = join(import.meta.dirname, '../../../../../shared/conformance/oracle');
const absent = existsSync(oracle) ? false : 'conformance data is not beside the repository';
const types = createResourceTypes([...coreResourceTypes, ...policyResourceTypes]);
const policies = new Set(policyResourceTypes.map((type) => type.name));
const counts = { passed: 0, total: 0 };
after(() => console.log(`oracle-validation: ${counts.passed}/${counts.total}`));

function answerTo(document: Readonly<Record<string, unknown>>): unknown {
  try {
    const draft = parseResource(types, document);
    const context = { mesh: draft.mesh, name: draft.name, labels: draft.labels };
    const warnings = types.byName(draft.type)?.warn?.(draft.spec as never, context) ?? [];
    return { accepted: true, warnings };
  } catch (error) {
    if (!(error instanceof MeshError)) throw error;
    const sorted = error.violations.map(({ field, message }) => `${field}: ${message}`).sort();
    return error.code === 'malformed'
      ? { accepted: false, detail: error.message }
      : { accepted: false, violations: sorted };
  }
}

function expectedAnswer({ status, body }: Answer): unknown {
  if (status < 300) return { accepted: true, warnings: body.warnings ?? [] };
  if (body.causes === undefined) return { accepted: false, detail: body.detail };
  return { accepted: false, violations: body.causes.map(({ field, message }) => `${field}: ${message}`).sort() };
}

test('policies are accepted, warned about and refused as recorded', { skip: absent }, async (suite) => {
  for (const file of globSync('*/*/resources.yaml', { cwd: oracle }).sort()) {
    const scenario = dirname(file).split('/').at(-1) ?? '';
    const documents = parseAllDocuments(readFileSync(join(oracle, file), 'utf8')).map((item) => item.toJS());
    const answers = JSON.parse(readFileSync(join(oracle, dirname(file), 'expected/apply.json'), 'utf8')) as Answer[];
    for (const [index, document] of documents.entries()) {
      const answer = answers[index];
      const id = `${scenario} ${document.type}/${document.name}`;
      if (answer === undefined || !policies.has(document.type) || unknownFields.has(id)) continue;
      counts.total++;
      await suite.test(id, () => {
        assert.deepEqual(answerTo(document), expectedAnswer(answer));
        counts.passed++;
      });
    }
  }
  assert.ok(counts.total >= 248, `only ${counts.total} writes found`);
});
