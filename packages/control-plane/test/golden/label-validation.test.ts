// The golden set `multizone-label-validation`: what a global control plane and a federated zone say of the labels of a write. Written through
// the real API, in memory. `../shared` lies beside the repository.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { STATUS_CODES } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import type { LabelContext } from '@ursa/resources';
import { parse } from 'yaml';
import { openApiFixture } from '../api/api-fixture.ts';

const set = join(import.meta.dirname, '../../../../../shared/conformance/golden/multizone-label-validation');
const mesh = 'multizone-label-validation';

interface Case {
  readonly id: string;
  readonly target: string;
  readonly resource: string;
  readonly input: string;
  readonly expected: string;
}

const targets: Readonly<Record<string, LabelContext>> = {
  global: { mode: 'global', zone: '', environment: 'universal', federated: false },
  'zone-uni': { mode: 'zone', zone: 'kuma-4', environment: 'universal', federated: true },
};

test('the golden set multizone-label-validation', {
  skip: existsSync(set) ? false : 'conformance data is not beside the repository',
}, async (suite) => {
  const { cases } = JSON.parse(readFileSync(join(set, 'cases.json'), 'utf8')) as { readonly cases: readonly Case[] };
  const reachable = cases.filter(({ target }) => Object.hasOwn(targets, target));
  suite.diagnostic(
    `${reachable.length} of ${cases.length} cases; the others are what kubectl prints, which comes with "Kubernetes"`,
  );
  assert.ok(reachable.length > 0);
  for (const item of reachable) await suite.test(item.id, () => runCase(item));
});

/** Writes the input and compares status and body with the recorded answer. */
async function runCase({ target, resource, input, expected }: Case): Promise<void> {
  const fixture = openApiFixture({}, targets[target]);
  try {
    await fixture.store.write([{ kind: 'put', resource: meshResource() }]);
    const document = parse(readFileSync(join(set, input), 'utf8')) as { readonly name: string };
    const answer = await fixture.ask('PUT', `/meshes/${mesh}/${resource}s/${document.name}`, document);
    const [head = '', body = ''] = readFileSync(join(set, expected), 'utf8').split('\n\n');
    assert.equal(`HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}`, head, answer.text);
    assert.deepEqual(answer.body, JSON.parse(body));
  } finally {
    await fixture.app.close();
  }
}

function meshResource() {
  const spec = { mtls: { enabledBackend: 'ca-1', backends: [{ name: 'ca-1', type: 'builtin' }] } };
  return { type: 'Mesh', mesh: '', name: mesh, labels: {}, spec };
}
