// A user's own policy: loaded from a folder far from this repository by a setting, written with kumactl's and the API's ordinary words, and at work in Envoy.
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startControlPlane } from '../../examples/demo/control-plane.ts';
import { programsIn } from '../../examples/demo/programs.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { runKumactl } from '../harness/kumactl.ts';
import { openWorld, programs } from '../harness/world.ts';

const root = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'ursa-custom-policy-'));
const policy = join(folder, 'mesh-answer-header');
cpSync(join(root, 'examples', 'custom-policy', 'mesh-answer-header'), policy, { recursive: true });
after(() => rmSync(folder, { recursive: true }));

const answered = {
  type: 'MeshAnswerHeader',
  mesh: 'default',
  name: 'who-answered',
  spec: {
    targetRef: { kind: 'Mesh' },
    rules: [{ default: { name: 'x-answered-by', value: 'the shop' } }],
  },
};
const path = '/meshes/default/meshanswerheaders/who-answered';

test('a policy from a folder shapes what Envoy answers, and kumactl knows it', async () => {
  const world = await openWorld({ KUMA_PLUGIN_POLICIES_CUSTOM: policy });
  try {
    await world.start({ service: 'shop' });
    const client = await world.start({ service: 'client', calls: ['shop'] });
    const file = join(folder, 'who-answered.json');
    writeFileSync(file, JSON.stringify(answered));
    const { apiUrl } = world.controlPlane;
    const applied = await runKumactl(apiUrl, ['apply', '-f', file]);
    assert.equal(applied.code, 0, applied.output);
    await waitFor('the answer has the header', async () => {
      const { headers } = await fetch(client.urlOf('shop'));
      return headers.get('x-answered-by') === 'the shop' && 'it has';
    });
    const listed = await runKumactl(apiUrl, ['get', 'meshanswerheaders']);
    assert.match(listed.output, /who-answered/);
    const named = await runKumactl(apiUrl, ['get', 'mah', 'who-answered', '-o', 'yaml']);
    assert.match(named.output, /x-answered-by/);
    const typo = { ...answered, spec: { rules: [{ default: { nam: 'x' } }] } };
    const refused = await world.controlPlane.request('PUT', path, typo);
    assert.equal(refused.status, 400);
    assert.match(refused.text, /did you mean.*name/);
    const gone = await runKumactl(apiUrl, ['delete', 'meshanswerheader', 'who-answered']);
    assert.equal(gone.code, 0, gone.output);
    await waitFor('the header is gone', async () => {
      const { headers } = await fetch(client.urlOf('shop'));
      return headers.get('x-answered-by') === null && 'it is';
    });
  } finally {
    await world.close();
  }
});

test('the executable loads it too', {
  skip: existsSync(join(root, 'dist', 'kuma-cp')) ? false : 'because the executables are not built: npm run build',
}, async () => {
  const controlPlane = await startControlPlane({
    command: programsIn(join(root, 'dist')).controlPlane,
    folder: mkdtempSync(join(folder, 'executable-')),
    usualPorts: false,
    environment: { KUMA_PLUGIN_POLICIES_CUSTOM: policy },
  });
  try {
    const { status, text } = await controlPlane.request('PUT', path, answered);
    assert.equal(status, 201, text);
  } finally {
    await controlPlane.stop();
  }
});

test('a folder without a policy stops the start, and the error names it', async () => {
  const start = startControlPlane({
    command: programs.controlPlane,
    folder: mkdtempSync(join(folder, 'empty-')),
    usualPorts: false,
    environment: { KUMA_PLUGIN_POLICIES_CUSTOM: join(folder, 'nowhere') },
  });
  await assert.rejects(start, /KUMA_PLUGIN_POLICIES_CUSTOM: .*nowhere holds no policy/);
});
