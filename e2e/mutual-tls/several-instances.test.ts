// The guard of strict mTLS over two control planes: the one that is written to asks the other about the proxies that are connected there.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { freePort } from '../../examples/demo/free-ports.ts';
import { type RunningProxy, startProxy } from '../../examples/demo/proxy.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { openEchoService } from '../harness/echo-service.ts';
import { type Load, startLoad } from '../harness/load.ts';
import { type Instance, postgresMissing, startSeveral } from '../harness/several.ts';
import { answers, meshWith, programs } from '../harness/world.ts';

if (postgresMissing !== undefined) test('the guard over two instances', { skip: postgresMissing }, () => undefined);
else {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-strict-'));
  const several = await startSeveral(2, folder, { KUMA_INTER_CP_CATALOG_HEARTBEAT_INTERVAL: '1s' });
  const echo = await openEchoService('backend');
  const proxies: RunningProxy[] = [];
  const loads: Load[] = [];
  after(async () => {
    for (const load of loads) await load.stop();
    await Promise.all(proxies.map(({ process }) => process.stop(1_000)));
    await echo.close();
    await several.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const [one, two] = several.instances as readonly [Instance, Instance];

  test('a plaintext client of a proxy at one instance stops the write at the other', async () => {
    await one.apply(meshWith('PERMISSIVE'));
    const inboundPort = await freePort();
    proxies.push(
      await startProxy({
        ...{ command: programs.dataPlane, controlPlane: two, folder, name: 'backend', service: 'backend' },
        ...{ servicePort: echo.port, inboundPort, outbounds: {} },
      }),
    );
    const plain = `http://127.0.0.1:${inboundPort}/`;
    await one.apply({
      ...{ type: 'MeshTrafficPermission', mesh: 'default', name: 'all' },
      spec: {
        targetRef: { kind: 'Mesh' },
        from: [{ targetRef: { kind: 'Mesh' }, default: { action: 'Allow' } }],
      },
    });
    await answers(plain, 200, 30_000);
    loads.push(startLoad({ url: plain, perSecond: 5 }));
    // The other instance may not be known yet, nor the certificate of the proxy be issued.
    const refusal = await waitFor(
      'the write is refused',
      async () => {
        const answer = await one.request('PUT', '/meshes/default?dryRun=true', meshWith('STRICT'));
        return answer.status === 409 && answer;
      },
      { within: 30_000, every: 500 },
    );
    assert.match(JSON.stringify(refusal.json), /dataplanes\/backend.*plaintext: /);
    assert.equal((await one.request('PUT', '/meshes/default', meshWith('STRICT'))).status, 409);
    assert.equal((await one.request('PUT', '/meshes/default?force=true', meshWith('STRICT'))).status, 200);
  });
}
