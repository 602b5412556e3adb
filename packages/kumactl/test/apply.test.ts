// `kumactl apply`: where documents come from, what is refused before anything is sent, and how refusals of the control plane are placed.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type ControlPlaneStub, openControlPlaneStub } from './control-plane-stub.ts';
import { openStubServer, type StubAnswer, type StubRequest } from './terminal.ts';

const created: StubAnswer = { status: 201, body: {} };
type Answering = (request: StubRequest) => StubAnswer;
let answer: StubAnswer | Answering = created;
let stub: ControlPlaneStub;
before(async () => {
  stub = await openControlPlaneStub((request) => (typeof answer === 'function' ? answer(request) : answer));
});
after(() => stub.close());

const timeout = (name: string, wait: string, mesh = 'mesh: default\n'): string =>
  `type: MeshTimeout\n${mesh}name: ${name}\nspec:\n  targetRef:\n    kind: Mesh\n  to:\n  - targetRef:\n      kind: Mesh\n    default:\n      connectionTimeout: ${wait}\n`;

/** Applies a text from a file and gives the result and the requests. */
async function apply(text: string, args: readonly string[] = [], answering: StubAnswer | Answering = created) {
  answer = answering;
  const file = join(stub.folder, 'resources.yaml');
  writeFileSync(file, text);
  const sent = stub.requests.length;
  const result = await stub.run(['apply', '-f', file, ...args]);
  return { ...result, requests: stub.requests.slice(sent) };
}

/** Answers `/_apply` with each resource as new; the second of each has a warning. */
const together: Answering = ({ url, body }) => {
  if (url !== '/_apply') return created;
  const { resources } = JSON.parse(body) as { readonly resources: readonly object[] };
  const written = resources.map((resource, index) => ({
    ...resource,
    created: true,
    ...(index === 1 ? { warnings: ['old'] } : {}),
  }));
  return { status: 200, body: { revision: 7, resources: written } };
};

test('several documents are one change, told in their order', async () => {
  const text = `type: Mesh\nname: one\n---\n---\n${timeout('slow', '5s')}`;
  const { code, stdout, stderr, requests } = await apply(text, [], together);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: 'Warning: old\n' });
  assert.equal(
    stdout,
    'resource type="Mesh" name="one" Created\nresource type="MeshTimeout" mesh="default" name="slow" Created\n',
  );
  assert.deepEqual(
    requests.map(({ method, url }) => `${method} ${url}`),
    ['POST /_apply'],
  );
});

test('a control plane that takes one at a time gets them one by one', async () => {
  const { code, stdout, requests } = await apply(
    `type: Mesh\nname: one\n---\n${timeout('slow', '5s')}`,
    [],
    ({ url }) => (url === '/_apply' ? { status: 404, body: '404: Page Not Found' } : created),
  );
  assert.equal(code, 0);
  assert.equal(stdout.match(/Created/g)?.length, 2);
  assert.deepEqual(
    requests.map(({ method, url }) => `${method} ${url}`),
    ['POST /_apply', 'PUT /meshes/one', 'PUT /meshes/default/meshtimeouts/slow'],
  );
});

test('what is too much for one request is applied as several changes, and said to be', async () => {
  const documents = Array.from({ length: 1001 }, (_, index) => `type: Mesh\nname: mesh-${index}\n`);
  const { code, stdout, stderr, requests } = await apply(documents.join('---\n'), [], together);
  assert.equal(code, 0);
  assert.match(stderr, /Note: too much for one change; it is applied as 2, one after another/);
  assert.equal(stdout.match(/Created/g)?.length, 1001);
  assert.deepEqual(
    requests.map(({ method, url }) => `${method} ${url}`),
    ['POST /_apply', 'POST /_apply'],
  );
});

test('when a later change of several is refused, it is said how much was applied', async () => {
  const documents = Array.from({ length: 1001 }, (_, index) => `type: Mesh\nname: mesh-${index}\n`);
  const { code, stderr } = await apply(documents.join('---\n'), [], (request) =>
    request.body.includes('mesh-1000"') ? { status: 403, body: { title: 'Access Denied' } } : together(request),
  );
  assert.equal(code, 1);
  assert.match(stderr, /Access Denied\nthe first 1000 of 1001 were applied, the others not/);
});

test('an existing resource is told as updated, and warnings go to standard error', async () => {
  const { stdout, stderr } = await apply('type: Mesh\nname: one\n', [], { status: 200, body: { warnings: ['old'] } });
  assert.equal(stdout, 'resource type="Mesh" name="one" Updated\n');
  assert.equal(stderr, 'Warning: old\n');
});

test('a document without a mesh goes to that of --mesh, of the context, or default', async () => {
  const text = timeout('slow', '5s', '');
  assert.match((await apply(text)).stdout, /mesh="default"/);
  assert.match((await apply(text, ['--context', 'demo'])).stdout, /mesh="demo"/);
  assert.match((await apply(text, ['--context', 'demo', '-m', 'three'])).stdout, /mesh="three"/);
});

test('variables are filled in', async () => {
  const { requests } = await apply(timeout('{{ name }}', '{{ wait }}'), ['-v', 'name=slow', '-v', 'wait=7s']);
  assert.match(requests[0]?.body ?? '', /"connectionTimeout":"7s"/);
});

test('--dry-run may be given whether it is one', async () => {
  const printed = await apply('type: Mesh\nname: one\n', ['--dry-run=true']);
  assert.deepEqual([printed.code, printed.stdout], [0, 'name: one\ntype: Mesh\n']);
  const applied = await apply('type: Mesh\nname: one\n', ['--dry-run=false']);
  assert.doesNotMatch(applied.stdout, /^name: one/m);
  assert.ok(applied.requests.length > 0);
  assert.equal((await apply('type: Mesh\nname: one\n', ['--dry-run=perhaps'])).code, 2);
});

test('--dry-run prints the resources and sends nothing', async () => {
  const { code, stdout, requests } = await apply('type: Mesh\nname: one\n---\ntype: Mesh\nname: two\n', ['--dry-run']);
  assert.deepEqual(
    { code, stdout, sent: requests.length },
    {
      code: 0,
      stdout: 'name: one\ntype: Mesh\n---\nname: two\ntype: Mesh\n',
      sent: 0,
    },
  );
});

test('all wrong documents are named with line, column and their text, and nothing is sent', async () => {
  const text = `type: Mesh\nname: fine\n---\n${timeout('slow', 'soon')}---\ntype: MeshTimeoot\nname: x\n`;
  const { code, stdout, stderr, requests } = await apply(text);
  // It may ask whether the control plane has a type of that name.
  const sent = requests.filter(({ method }) => method !== 'GET').length;
  assert.deepEqual({ code, stdout, sent }, { code: 1, stdout: '', sent: 0 });
  assert.match(stderr, /nothing was applied/);
  assert.match(stderr, /resources\.yaml:14:7: .*connectionTimeout.*\n.*connectionTimeout: soon/s);
  assert.match(stderr, /resources\.yaml:16:1: .*MeshTimeoot.*did you mean "MeshTimeout"/);
});

const wrongTexts: readonly [name: string, text: string, error: RegExp][] = [
  ['broken YAML', 'type: Mesh\nname: one: two\n', /resources\.yaml:2:\d+: .*\n.*name: one: two/],
  ['a key given twice', 'type: Mesh\nname: one\nname: two\n', /resources\.yaml:3:1: this key is given twice/],
  ['an unknown field', 'type: Mesh\nname: one\nmtsl: {}\n', /resources\.yaml:3:1: mtsl: .*did you mean "mtls"/],
  ['an empty file', '# nothing\n', /--file: .*resources\.yaml holds no resource/],
  ['a list', '- type: Mesh\n', /resources\.yaml:1:1: /],
  ['a missing type', 'name: one\n', /resources\.yaml:1:1: type: has to be set/],
  [
    'a key that poisons',
    'type: Mesh\nname: one\n__proto__: {}\n',
    /resources\.yaml:3:1: the key "__proto__" is never accepted/,
  ],
];

for (const [name, text, error] of wrongTexts) {
  test(`${name} is refused with its place`, async () => {
    const { code, stdout, stderr, requests } = await apply(text);
    assert.deepEqual({ code, stdout, sent: requests.length }, { code: 1, stdout: '', sent: 0 });
    assert.match(stderr, error);
  });
}

const connectionTimeout = 'spec.to[0].default.connectionTimeout';
const refusedAt = (field: string): StubAnswer => ({
  status: 400,
  body: {
    title: 'Could not process a resource',
    detail: 'Resource is not valid',
    invalid_parameters: [{ field, reason: 'must be greater than 0' }],
  },
});

test("the control plane's field errors are placed in the file", async () => {
  const refused = refusedAt(connectionTimeout);
  const { code, stdout, stderr } = await apply(`---\n${timeout('slow', '5s')}`, [], refused);
  assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
  assert.match(
    stderr,
    /MeshTimeout "slow" was not applied:\n.*resources\.yaml:12:7: spec\.to\[0\].*must be greater than 0\n/,
  );
  assert.match(stderr, /connectionTimeout: 5s/);
});

test('so are those of several documents, none of which is applied', async () => {
  const refused = refusedAt(`resources[1].${connectionTimeout}`);
  const { code, stdout, stderr } = await apply(`type: Mesh\nname: two\n---\n${timeout('slow', '5s')}`, [], refused);
  assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
  assert.match(stderr, /nothing was applied:\n.*resources\.yaml:14:7: spec\.to\[0\].*must be greater than 0\n/);
});

test('of documents that are sent one by one it is said how many were not sent', async () => {
  const { code, stderr } = await apply(
    `type: Mesh\nname: one\n---\ntype: Mesh\nname: two\n---\ntype: Mesh\nname: three\n`,
    [],
    ({ url }) => (url === '/_apply' ? { status: 404 } : url.endsWith('/two') ? refusedAt('name') : created),
  );
  assert.equal(code, 1);
  assert.match(stderr, /Mesh "two" was not applied:\n/);
  assert.match(stderr, /the 1 after it was not sent/);
});

test('a mesh that is not there is named at its line', async () => {
  const { code, stderr } = await apply(timeout('slow', '5s'), [], {
    status: 404,
    body: { title: 'Failed to retrieve Mesh', detail: 'Not found' },
  });
  assert.equal(code, 1);
  assert.match(stderr, /resources\.yaml:2:1: mesh: there is no mesh "default": apply it first, or correct the name\n/);
});

test('a refusal without fields names the document', async () => {
  const { code, stderr } = await apply('type: Mesh\nname: one\n', [], {
    status: 403,
    body: { title: 'Access Denied' },
  });
  assert.equal(code, 1);
  assert.match(stderr, /Mesh "one" was not applied:\n.*resources\.yaml:1:1: Access Denied/);
});

test('a folder gives its YAML and JSON files in order of their names', async () => {
  const folder = join(stub.folder, 'resources');
  mkdirSync(folder);
  writeFileSync(join(folder, 'b.json'), '{"type":"Mesh","name":"second"}');
  writeFileSync(join(folder, 'a.yml'), 'type: Mesh\nname: first\n');
  writeFileSync(join(folder, 'readme.txt'), 'not a resource');
  answer = together;
  const { stdout } = await stub.run(['apply', '-f', folder]);
  assert.deepEqual(stdout.match(/name="\w+"/g), ['name="first"', 'name="second"']);
});

test('standard input is read for -, and called so in errors', async () => {
  answer = created;
  assert.equal((await stub.run(['apply', '-f', '-'], { input: 'type: Mesh\nname: one\n' })).code, 0);
  const { stderr } = await stub.run(['apply', '-f', '-'], { input: 'type: Mesh\nnamee: one\n' });
  assert.match(stderr, /standard input:2:1: namee/);
});

test('an address is fetched; one that fails is named without its password', async () => {
  answer = created;
  const files = await openStubServer(({ url }) =>
    url === '/mesh.yaml' ? { body: 'type: Mesh\nname: fetched\n' } : { status: 404 },
  );
  try {
    assert.match((await stub.run(['apply', '-f', `${files.url}/mesh.yaml`])).stdout, /name="fetched" Created/);
    const missing = await stub.run(['apply', '-f', `${files.url}/none.yaml`]);
    assert.match(missing.stderr, /--file: http:\/\/127\.0\.0\.1:\d+\/none\.yaml answered with status 404/);
  } finally {
    await files.close();
  }
  const gone = await stub.run(['apply', '-f', files.url.replace('//', '//jane:hunter2@')]);
  assert.equal(gone.code, 1);
  assert.ok(!gone.stderr.includes('hunter2'), gone.stderr);
});

test('a place that does not exist, and a folder without resources, are refused', async () => {
  const missing = await stub.run(['apply', '-f', join(stub.folder, 'none.yaml')]);
  assert.match(missing.stderr, /--file: .*none\.yaml does not exist/);
  const empty = join(stub.folder, 'empty');
  mkdirSync(empty);
  assert.match((await stub.run(['apply', '-f', empty])).stderr, /holds no \.yaml, \.yml or \.json file/);
  assert.equal((await stub.run(['apply'])).code, 2);
});

test('a file of more than ten MiB is refused', async () => {
  const { code, stderr } = await apply(`# ${'x'.repeat(10 << 20)}\n`);
  assert.equal(code, 1);
  assert.match(stderr, /larger than 10 MiB/);
});

test('the lines of a secret are not shown', async () => {
  for (const broken of ['data: hunter2!!', 'dataa: hunter2', 'data: [hunter2]', 'data: hunter2: x']) {
    const { code, stderr } = await apply(`type: Secret\nmesh: default\nname: one\n${broken}\n`);
    assert.equal(code, 1, broken);
    assert.match(stderr, /resources\.yaml:4:\d+: /);
    assert.ok(!stderr.includes('hunter2'), stderr);
  }
});
