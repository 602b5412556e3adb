// MeshTrafficPermission by traffic: by identity and by tag, for requests and for connections, and refusals that are only counted.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { ask } from '../harness/ask.ts';
import { isLetIn } from '../harness/let-in.ts';
import { openScriptedService } from '../harness/scripted-service.ts';
import { nameAt, openTcpService } from '../harness/tcp-service.ts';
import { allowAll, openPolicyWorld, policy } from '../harness/world.ts';

const world = await openPolicyWorld();
const backend = await openScriptedService('backend');
const db = await openTcpService('db');
after(() => Promise.all([world.close(), backend.close(), db.close()]));
const { controlPlane } = world;
const server = await world.start({ service: 'backend', servicePort: backend.port });
await world.start({ service: 'db', servicePort: db.port, protocol: 'tcp' });
const calls = ['backend', 'db'];
const web = await world.start({ service: 'web', calls });
const batch = await world.start({ service: 'batch', calls });
await controlPlane.delete(allowAll);

const rules = (conf: object) =>
  policy('MeshTrafficPermission', 'some', { targetRef: { kind: 'Mesh' }, rules: [{ default: conf }] });
const identity = (value: string, type = 'Exact') => ({ spiffeID: { type, value: `spiffe://default/${value}` } });
const everybody = identity('', 'Prefix');

test('without a permission nobody is let in', async () => {
  await isLetIn(web, false);
  await isLetIn(batch, false);
});

test('an exact identity is let in, another one is not', async () => {
  await controlPlane.apply(rules({ allow: [identity('web')] }));
  await isLetIn(web, true);
  await isLetIn(batch, false);
});

test('a refused identity stays out, whoever else is let in', async () => {
  await controlPlane.apply(rules({ allow: [everybody], deny: [identity('web')] }));
  await isLetIn(web, false);
  await isLetIn(batch, true);
});

test('a refusal that is only counted lets in', async () => {
  await controlPlane.apply(rules({ allow: [everybody], allowWithShadowDeny: [identity('web')] }));
  await isLetIn(web, true);
  const shadowDenied = async (): Promise<number> => {
    const lines = (await server.admin('/stats?filter=rbac.shadow_denied$')).trim().split('\n');
    return lines.reduce((sum, line) => sum + Number(line.split(': ')[1] ?? 0), 0);
  };
  const before = await shadowDenied();
  assert.equal((await ask(web.urlOf('backend'))).status, 200);
  await waitFor('it is counted', async () => (await shadowDenied()) > before);
});

test('a permission of the older form holds where no newer one says anything', async () => {
  const calledBy = async (client: typeof web, letIn: boolean): Promise<void> => {
    const wanted = letIn ? [200, 'db'] : [503, 'closed'];
    await waitFor(`${client.name}: ${wanted}`, async () => {
      const found = [(await ask(client.urlOf('backend'))).status, await nameAt(client.portOf('db'))];
      return found.join() === wanted.join();
    });
  };
  const match = (service: string) => ({ match: { 'kuma.io/service': service } });
  const older = {
    ...{ type: 'TrafficPermission', mesh: 'default', name: 'older' },
    ...{ sources: [match('batch')], destinations: [match('backend'), match('db')] },
  };
  const put = async (resource: object): Promise<void> => {
    const { status, json } = await controlPlane.request('PUT', '/meshes/default/traffic-permissions/older', resource);
    assert.ok(status === 200 || status === 201, JSON.stringify(json));
  };
  await controlPlane.delete(rules({}));
  await put(older);
  // Connections are refused, not requests: the client's own proxy answers.
  await calledBy(web, false);
  await calledBy(batch, true);
  await put({ ...older, sources: [match('*')] });
  await calledBy(web, true);
  await controlPlane.apply(rules({ allow: [identity('batch')] }));
  await isLetIn(web, false);
  await isLetIn(batch, true);
  assert.equal((await controlPlane.request('DELETE', '/meshes/default/traffic-permissions/older')).status, 200);
});

test('by tag', async () => {
  const from = (service: string, action: string) => ({
    targetRef: { kind: 'MeshSubset', tags: { 'kuma.io/service': service } },
    default: { action },
  });
  await controlPlane.apply(
    policy('MeshTrafficPermission', 'some', { targetRef: { kind: 'Mesh' }, from: [from('batch', 'Allow')] }),
  );
  await isLetIn(web, false);
  await isLetIn(batch, true);
});
