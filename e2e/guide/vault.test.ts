// The guide "Certificates by Vault": every block does what it says, with a real OpenBao on a port of its own.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { freePort } from '../../examples/demo/free-ports.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { findTool } from '../../scripts/tools/collectors.ts';
import { missingLine, readGuide } from '../harness/guide.ts';
import { openGuideShell } from '../harness/guide-shell.ts';
import { allowAll, answers, openWorld } from '../harness/world.ts';

const { path, absent } = findTool('bao');
const world = await openWorld();
const shell = openGuideShell(world, { bao: [path ?? ''] }, { HOME: world.folder });
after(async () => {
  shell.stop();
  await world.close();
});

test('each block of the guide does what it says', { skip: absent ?? false }, async () => {
  const address = `127.0.0.1:${await freePort()}`;
  await world.controlPlane.apply(allowAll);
  await world.start({ service: 'backend' });
  const client = await world.start({ service: 'client', calls: ['backend'] });
  const steps = readGuide(join(import.meta.dirname, '../../docs/guide/vault.md'));
  assert.ok(steps.length >= 5, 'the guide has commands');
  for (const { line, commands, prints } of steps) {
    const { code, output } = await shell.run(commands.replaceAll('127.0.0.1:8200', address));
    assert.equal(code, 0, `line ${line}: ${commands}\n${output}`);
    assert.equal(missingLine(output, prints), undefined, `line ${line}: ${commands}\n${output}`);
  }
  await answers(client.urlOf('backend'), 200);
  await waitFor('the client shows a certificate of Vault', async () =>
    (await client.admin('/certs')).includes('spiffe://default/client'),
  );
});
