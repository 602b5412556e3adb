// Tokens over two control planes that share PostgreSQL: what is revoked or rotated at one of them takes effect at both.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { freePort } from '../../examples/demo/free-ports.ts';
import { type RunningProxy, startProxy } from '../../examples/demo/proxy.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { runKumactl } from '../harness/kumactl.ts';
import { type Instance, postgresMissing, startSeveral } from '../harness/several.ts';
import { programs } from '../harness/world.ts';

if (postgresMissing !== undefined) test('tokens of several control planes', { skip: postgresMissing }, () => undefined);
else {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-tokens-'));
  const several = await startSeveral(2, folder);
  const proxies: RunningProxy[] = [];
  after(async () => {
    await Promise.all(proxies.map(({ process }) => process.stop(1_000)));
    await several.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const [one, two] = several.instances as readonly [Instance, Instance];
  const start = async (controlPlane: Instance, name: string, token: string): Promise<void> => {
    proxies.push(
      await startProxy({
        ...{ command: programs.dataPlane, controlPlane, folder, name, service: 'idle', outbounds: {}, token },
        ...{ servicePort: await freePort(), inboundPort: await freePort() },
      }),
    );
  };
  const isConnected = async (name: string): Promise<boolean> => {
    const { json } = await one.request('GET', `/meshes/default/dataplanes/${name}/_overview`);
    const { dataplaneInsight } = json as { dataplaneInsight?: { subscriptions?: { disconnectTime?: string }[] } };
    const newest = dataplaneInsight?.subscriptions?.at(-1);
    return newest !== undefined && newest.disconnectTime === undefined;
  };
  const patience = { within: 30_000, every: 50 };
  const kumactl = async (at: Instance, args: readonly string[], input = ''): Promise<string> => {
    const { code, output } = await runKumactl(at.apiUrl, args, input);
    assert.equal(code, 0, output);
    return output.trim();
  };

  const shared = await one.dataplaneToken('default', '');
  const kept = await two.dataplaneToken('default', 'kept');

  test('a token that is revoked at one closes streams at both, and others stay', async () => {
    await start(one, 'at-one', shared);
    await start(two, 'at-two', shared);
    await start(two, 'kept', kept);
    for (const name of ['at-one', 'at-two', 'kept'])
      await waitFor(`${name} is connected`, () => isConnected(name), patience);
    const file = join(folder, 'shared.token');
    writeFileSync(file, shared);
    const started = performance.now();
    await kumactl(two, ['token', 'revoke', file]);
    const revoked = performance.now();
    for (const name of ['at-one', 'at-two'])
      await waitFor(`${name} is disconnected`, async () => !(await isConnected(name)), patience);
    const [took, more] = [revoked - started, performance.now() - revoked].map(Math.round);
    console.log(`kumactl ended after ${took} ms; ${more} ms later both streams were shown as ended`);
    assert.equal(await isConnected('kept'), true);
    assert.match((await runKumactl(one.apiUrl, ['token', 'inspect', file])).output, /no: it is revoked/);
  });

  test('a user token that is revoked at one is refused at both', async () => {
    const token = await kumactl(one, ['generate', 'user-token', '--name', 'jane', '--valid-for', '1h']);
    const ask = async (at: Instance): Promise<number> =>
      (await fetch(`${at.apiUrl}/who-am-i`, { headers: { authorization: `Bearer ${token}` } })).status;
    assert.deepEqual([await ask(one), await ask(two)], [200, 200]);
    await kumactl(one, ['token', 'revoke', '-'], token);
    await waitFor('both refuse it', async () => (await ask(one)) === 401 && (await ask(two)) === 401, patience);
  });

  test('a new key signs at both, and the streams of a key that is deleted are closed', async () => {
    const data = await kumactl(one, ['generate', 'signing-key']);
    const name = 'dataplane-token-signing-key-default-2';
    await one.apply({ type: 'Secret', mesh: 'default', name, data });
    const renewed = await waitFor(
      'the other instance signs with it',
      async () => {
        const token = await two.dataplaneToken('default', 'renewed');
        const { output } = await runKumactl(two.apiUrl, ['token', 'inspect', '-'], token);
        return /signed by key +2/.test(output) && token;
      },
      patience,
    );
    await start(one, 'renewed', renewed);
    await waitFor('the proxy with the new token is connected', () => isConnected('renewed'), patience);
    assert.equal(await isConnected('kept'), true, 'older keys go on verifying');
    await two.delete({ type: 'Secret', mesh: 'default', name: 'dataplane-token-signing-key-default-1' });
    await waitFor('the proxy with the old token is disconnected', async () => !(await isConnected('kept')), patience);
    assert.equal(await isConnected('renewed'), true);
  });
}
