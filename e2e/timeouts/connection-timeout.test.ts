// MeshTimeout by traffic: a connection that nobody takes ends in time. The address is a port whose queue of connections is full, so that the
// kernel drops whatever comes.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { ask, askUntil } from '../harness/ask.ts';
import { openWorld, policy } from '../harness/world.ts';

// Node takes what comes; Python listens and does not.
const program =
  'import socket,sys\ns=socket.socket()\ns.bind(("127.0.0.1",0))\ns.listen(0)\nprint(s.getsockname()[1],flush=True)\nsys.stdin.read()';
const hole = spawn('python3', ['-c', program], { stdio: ['pipe', 'pipe', 'inherit'] });
const waiting: Socket[] = [];
after(() => {
  hole.stdin.end();
  for (const socket of waiting) socket.destroy();
});
const [chunk] = (await once(hole.stdout, 'data')) as [Buffer];
const port = Number(chunk.toString());
// A queue of length 0 holds one connection; more than that are for certainty.
for (let number = 0; number < 4; number += 1) waiting.push(connect(port, '127.0.0.1').on('error', () => undefined));
await once(waiting[0] as Socket, 'connect');

const world = await openWorld();
after(() => world.close());
const { controlPlane } = world;
await controlPlane.apply({
  type: 'Dataplane',
  mesh: 'default',
  name: 'hole-1',
  networking: {
    address: '127.0.0.1',
    inbound: [{ port, servicePort: 1, tags: { 'kuma.io/service': 'hole', 'kuma.io/protocol': 'http' } }],
  },
});
// In force from the start: a first request under the usual policies would be tried six times for five seconds each.
const connection = (connectionTimeout: string) =>
  policy('MeshTimeout', 'connections', {
    targetRef: { kind: 'Mesh' },
    to: [{ targetRef: { kind: 'Mesh' }, default: { connectionTimeout, http: { requestTimeout: '60s' } } }],
  });
await controlPlane.delete(policy('MeshRetry', 'mesh-retry-all-default', {}));
await controlPlane.apply(connection('300ms'));
const client = await world.start({ service: 'client', calls: ['hole'] });

test('a connection that is not taken ends after the timeout, and the client is told', async () => {
  const timeouts = async (): Promise<number> =>
    Number((await client.admin('/stats?filter=cluster.hole.upstream_cx_connect_timeout')).split(': ')[1] ?? 0);
  const { status, text } = await askUntil('the timeout', client.urlOf('hole'), {}, (answer) =>
    answer.text.includes('timeout'),
  );
  assert.equal(status, 503);
  assert.match(text, /connection timeout/);
  assert.ok((await timeouts()) > 0);

  await controlPlane.apply(connection('2s'));
  const { took } = await askUntil('the longer timeout', client.urlOf('hole'), {}, (answer) => answer.took >= 1900);
  assert.ok(took < 20_000, `${took} ms`);
  assert.equal((await ask(client.urlOf('hole'))).status, 503);
});
