// Reloadable tokens as the control plane's setting has them: Envoy speaks to it by Google's gRPC client, which reads the token's file for every stream.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { openWorld } from '../harness/world.ts';

const world = await openWorld({ KUMA_DP_SERVER_AUTHN_ENABLE_RELOADABLE_TOKENS: 'true' });
after(() => world.close());
const { controlPlane, folder } = world;
const web = await world.start({ service: 'web' });
const tokenFile = join(folder, 'web-1.token');

test('a token that is replaced in its file is what the next stream shows', async () => {
  const bootstrap = readFileSync(join(web.proxy.workDir, 'bootstrap.yaml'), 'utf8');
  assert.match(bootstrap, /googleGrpc/);
  assert.match(bootstrap, new RegExp(`filename: ${tokenFile}`));
  const [, claims = ''] = readFileSync(tokenFile, 'utf8').split('.');
  const { jti } = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as { jti: string };
  writeFileSync(tokenFile, await controlPlane.dataplaneToken('default', 'web-1'));
  await controlPlane.apply({
    type: 'Secret',
    mesh: 'default',
    name: 'dataplane-token-revocations-default',
    data: Buffer.from(jti).toString('base64'),
  });
  await waitFor(
    'another stream is open',
    async () => {
      const { json } = await controlPlane.request('GET', '/meshes/default/dataplanes/web-1/_overview');
      const { subscriptions = [] } =
        (json as { dataplaneInsight?: { subscriptions?: readonly { disconnectTime?: string }[] } }).dataplaneInsight ??
        {};
      return subscriptions.length > 1 && subscriptions.at(-1)?.disconnectTime === undefined;
    },
    { within: 30_000 },
  );
});
