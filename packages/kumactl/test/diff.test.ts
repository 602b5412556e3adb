// `kumactl diff` and `apply --dry-run=server`: one question to the control plane, nothing written, exit codes that say what came out.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type ControlPlaneStub, openControlPlaneStub } from './control-plane-stub.ts';
import type { StubAnswer } from './terminal.ts';

const mesh = 'type: Mesh\nname: one\n';
const nothing = {
  changes: false,
  counts: { resources: 0, policies: 0, proxies: 0, connectedProxies: 3, envoyResources: {} },
  resources: [{ type: 'Mesh', mesh: '', name: 'one', action: 'unchanged', fields: [] }],
  groups: [],
  warnings: [],
};
const something = {
  changes: true,
  counts: { resources: 2, policies: 1, proxies: 7, connectedProxies: 9, envoyResources: { listener: 2, cluster: 1 } },
  resources: [
    {
      type: 'MeshTimeout',
      mesh: 'one',
      name: 't',
      action: 'changed',
      dataplanes: 8,
      fields: [{ path: 'spec.a', before: 1, after: 2 }],
    },
  ],
  groups: [
    {
      proxies: ['one/a', 'one/b', 'one/c', 'one/d', 'one/e', 'one/f'],
      total: 7,
      resources: [
        {
          type: 'listener',
          name: 'out',
          action: 'changed',
          fields: [{ path: 'x.timeout', meaning: 'request timeout', after: '7s' }],
        },
        { type: 'cluster', name: 'gone', action: 'removed', fields: [] },
      ],
    },
  ],
  warnings: [{ message: 'no such backend', proxies: ['one/a'], total: 1 }],
};

let answer: StubAnswer;
let stub: ControlPlaneStub;
before(async () => {
  stub = await openControlPlaneStub(() => answer);
});
after(() => stub.close());

async function run(args: readonly string[], answering: StubAnswer, text = mesh) {
  answer = answering;
  writeFileSync(join(stub.folder, 'resources.yaml'), text);
  const sent = stub.requests.length;
  const result = await stub.run([...args, '-f', join(stub.folder, 'resources.yaml')]);
  return { ...result, requests: stub.requests.slice(sent) };
}

test('ends with 0 when nothing would change', async () => {
  const { code, stdout, requests } = await run(['diff'], { body: nothing });
  assert.deepEqual([code, stdout], [0, 'nothing would change\n\n= Mesh one unchanged\n']);
  assert.deepEqual(
    requests.map(({ method, url }) => `${method} ${url}`),
    ['POST /_diff'],
  );
});

test('tells what would change, and ends with 5', async () => {
  const { code, stdout, stderr } = await run(['diff'], { body: something });
  assert.deepEqual([code, stderr], [5, '']);
  assert.equal(
    stdout,
    `1 policy, 1 other resource, 7 proxies of 9, 2 listeners, 1 cluster would change

~ MeshTimeout t in mesh one changed, applies to 8 Dataplanes
    spec.a 1 -> 2

7 proxies: one/a, one/b, one/c, one/d, one/e and 2 more
  ~ listener out
      request timeout: x.timeout + "7s"
  - cluster gone

Warning: no such backend (one/a)
`,
  );
});

test('asks for deletions, and prints the answer as it came on demand', async () => {
  const { stdout, requests } = await run(['diff', '--delete', '-o', 'json'], { body: nothing });
  assert.deepEqual(JSON.parse(requests[0]?.body ?? ''), { deletions: [{ type: 'Mesh', mesh: '', name: 'one' }] });
  assert.deepEqual(JSON.parse(stdout), nothing);
});

test('apply --dry-run=server asks the same and applies nothing', async () => {
  const { code, stdout, requests } = await run(['apply', '--dry-run=server'], { body: something });
  assert.equal(code, 0);
  assert.match(stdout, /would change/);
  assert.deepEqual(
    requests.map(({ method }) => method),
    ['POST'],
  );
});

test('a refusal is shown at its place in the documents', async () => {
  const refusal = {
    status: 400,
    body: {
      title: 'Could not work out the change',
      invalid_parameters: [{ field: 'resources[1].name', reason: 'is taken' }],
    },
  };
  const { code, stderr } = await run(['diff'], refusal, `${mesh}---\ntype: Mesh\nname: two\n`);
  assert.equal(code, 1);
  assert.match(stderr, /resources\.yaml:5:\d+: name: is taken/);
});
