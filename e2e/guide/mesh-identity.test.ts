// The guide "An identity for each workload": every block does what it says, while requests go through the mesh and none is lost.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { missingLine, readGuide } from '../harness/guide.ts';
import { openGuideShell } from '../harness/guide-shell.ts';
import { answers, openWorld } from '../harness/world.ts';

const world = await openWorld();
const shell = openGuideShell(world);
after(async () => {
  shell.stop();
  await world.close();
});

test('each block of the guide does what it says, and no request is lost', async () => {
  const { controlPlane } = world;
  // Retries would hide what is lost.
  assert.equal(
    (await controlPlane.request('DELETE', '/meshes/default/meshretries/mesh-retry-all-default')).status,
    200,
  );
  await world.start({ service: 'backend' });
  const client = await world.start({ service: 'client', calls: ['backend'] });
  const url = client.urlOf('backend');
  const [first, ...others] = readGuide(join(import.meta.dirname, '../../docs/guide/mesh-identity.md'));
  assert.ok(first !== undefined && others.length >= 3, 'the guide has commands');
  const mtls = { enabledBackend: 'ca-1', backends: [{ name: 'ca-1', type: 'builtin' }] };
  await controlPlane.apply({ type: 'Mesh', name: 'default', mtls });
  const run = async ({ line, commands, prints }: typeof first): Promise<void> => {
    const { code, output } = await shell.run(commands);
    assert.equal(code, 0, `line ${line}: ${commands}\n${output}`);
    assert.equal(missingLine(output, prints), undefined, `line ${line}: ${commands}\n${output}`);
  };
  await run(first);
  await answers(url, 200);
  const load = world.load({ url, perSecond: 100, newConnections: true });
  await waitFor('traffic flows', () => load.report().sent > 50);
  for (const step of others) await run(step);
  const before = load.report().sent;
  await waitFor('traffic goes on', () => load.report().sent > before + 100);
  const { sent, failures } = await load.stop();
  assert.deepEqual(failures, [], `${failures.length} of ${sent} requests failed`);
});
