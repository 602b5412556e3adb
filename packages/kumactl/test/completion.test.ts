// What completion offers, word by word.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ControlPlaneStub, openControlPlaneStub } from './control-plane-stub.ts';

let stub: ControlPlaneStub;
before(async () => {
  stub = await openControlPlaneStub(({ url }) => {
    if (url.startsWith('/meshes?')) return { body: { items: [{ name: 'default' }, { name: 'demo' }] } };
    if (url.startsWith('/meshes/demo/meshtimeouts?')) return { body: { items: [{ name: 'only-demo' }] } };
    if (url.startsWith('/meshes/default/meshtimeouts?'))
      return { body: { items: [{ name: 'slow' }, { name: 'fast' }] } };
    if (url.startsWith('/meshes/default/dataplanes?')) return { body: { items: [{ name: 'web-1' }] } };
    return { status: 404 };
  });
});
after(() => stub.close());

async function offered(...words: string[]): Promise<readonly string[]> {
  const { stdout } = await stub.run(['__complete', '--', ...words]);
  return stdout.split('\n').slice(0, -1);
}

const cases: readonly [words: readonly string[], candidates: readonly string[]][] = [
  [['ge'], ['generate', 'get']],
  [
    ['config', 'control-planes', ''],
    ['add', 'list', 'remove', 'switch'],
  ],
  [
    ['completion', ''],
    ['bash', 'fish', 'powershell', 'zsh'],
  ],
  [['get', 'meshti'], ['meshtimeouts']],
  [
    ['get', 'meshtimeouts', ''],
    ['fast', 'slow'],
  ],
  [['get', 'mt', 's'], ['slow']],
  [['get', '-m', 'demo', 'mt', ''], ['only-demo']],
  [['get', '--mesh=demo', 'mt', ''], ['only-demo']],
  [['get', '--mesh', '=', 'demo', 'mt', ''], ['only-demo']],
  [
    ['--context', 'demo', 'delete', 'mt', ''],
    ['fast', 'slow'],
  ],
  [['get', 'meshtimeouts', 'slow', ''], []],
  [['get', 'none', ''], []],
  [
    ['get', 'meshes', '-o', ''],
    ['json', 'table', 'yaml'],
  ],
  [
    ['get', 'meshes', '--output', '='],
    ['json', 'table', 'yaml'],
  ],
  [['get', 'meshes', '--conf'], ['--config-file']],
  [['inspect', 'dataplane', ''], ['web-1']],
  [['inspect', 'meshtimeout', 'f'], ['fast']],
  [
    ['inspect', 'dataplane', 'web-1', '--type', ''],
    ['clusters', 'config', 'config-dump', 'inbounds', 'policies', 'stats'],
  ],
  [
    ['get', 'meshes', '--context', ''],
    ['demo', 'stub'],
  ],
  [
    ['get', 'mt', '--mesh', ''],
    ['default', 'demo'],
  ],
  [['config', 'control-planes', 'switch', '--name', ''], ['stub']],
  [['generate', 'dataplane-token', '--proxy-type', 'in'], ['ingress']],
];

for (const [words, candidates] of cases) {
  test(`"kumactl ${words.join(' ')}" is completed`, async () => assert.deepEqual(await offered(...words), candidates));
}

test('where the control plane does not answer, nothing is offered', async () => {
  const { stdout, code } = await stub.run(['__complete', '--', 'get', 'zones', '']);
  assert.deepEqual({ stdout, code }, { stdout: '', code: 1 });
});

test('each shell has a script, and another one is refused', async () => {
  for (const shell of ['bash', 'zsh', 'fish', 'powershell']) {
    const { code, stdout } = await stub.run(['completion', shell]);
    assert.equal(code, 0);
    assert.match(stdout, /kumactl --api-timeout 2s __complete -- /);
  }
  const { code, stdout, stderr } = await stub.run(['completion', 'tcsh']);
  assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
  assert.match(stderr, /Allowed choices are bash, zsh, fish, powershell/);
});
