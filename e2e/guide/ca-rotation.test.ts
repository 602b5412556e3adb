// The guide "From one certificate authority to another": every block does what it says, while requests go through the mesh and none is lost.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { missingLine, readGuide } from '../harness/guide.ts';
import { openGuideShell } from '../harness/guide-shell.ts';
import { untilAllProxies } from '../harness/handshakes.ts';
import { allowAll, answers, openWorld } from '../harness/world.ts';

const world = await openWorld();
const shell = openGuideShell(world);
after(async () => {
  shell.stop();
  await world.close();
});

test('each block of the guide does what it says, and no request is lost', async () => {
  const { controlPlane } = world;
  await controlPlane.apply(allowAll);
  const mtls = { enabledBackend: 'first', backends: [{ name: 'first', type: 'builtin' }] };
  await controlPlane.apply({ type: 'Mesh', name: 'default', mtls });
  await world.start({ service: 'backend', protocol: 'tcp' });
  const client = await world.start({ service: 'client', calls: ['backend'] });
  const url = client.urlOf('backend');
  await answers(url, 200);
  await untilAllProxies(world, 'issuedBackends', 'first', 2);
  const load = world.load({ url, perSecond: 100, newConnections: true });
  await waitFor('traffic flows', () => load.report().sent > 50);
  const steps = readGuide(join(import.meta.dirname, '../../docs/guide/ca-rotation.md'));
  assert.ok(steps.length >= 5, 'the guide has commands');
  for (const { line, commands, prints } of steps) {
    const { code, output } = await shell.run(commands);
    assert.equal(code, 0, `line ${line}: ${commands}\n${output}`);
    assert.equal(missingLine(output, prints), undefined, `line ${line}: ${commands}\n${output}`);
  }
  const { sent, failures } = await load.stop();
  assert.deepEqual(failures, [], `${failures.length} of ${sent} requests failed`);
});
