// MeshLoadBalancingStrategy with real Envoys: how requests spread over three instances, who gets the same one again, and who comes first.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { openWorld } from '../harness/world.ts';

const world = await openWorld();
after(() => world.close());
const { controlPlane } = world;
const near = await world.start({ service: 'backend', tags: { node: 'n1', rack: 'r1' } });
const sameRack = await world.start({ service: 'backend', tags: { node: 'n2', rack: 'r1' } });
const far = await world.start({ service: 'backend', tags: { node: 'n3', rack: 'r2' } });
const client = await world.start({ service: 'client', calls: ['backend'], tags: { node: 'n1', rack: 'r1' } });
const url = client.urlOf('backend');
const instances = [near.name, sameRack.name, far.name];

const strategy = (conf: object) =>
  controlPlane.apply({
    type: 'MeshLoadBalancingStrategy',
    mesh: 'default',
    name: 'backend',
    spec: { to: [{ targetRef: { kind: 'MeshService', name: 'backend' }, default: conf }] },
  });

async function ask(headers: Readonly<Record<string, string>> = {}): Promise<string> {
  const response = await fetch(url, { headers });
  const text = await response.text();
  return response.status === 200 ? text : `status ${response.status}`;
}

/** Answers of each instance to so many requests. */
async function spread(requests: number): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = Object.fromEntries(instances.map((name) => [name, 0]));
  const lane = async () => {
    for (let sent = 0; sent < requests / 10; sent += 1) {
      const answer = await ask();
      counts[answer] = (counts[answer] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: 10 }, lane));
  return counts;
}

/** The instances that answered to each of twenty users, in several requests of each. */
async function instancesOfUsers(): Promise<readonly ReadonlySet<string>[]> {
  const users = Array.from({ length: 20 }, (_, user) => `user-${user}`);
  return Promise.all(
    users.map(async (user) => {
      const seen = new Set<string>();
      for (let sent = 0; sent < 5; sent += 1) seen.add(await ask({ 'x-user': user }));
      return seen;
    }),
  );
}

function assertAllServe(counts: Readonly<Record<string, number>>, least: number): void {
  assert.deepEqual(Object.keys(counts).sort(), instances.toSorted(), 'every request is answered');
  for (const [name, count] of Object.entries(counts)) assert.ok(count >= least, `${name} answered ${count}`);
}

const clusterHas = (text: string) =>
  waitFor(`the client's cluster has ${text}`, async () => {
    const dump = await client.admin('/config_dump?resource=dynamic_active_clusters');
    return dump.includes(text);
  });

await waitFor('all instances answer', async () => Object.values(await spread(30)).every((count) => count > 0));

test('without a policy each instance gets its turn', async () => {
  assertAllServe(await spread(300), 60);
});

test('LeastRequest and Random use all instances', async () => {
  await strategy({
    loadBalancer: { type: 'LeastRequest', leastRequest: { choiceCount: 3, activeRequestBias: '1.5' } },
  });
  await clusterHas('LEAST_REQUEST');
  assertAllServe(await spread(300), 30);
  await strategy({ loadBalancer: { type: 'Random' } });
  await clusterHas('RANDOM');
  assertAllServe(await spread(300), 30);
});

for (const type of ['RingHash', 'Maglev']) {
  test(`${type} sends one user to one instance, and users to all`, async () => {
    await strategy({
      loadBalancer: { type },
      hashPolicies: [{ type: 'Header', header: { name: 'x-user' } }],
    });
    await clusterHas(type === 'RingHash' ? 'RING_HASH' : 'MAGLEV');
    const users = await waitFor('each user has one instance', async () => {
      const seen = await instancesOfUsers();
      return seen.every(({ size }) => size === 1) ? seen : undefined;
    });
    const used = new Set(users.flatMap((seen) => [...seen]));
    assert.ok(used.size > 1, 'users are spread');
  });
}

test('near instances get the part of the traffic that their weights say', async () => {
  const affinityTags = [
    { key: 'node', weight: 70 },
    { key: 'rack', weight: 20 },
  ];
  await strategy({ localityAwareness: { localZone: { affinityTags } } });
  await waitFor('most requests stay near', async () => ((await spread(100))[near.name] ?? 0) > 55);
  // 70 : 20 : 1 of 910.
  const counts = await spread(910);
  const between = (name: string, least: number, most: number) => {
    const count = counts[name] ?? 0;
    assert.ok(count >= least && count <= most, `${name} answered ${count}, expected ${least} to ${most}`);
  };
  between(near.name, 600, 800);
  between(sameRack.name, 120, 290);
  between(far.name, 1, 50);
});

test('when the near instance goes, the next ones get its traffic', async () => {
  await near.proxy.stop();
  const counts = await waitFor('the others answer everything', async () => {
    const seen = await spread(100);
    const others = (seen[sameRack.name] ?? 0) + (seen[far.name] ?? 0);
    return others === 100 ? seen : undefined;
  });
  assert.ok((counts[sameRack.name] ?? 0) > (counts[far.name] ?? 0));
});
