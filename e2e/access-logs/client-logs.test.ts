// Access logs by client: each client is logged by the narrowest rule that names it, whichever of the names in its certificate that is, for
// requests and for connections.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { nameAt, openTcpService } from '../harness/tcp-service.ts';
import { answers, openPolicyWorld, policy } from '../harness/world.ts';

const world = await openPolicyWorld();
const db = await openTcpService('db');
after(() => Promise.all([world.close(), db.close()]));
const { controlPlane } = world;
await world.start({ service: 'backend' });
await world.start({ service: 'db', servicePort: db.port, protocol: 'tcp' });
const calls = ['backend', 'db'];
const web = await world.start({ service: 'web', calls });
const batch = await world.start({ service: 'batch', calls, tags: { team: 'night' } });

// The proxy of `batch` is that of `reports` too; its certificate names both services, that of `batch` first.
const dataplane = JSON.parse(readFileSync(join(world.folder, `${batch.name}.yaml`), 'utf8'));
const more = { port: 1, servicePort: 1, address: '127.0.0.77', tags: { 'kuma.io/service': 'reports' } };
dataplane.networking.inbound.push(more);
await controlPlane.apply(dataplane);
await waitFor('the certificate names both', async () => (await batch.admin('/certs')).includes('default/reports'));

const logs = ['exact', 'prefix', 'others'] as const;
type Log = (typeof logs)[number];
const fileOf = (log: Log) => join(world.folder, `${log}.log`);
const logTo = (log: Log, match?: object) => ({
  ...(match === undefined ? {} : { matches: [{ spiffeID: match }] }),
  default: {
    backends: [{ type: 'File', file: { path: fileOf(log), format: { type: 'Plain', plain: '%REQ(:PATH)%' } } }],
  },
});
const rules = [
  logTo('exact', { type: 'Exact', value: 'spiffe://default/reports' }),
  logTo('prefix', { type: 'Prefix', value: 'spiffe://default/we' }),
  logTo('others'),
];
await controlPlane.apply(policy('MeshAccessLog', 'by-client', { targetRef: { kind: 'Mesh' }, rules }));

function linesOf(log: Log): readonly string[] {
  try {
    return readFileSync(fileOf(log), 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    return [];
  }
}

test('a request is logged by the rule that names its client, and by no other', async () => {
  for (const [client, log] of [
    [web, 'prefix'],
    [batch, 'exact'],
  ] as const) {
    const path = `/of-${client.name}`;
    await waitFor(
      `${client.name} is logged`,
      async () => {
        await answers(`${client.urlOf('backend')}${path}`, 200);
        return linesOf(log).includes(path);
      },
      { within: 30_000, every: 100 },
    );
    for (const other of logs.filter((candidate) => candidate !== log)) {
      assert.ok(!linesOf(other).some((line) => line.startsWith(path)), `${other} has ${path}`);
    }
  }
});

test('so is a connection', async () => {
  const ofConnections = (log: Log) => linesOf(log).filter((line) => line === '-').length;
  for (const [client, log] of [
    [web, 'prefix'],
    [batch, 'exact'],
  ] as const) {
    const before = logs.map(ofConnections);
    await waitFor(
      `${client.name} is logged`,
      async () => {
        assert.equal(await nameAt(client.portOf('db')), 'db');
        return ofConnections(log) > (before[logs.indexOf(log)] ?? 0);
      },
      { within: 30_000, every: 100 },
    );
    for (const other of logs.filter((candidate) => candidate !== log)) {
      assert.equal(ofConnections(other), before[logs.indexOf(other)], other);
    }
  }
});
