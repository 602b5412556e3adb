// MeshTCPRoute by connections: shares, other services, backends that are not there, and HTTP routes that go before it.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { askUntil } from '../harness/ask.ts';
import { openScriptedService } from '../harness/scripted-service.ts';
import { nameAt, openTcpService } from '../harness/tcp-service.ts';
import { openPolicyWorld, policy } from '../harness/world.ts';

const world = await openPolicyWorld();
const [first, second] = await Promise.all([openTcpService('db'), openTcpService('db-v2')]);
const [web, webNext] = await Promise.all([openScriptedService('web'), openScriptedService('web-v2')]);
after(() => Promise.all([world.close(), first.close(), second.close(), web.close(), webNext.close()]));
const { controlPlane } = world;
const portOf = async (service: string, servicePort: number, protocol: string) =>
  (await world.start({ service, servicePort, protocol })).inboundPort;
const ports = {
  db: await portOf('db', first.port, 'tcp'),
  'db-v2': await portOf('db-v2', second.port, 'tcp'),
  web: await portOf('web', web.port, 'http'),
  'web-v2': await portOf('web-v2', webNext.port, 'http'),
};
const client = await world.start({ service: 'client', calls: ['db', 'web'] });

const backend = (name: keyof typeof ports, weight = 1) => ({ kind: 'MeshService', name, port: ports[name], weight });
const route = (type: string, service: keyof typeof ports, rule: object) =>
  policy(type, service, {
    targetRef: { kind: 'Mesh' },
    to: [{ targetRef: { kind: 'MeshService', name: service }, rules: [rule] }],
  });
const tcpRoute = (service: keyof typeof ports, ...backendRefs: readonly object[]) =>
  route('MeshTCPRoute', service, { default: { backendRefs } });

const answersWith = (name: string) =>
  waitFor(`${name} answers`, async () => (await nameAt(client.portOf('db'))) === name);

test('connections go to another service, and back', async () => {
  await answersWith('db');
  await controlPlane.apply(tcpRoute('db', backend('db-v2')));
  await answersWith('db-v2');
  await controlPlane.delete(tcpRoute('db'));
  await answersWith('db');
});

test('connections are shared by weight', async () => {
  await controlPlane.apply(tcpRoute('db', backend('db', 75), backend('db-v2', 25)));
  await answersWith('db-v2');
  const sent = 200;
  const names: string[] = [];
  for (let index = 0; index < sent; index++) names.push(await nameAt(client.portOf('db')));
  const moved = names.filter((name) => name === 'db-v2').length;
  assert.equal(names.filter((name) => name === 'db').length, sent - moved);
  // Five standard deviations of 200 draws at 1 in 4 are 31.
  assert.ok(Math.abs(moved - sent / 4) < 31, String(moved));
});

test('a backend that is not there gets no share', async () => {
  const nowhere = { kind: 'MeshService', name: 'nowhere', port: 1 };
  await controlPlane.apply(tcpRoute('db', backend('db-v2'), nowhere));
  await waitFor('all go to the one that is there', async () => {
    for (let index = 0; index < 10; index++) if ((await nameAt(client.portOf('db'))) !== 'db-v2') return false;
    return true;
  });
});

test('for an HTTP service an HTTP route goes before it', async () => {
  const url = client.urlOf('web');
  // A connection that is kept goes on to where it went when it was opened.
  const fresh = { headers: { connection: 'close' } };
  await controlPlane.apply(tcpRoute('web', backend('web-v2')));
  await askUntil('the TCP route', url, fresh, ({ seen }) => seen?.service === 'web-v2');
  const httpRoute = route('MeshHTTPRoute', 'web', {
    matches: [{ path: { type: 'PathPrefix', value: '/' } }],
    default: { backendRefs: [backend('web')] },
  });
  await controlPlane.apply(httpRoute);
  await askUntil('the HTTP route', url, fresh, ({ seen }) => seen?.service === 'web');
  await controlPlane.delete(httpRoute);
  await askUntil('the TCP route again', url, fresh, ({ seen }) => seen?.service === 'web-v2');
});
