// The whole way of a mesh under load: from plain text to mTLS for those who can, to mTLS only, to another authority, and back. No request is lost, and
// the step that would cut somebody off is refused.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import type { LoadReport } from '../harness/load.ts';
import { allow, answers, openWorld } from '../harness/world.ts';

const world = await openWorld({ KUMA_POLICIES_STRICT_MTLS_QUIET_PERIOD: '3s' });
after(() => world.close());
const { controlPlane } = world;
// Without retries, so that every request that is lost is seen.
assert.equal((await controlPlane.request('DELETE', '/meshes/default/meshretries/mesh-retry-all-default')).status, 200);
const backend = await world.start({ service: 'backend' });
const client = await world.start({ service: 'client', calls: ['backend'] });
const url = client.urlOf('backend');
const plain = `http://127.0.0.1:${backend.inboundPort}/`;

type Mode = 'PERMISSIVE' | 'STRICT';
const meshOf = (enabledBackend: string, mode: Mode, names: readonly string[] = ['ca-1']) => ({
  type: 'Mesh',
  name: 'default',
  mtls: { enabledBackend, backends: names.map((name) => ({ name, type: 'builtin', mode })) },
});

/** The state of the backend's proxy on the way to mTLS only. */
async function plan(): Promise<{ mode: string; state: string; reason: string; next: string }> {
  const { status, json } = await controlPlane.request('GET', '/meshes/default/_mtls-plan');
  assert.equal(status, 200, JSON.stringify(json));
  const { mode, proxies, next } = json as {
    mode: string;
    next: string;
    proxies: { name: string; state: string; reason: string }[];
  };
  const { state = '', reason = '' } = proxies.find(({ name }) => name === backend.name) ?? {};
  return { mode, state, reason, next };
}

async function handshakes(): Promise<number> {
  const stats = await backend.admin(`/stats?filter=%5Elistener%5C.127.0.0.1_${backend.inboundPort}%5C.ssl.handshake`);
  return Number(stats.match(/ssl\.handshake: (\d+)/)?.[1] ?? 0);
}

/** The proxies have followed: the listener in use knows no TLS any more. */
async function takesNoTls(): Promise<void> {
  await waitFor(
    'the backend takes no TLS any more',
    async () => {
      const dump = await backend.admin('/config_dump?resource=dynamic_listeners');
      const { configs } = JSON.parse(dump) as { configs: { name: string; active_state?: object }[] };
      const inbound = configs.find(({ name }) => name.startsWith('inbound:'));
      return (
        inbound?.active_state !== undefined && !JSON.stringify(inbound.active_state).includes('DownstreamTlsContext')
      );
    },
    { within: 30_000 },
  );
}

async function issuers(): Promise<readonly string[]> {
  const { json } = await controlPlane.request('GET', '/meshes/default/dataplanes/_overview');
  const { items } = json as { items: { dataplaneInsight: { mTLS?: { issuedBackend: string } } }[] };
  return items.map(({ dataplaneInsight }) => dataplaneInsight.mTLS?.issuedBackend ?? '');
}

const load = world.load({ url, perSecond: 200 });

/** Nothing was lost up to now, nor in the second that follows. */
async function nothingLost(): Promise<LoadReport> {
  const before = load.report().sent;
  await waitFor('traffic goes on', () => load.report().sent > before + 200);
  const report = load.report();
  assert.deepEqual(report.failures, [], `${report.failures.length} of ${report.sent} requests failed`);
  return report;
}

test('without mutual TLS, services talk in the clear, and the plan names the next step', async () => {
  assert.equal(await answers(url, 200), backend.name);
  await nothingLost();
  assert.equal(await handshakes(), 0);
  const { mode, state, next } = await plan();
  assert.equal(mode, 'off');
  assert.equal(state, 'plaintext');
  assert.match(next, /mode PERMISSIVE/);
});

test('from plain text straight to mTLS only is refused, and nothing is lost by the attempt', async () => {
  await controlPlane.apply(allow('client'));
  const { status, json } = await controlPlane.request('PUT', '/meshes/default', meshOf('ca-1', 'STRICT'));
  assert.equal(status, 409, JSON.stringify(json));
  const {
    title,
    detail,
    invalid_parameters: who,
  } = json as {
    title: string;
    detail: string;
    invalid_parameters: { field: string; reason: string }[];
  };
  assert.equal(title, 'Strict mTLS would cut off clients');
  assert.match(detail, /kumactl mtls plan --mesh default/);
  assert.deepEqual(
    who.map(({ field }) => field),
    [`dataplanes/${backend.name}`],
  );
  assert.match(who[0]?.reason ?? '', new RegExp(`^plaintext: .*to port ${backend.inboundPort}.* open now`));
  await nothingLost();
});

test('PERMISSIVE lets in who is in the mesh and who is not', async () => {
  await controlPlane.apply(meshOf('ca-1', 'PERMISSIVE'));
  await waitFor('the client comes over TLS', async () => (await handshakes()) > 0);
  assert.equal(await answers(plain, 200), backend.name);
  await nothingLost();
});

test('STRICT is refused while clients come in plain text, as a dry run and a diff say too', async () => {
  // It comes all the time, so that no pause of a busy machine is taken for quiet.
  const plainLoad = world.load({ url: plain, perSecond: 10 });
  await waitFor('the plan sees the plain text', async () => (await plan()).state === 'plaintext');
  const strict = meshOf('ca-1', 'STRICT');
  const dryRun = await controlPlane.request('PUT', '/meshes/default?dryRun=true', strict);
  assert.equal(dryRun.status, 409, JSON.stringify(dryRun.json));
  const applied = await controlPlane.request('POST', '/_apply', { resources: [strict] });
  assert.equal(applied.status, 409, JSON.stringify(applied.json));
  const diff = await controlPlane.request('POST', '/_diff', { resources: [strict] });
  assert.equal(diff.status, 200);
  const { warnings = [] } = diff.json as { warnings?: { message: string }[] };
  const told = warnings.map(({ message }) => message).join();
  assert.match(told, /the write would be refused: 1 proxy is not ready for mTLS only/);
  assert.equal((await plan()).mode, 'PERMISSIVE');
  await plainLoad.stop();
});

test('once none comes any more, STRICT is taken, refuses who is not in the mesh, and loses no request of who is', async () => {
  await waitFor('no plain text for a while', async () => (await plan()).state === 'ready', { within: 60_000 });
  const { next } = await plan();
  assert.match(next, /to STRICT/);
  await controlPlane.apply(meshOf('ca-1', 'STRICT'));
  await waitFor('plain text is refused', async () => (await fetch(plain).catch(() => 'refused')) === 'refused');
  assert.equal((await plan()).state, 'strict');
  await nothingLost();
});

test('the client proves who it is with a certificate of the mesh', async () => {
  const certificates = await client.admin('/certs');
  assert.match(certificates, /spiffe:\/\/default\/client/);
  assert.match(certificates, /kuma:\/\/kuma\.io\/service\/client/);
});

test('another authority takes over', async () => {
  await controlPlane.apply(meshOf('ca-1', 'STRICT', ['ca-1', 'ca-2']));
  await nothingLost();
  await controlPlane.apply(meshOf('ca-2', 'STRICT', ['ca-1', 'ca-2']));
  await waitFor('all certificates are of ca-2', async () => (await issuers()).every((name) => name === 'ca-2'));
  await nothingLost();
  await controlPlane.apply(meshOf('ca-2', 'STRICT', ['ca-2']));
  await nothingLost();
});

test('and back: mTLS for those who can, then plain text', async () => {
  await controlPlane.apply(meshOf('ca-2', 'PERMISSIVE', ['ca-2']));
  await waitFor('plain text is let in', async () => (await fetch(plain).catch(() => undefined))?.status === 200);
  await nothingLost();
  await controlPlane.apply({ type: 'Mesh', name: 'default' });
  await waitFor('the client calls in the clear', async () => {
    const { mode, state } = await plan();
    return mode === 'off' && state === 'plaintext';
  });
  await takesNoTls();
  await nothingLost();
});

test('from mTLS only straight to plain text, no request is lost either', async () => {
  const had = await handshakes();
  await controlPlane.apply(meshOf('ca-1', 'PERMISSIVE'));
  await waitFor('the client comes over TLS again', async () => (await handshakes()) > had);
  const { status, json } = await controlPlane.request('PUT', '/meshes/default?force=true', meshOf('ca-1', 'STRICT'));
  assert.equal(status, 200, JSON.stringify(json));
  await waitFor('plain text is refused', async () => (await fetch(plain).catch(() => 'refused')) === 'refused');
  await nothingLost();
  await controlPlane.apply({ type: 'Mesh', name: 'default' });
  await takesNoTls();
  await nothingLost();
  const { sent, failures } = await load.stop();
  assert.deepEqual(failures, [], `${failures.length} of ${sent} requests failed`);
});
