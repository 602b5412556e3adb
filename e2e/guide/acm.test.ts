// The guide "Certificates by AWS Private CA": every block does what it says, with an endpoint of the test in place of AWS.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { startPrivateCa, usualKey } from '../harness/aws/private-ca.ts';
import { missingLine, readGuide } from '../harness/guide.ts';
import { openGuideShell } from '../harness/guide-shell.ts';
import { allowAll, answers, openWorld } from '../harness/world.ts';

const ca = await startPrivateCa();
const world = await openWorld({ AWS_ENDPOINT_URL_ACM_PCA: ca.address, AWS_EC2_METADATA_DISABLED: 'true' });
const keys = { AWS_ACCESS_KEY_ID: usualKey.accessKey, AWS_SECRET_ACCESS_KEY: usualKey.secret };
const shell = openGuideShell(world, {}, { ARN: ca.arn, ...keys });
after(async () => {
  shell.stop();
  await world.close();
  await ca.stop();
});

test('each block of the guide does what it says', async () => {
  await world.controlPlane.apply(allowAll);
  await world.start({ service: 'backend' });
  const client = await world.start({ service: 'client', calls: ['backend'] });
  const steps = readGuide(join(import.meta.dirname, '../../docs/guide/acm.md'));
  assert.ok(steps.length >= 3, 'the guide has commands');
  for (const { line, commands, prints } of steps) {
    const { code, output } = await shell.run(commands);
    assert.equal(code, 0, `line ${line}: ${commands}\n${output}`);
    assert.equal(missingLine(output, prints), undefined, `line ${line}: ${commands}\n${output}`);
  }
  await answers(client.urlOf('backend'), 200);
  await waitFor('the client shows a certificate of the authority', async () =>
    (await client.admin('/certs')).includes('spiffe://default/client'),
  );
});
