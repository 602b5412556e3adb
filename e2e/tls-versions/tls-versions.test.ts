// MeshTLS with real Envoys: versions that are too old are refused in the handshake, and one inbound takes plain text in a STRICT mesh.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { connect, type SecureVersion } from 'node:tls';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { allow, answers, meshWith, openWorld } from '../harness/world.ts';

const world = await openWorld();
after(() => world.close());
const { controlPlane } = world;
const backend = await world.start({ service: 'backend' });
const client = await world.start({ service: 'client', calls: ['backend'] });
const url = client.urlOf('backend');
const plain = `http://127.0.0.1:${backend.inboundPort}/`;
await controlPlane.apply(allow('client'));
await controlPlane.apply(meshWith('STRICT'));

/** How the inbound's handshake with a client of one version ends: the version, or the alert. The client has no certificate. */
function handshake(version: SecureVersion): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({
      host: '127.0.0.1',
      port: backend.inboundPort,
      minVersion: version,
      maxVersion: version,
      rejectUnauthorized: false,
    });
    const end = (outcome: string) => {
      socket.destroy();
      resolve(outcome);
    };
    socket.once('secureConnect', () => end(socket.getProtocol() ?? 'none'));
    socket.once('error', (error) => end(error.message));
    socket.once('close', () => end('closed'));
  });
}

const tooOld = /protocol version/i;
const meshTls = (name: string, targetRef: object, conf: object) =>
  controlPlane.apply({
    type: 'MeshTLS',
    mesh: 'default',
    name,
    spec: { targetRef, rules: [{ default: conf }] },
  });

test('without a policy TLS 1.2 is spoken', async () => {
  assert.equal(await answers(url, 200), backend.name);
  assert.doesNotMatch(await handshake('TLSv1.2'), tooOld);
});

test('a client that offers only TLS 1.2 is refused where the mesh speaks TLS 1.3, and the mesh goes on', async () => {
  await meshTls('modern', { kind: 'Mesh' }, { tlsVersion: { min: 'TLS13', max: 'TLS13' } });
  await waitFor('TLS 1.2 is refused', async () => tooOld.test(await handshake('TLSv1.2')));
  assert.equal(await handshake('TLSv1.3'), 'TLSv1.3');
  await waitFor('the client speaks TLS 1.3', async () => {
    await answers(url, 200);
    return /cluster\.backend\.ssl\.versions\.TLSv1\.3: [1-9]/.test(await client.admin('/stats?filter=ssl%5C.versions'));
  });
  assert.equal(await answers(url, 200), backend.name);
});

test('plain text is refused in a STRICT mesh, and taken by an inbound that a policy makes permissive', async () => {
  await assert.rejects(fetch(plain));
  await meshTls('plain', { kind: 'MeshSubset', tags: { 'kuma.io/service': 'backend' } }, { mode: 'Permissive' });
  assert.equal(await answers(plain, 200), backend.name);
  assert.equal(await answers(url, 200), backend.name);
  await assert.rejects(fetch(`http://127.0.0.1:${client.inboundPort}/`));
  // Somebody has just called in plain text, and would be cut off.
  const path = '/meshes/default/meshtlses/plain';
  assert.equal((await controlPlane.request('DELETE', path)).status, 409);
  assert.equal((await controlPlane.request('DELETE', `${path}?force=true`)).status, 200);
  await waitFor('plain text is refused again', async () => (await fetch(plain).catch(() => 'refused')) === 'refused');
});
