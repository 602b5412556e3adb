// MeshTimeout by traffic: requests, streams and idle connections end in time, on the way out, on the way in, and on one route only.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { ask, askUntil } from '../harness/ask.ts';
import { openScriptedService } from '../harness/scripted-service.ts';
import { openTcpService } from '../harness/tcp-service.ts';
import { openPolicyWorld, policy } from '../harness/world.ts';

const world = await openPolicyWorld();
const backend = await openScriptedService('backend');
const db = await openTcpService('db');
after(() => Promise.all([world.close(), backend.close(), db.close()]));
const { controlPlane } = world;
const server = await world.start({ service: 'backend', servicePort: backend.port });
await world.start({ service: 'db', servicePort: db.port, protocol: 'tcp' });
const client = await world.start({ service: 'client', calls: ['backend', 'db'] });
const url = client.urlOf('backend');

/** Longer than any timeout here. */
const slow = { headers: { 'x-wait': '2000' } };
const to = (targetRef: object, conf: object) => ({ targetRef, default: conf });
const toBackend = { kind: 'MeshService', name: 'backend' };
const http = (conf: object) => ({ http: conf });
const timeout = (name: string, spec: object) => policy('MeshTimeout', name, { targetRef: { kind: 'Mesh' }, ...spec });
const timedOut = ({ status }: { readonly status: number }) => status === 504;

/** A counter of Envoy's, summed over all places that have it. */
async function counter(of: { admin(path: string): Promise<string> }, name: string): Promise<number> {
  const lines = (await of.admin(`/stats?filter=${name}$`)).split('\n');
  return lines.reduce((sum, line) => sum + Number(line.split(': ')[1] ?? 0), 0);
}

test('a request that takes too long is answered 504 by the client’s proxy, and counted', async () => {
  await controlPlane.apply(timeout('requests', { to: [to(toBackend, http({ requestTimeout: '200ms' }))] }));
  const { text } = await askUntil('the timeout', url, slow, timedOut);
  assert.match(text, /upstream request timeout/);
  assert.ok((await counter(client, 'upstream_rq_timeout')) > 0);
  assert.equal((await ask(url)).status, 200);
});

test('of one route only', async () => {
  const rules = [{ matches: [{ path: { type: 'Exact', value: '/patient' } }], default: {} }];
  await controlPlane.apply(
    policy('MeshHTTPRoute', 'patient', { targetRef: { kind: 'Mesh' }, to: [{ targetRef: toBackend, rules }] }),
  );
  await controlPlane.apply(
    timeout('patient', {
      to: [to({ kind: 'MeshHTTPRoute', name: 'patient' }, http({ requestTimeout: '10s' }))],
    }),
  );
  const wait = { headers: { 'x-wait': '500' } };
  await askUntil('the patient route', `${url}/patient`, wait, ({ status }) => status === 200);
  assert.equal((await ask(`${url}/other`, wait)).status, 504);
});

test('a stream on which nothing moves ends', async () => {
  await controlPlane.apply(
    timeout('requests', { to: [to(toBackend, http({ requestTimeout: '0s', streamIdleTimeout: '200ms' }))] }),
  );
  const { text } = await askUntil(
    'the timeout',
    url,
    slow,
    (answer) => timedOut(answer) && answer.text.includes('stream timeout'),
  );
  assert.match(text, /stream timeout/);
});

test('on the way in the server’s proxy answers', async () => {
  await controlPlane.delete(timeout('requests', {}));
  await askUntil('no timeout', url, { headers: { 'x-wait': '500' } }, ({ status }) => status === 200);
  await controlPlane.apply(
    policy('MeshTimeout', 'inbound', {
      targetRef: { kind: 'Dataplane', labels: { app: 'backend' } },
      rules: [{ default: http({ requestTimeout: '200ms' }) }],
    }),
  );
  await askUntil('the timeout', url, slow, timedOut);
  assert.ok((await counter(server, 'localhost_[0-9]*.upstream_rq_timeout')) > 0);
});

test('an idle connection is closed', async () => {
  await controlPlane.apply(
    timeout('idle', { to: [to({ kind: 'MeshService', name: 'db' }, { idleTimeout: '300ms' })] }),
  );
  const stays = async (): Promise<boolean> => {
    const socket = connect(client.portOf('db'), '127.0.0.1', () => socket.write('who?\n'));
    await once(socket, 'data');
    const closed = once(socket, 'close').then(() => false);
    const stays = await Promise.race([closed, new Promise<boolean>((resolve) => setTimeout(resolve, 1500, true))]);
    socket.destroy();
    return stays;
  };
  let tries = 0;
  while (await stays()) assert.ok(++tries < 5, 'connections stay open');
});
