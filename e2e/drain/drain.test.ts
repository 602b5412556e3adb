// One of two instances leaves while clients keep calling, without any retry policy: no request is lost.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { allow, answers, type MeshService, meshWith, openWorld } from '../harness/world.ts';

const world = await openWorld();
after(() => world.close());
const { controlPlane } = world;
await controlPlane.apply(meshWith('STRICT'));
await controlPlane.apply(allow('client'));
// The peer's default retry policy would hide a lost request.
assert.equal((await controlPlane.request('DELETE', '/meshes/default/meshretries/mesh-retry-all-default')).status, 200);
const stays = await world.start({ service: 'backend' });
const client = await world.start({ service: 'client', calls: ['backend'] });
const url = client.urlOf('backend');
await answers(url, 200);

async function bothAnswer(leaves: MeshService): Promise<void> {
  const seen = new Set<string>();
  for (let attempt = 0; attempt < 200 && seen.size < 2; attempt += 1) {
    seen.add(await answers(url, 200));
    await sleep(20);
  }
  assert.deepEqual(seen, new Set([stays.name, leaves.name]));
}

for (const [what, newConnections] of [
  ['kept', false],
  ['new', true],
] as const) {
  test(`an instance drains under load over ${what} connections: 0 requests are lost`, async () => {
    const leaves = await world.start({ service: 'backend' });
    await bothAnswer(leaves);
    const loads = [
      world.load({ url, perSecond: 200, newConnections }),
      world.load({ url: `${url}/slow/500`, perSecond: 20, newConnections }),
    ];
    await sleep(500);
    await leaves.proxy.stop();
    const { code } = await leaves.proxy.process.exited;
    await sleep(300);
    const reports = await Promise.all(loads.map((load) => load.stop()));
    for (const { sent, failures } of reports)
      assert.deepEqual(failures, [], `${failures.length} of ${sent} requests failed\n${leaves.proxy.process.output()}`);
    assert.ok((reports[0]?.answers[leaves.name] ?? 0) > 10, 'the instance that left had its share');
    assert.equal(code, 0);
  });
}
