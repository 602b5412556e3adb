// A workload calls servers outside of the mesh: through a zone egress, and (the older kind) directly. TLS is checked as the service says.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ResourceDocument } from '../../examples/demo/control-plane.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { ask } from '../harness/ask.ts';
import { openAuthority, openTlsServer, type TlsServer } from '../harness/tls-server.ts';
import { meshWith, openWorld, policy } from '../harness/world.ts';
import { startEgress, type ZoneEgress } from '../harness/zone-egress.ts';

const world = await openWorld();
const ends: (() => Promise<unknown>)[] = [];
after(async () => {
  await Promise.all(ends.map((end) => end()));
  await world.close();
});
const { controlPlane, folder } = world;
const mesh = meshWith('STRICT');
await controlPlane.apply(mesh);
// The peer's default retry policy would hide a lost request.
assert.equal((await controlPlane.request('DELETE', '/meshes/default/meshretries/mesh-retry-all-default')).status, 200);

const [ca, otherCa, clientCa] = ['partner', 'stranger', 'clients'].map((name) => openAuthority(folder, name)) as [
  ReturnType<typeof openAuthority>,
  ReturnType<typeof openAuthority>,
  ReturnType<typeof openAuthority>,
];
const client = clientCa.issue('mesh', 'DNS:mesh');
const started = async (server: Promise<TlsServer>): Promise<TlsServer> => {
  const running = await server;
  ends.push(() => running.close());
  return running;
};
const pair = ca.issue('localhost', 'DNS:localhost');
const server = await started(openTlsServer('partner', pair, clientCa));
const open = await started(openTlsServer('open', pair));

const secret = (name: string, pem: string): ResourceDocument => ({
  type: 'Secret',
  mesh: 'default',
  name,
  data: Buffer.from(pem).toString('base64'),
});
await controlPlane.apply(secret('partner-ca', ca.certificate));
await controlPlane.apply(secret('stranger-ca', otherCa.certificate));
await controlPlane.apply(secret('client-key', client.key));

const clientPair = { clientCert: { inlineString: client.certificate }, clientKey: { secret: 'client-key' } };
const external = (name: string, port: number, verification: object | undefined, endpoints?: readonly object[]) => ({
  type: 'MeshExternalService',
  mesh: 'default',
  name,
  spec: {
    match: { type: 'HostnameGenerator', port: 443, protocol: 'http' },
    endpoints: endpoints ?? [{ address: 'localhost', port }],
    ...(verification === undefined ? {} : { tls: { enabled: true, verification } }),
  },
});

/** Each with what becomes of a request. */
const cases: readonly (readonly [document: ResourceDocument, status: number])[] = [
  [external('secured', server.port, { caCert: { secret: 'partner-ca' }, ...clientPair }), 200],
  [external('wrong-ca', server.port, { caCert: { secret: 'stranger-ca' }, ...clientPair }), 503],
  [external('system-ca', server.port, { ...clientPair }), 503],
  [
    external('wrong-name', server.port, {
      caCert: { secret: 'partner-ca' },
      subjectAltNames: [{ value: 'other' }],
      ...clientPair,
    }),
    503,
  ],
  [
    external('skip-san', server.port, {
      mode: 'SkipSAN',
      caCert: { secret: 'partner-ca' },
      subjectAltNames: [{ value: 'other' }],
      ...clientPair,
    }),
    200,
  ],
  [external('skip-all', server.port, { mode: 'SkipAll', caCert: { secret: 'stranger-ca' }, ...clientPair }), 200],
  [external('skip-ca', open.port, { mode: 'SkipCA', caCert: { secret: 'stranger-ca' } }), 200],
  [external('no-client', server.port, { caCert: { secret: 'partner-ca' } }), 503],
  [external('no-secret', server.port, { caCert: { secret: 'missing' }, ...clientPair }), 503],
];
for (const [document] of cases) await controlPlane.apply(document);
const names = cases.map(([{ name }]) => name);
const direct = (name: string, authority: string): ResourceDocument => ({
  type: 'ExternalService',
  mesh: 'default',
  name,
  tags: { 'kuma.io/service': name, 'kuma.io/protocol': 'http' },
  networking: {
    address: `localhost:${server.port}`,
    tls: { enabled: true, caCert: { secret: authority }, ...clientPair },
  },
});
for (const document of [direct('direct', 'partner-ca'), direct('direct-wrong', 'stranger-ca')]) {
  const { status, text } = await controlPlane.request(
    'PUT',
    `/meshes/default/external-services/${document.name}`,
    document,
  );
  assert.ok(status < 300, text);
}
const web = await world.start({ service: 'web', calls: ['direct', 'direct-wrong'], outside: [...names, 'spare'] });

/** Waits until a request is answered so. */
const answered = (name: string, status: number, within = 10_000): Promise<string> =>
  waitFor(
    `${name} answers ${status}`,
    async () => {
      const answer = await ask(web.urlOf(name));
      if (answer.status !== status) throw new Error(`it answers ${answer.status}: ${answer.text}`);
      return answer.text || ' ';
    },
    { within },
  );

/** What explain says of a call, held against what becomes of it. */
async function explained(to: string): Promise<{ verdict: string; summary: string; codes: readonly string[] }> {
  const path = `/meshes/default/_explain?${new URLSearchParams({ from: 'web', to })}`;
  const { json } = await controlPlane.request('GET', path);
  const { verdict, summary, problems } = json as {
    readonly verdict: string;
    readonly summary: string;
    readonly problems: readonly { readonly code: string }[];
  };
  return { verdict, summary, codes: problems.map(({ code }) => code) };
}

let egress: ZoneEgress | undefined;

test('without an egress a client is told at once, and the configuration says why', async () => {
  await answered('secured', 503);
  const { json } = await controlPlane.request('GET', `/meshes/default/dataplanes/${web.name}/_config?include=warnings`);
  const { warnings } = json as { readonly warnings: readonly string[] };
  assert.ok(
    warnings.some((warning) => /MeshExternalService secured .*zone egress.*--proxy-type=egress/.test(warning)),
    warnings.join('\n'),
  );
  const { verdict, summary, codes } = await explained('secured');
  assert.equal(verdict, 'unreachable', summary);
  assert.match(summary, /there is none in the zone: run one/);
  assert.deepEqual(codes, ['no-way-out']);
});

test('an egress needs a zone token with the scope egress', async () => {
  const { text } = await controlPlane.request('POST', '/tokens/zone', {
    zone: 'default',
    scope: ['ingress'],
    validFor: '1h',
  });
  await assert.rejects(startEgress(world, 'impostor', { token: text }));
  await assert.rejects(startEgress(world, 'nobody', { token: 'no.token.atall' }));
});

test('through an egress TLS is checked as each service says', async () => {
  egress = await startEgress(world, 'egress-1');
  for (const [{ name }, status] of cases) {
    const text = await answered(name, status);
    if (status === 200 && name !== 'skip-ca') {
      assert.deepEqual(JSON.parse(text), {
        server: 'partner',
        client: 'mesh',
        sni: 'localhost',
        host: `localhost`,
      });
    }
  }
});

test('explain tells what is checked of a server, and what is missing', async () => {
  const secured = await explained('secured');
  assert.deepEqual([secured.verdict, secured.codes], ['allowed', []], secured.summary);
  assert.match(
    secured.summary,
    /it reaches localhost:\d+; a server that the egress does not trust is answered for with 503/,
  );
  assert.deepEqual((await explained('skip-all')).codes, ['not-checked']);
  const incomplete = await explained('no-secret');
  assert.equal(incomplete.verdict, 'unreachable');
  assert.match(incomplete.summary, /caCert refers to the Secret missing, which is not in the mesh default/);
});

test('what the egress says of itself has no key in it', async () => {
  const list = await controlPlane.request('GET', '/zoneegresses/_overview');
  const { items } = list.json as {
    readonly items: readonly { readonly zoneEgressInsight?: { readonly subscriptions: object[] } }[];
  };
  assert.equal(items[0]?.zoneEgressInsight?.subscriptions.length, 1);
  for (const page of ['xds', 'clusters', 'stats', '_config']) {
    const { status, text } = await controlPlane.request('GET', `/zoneegresses/egress-1/${page}`);
    assert.equal(status, 200, `${page}: ${text.slice(0, 200)}`);
    assert.ok(
      !text.includes('PRIVATE KEY') && !text.includes(Buffer.from(client.key).toString('base64').slice(0, 60)),
      page,
    );
  }
});

test('a mesh that forbids it closes the way, and opens it again', async () => {
  await controlPlane.apply({ ...mesh, routing: { defaultForbidMeshExternalServiceAccess: true } });
  await answered('secured', 403);
  const { verdict, summary } = await explained('secured');
  assert.equal(verdict, 'denied');
  assert.match(summary, /defaultForbidMeshExternalServiceAccess/);
  await controlPlane.apply(mesh);
  await answered('secured', 200);
});

test('when the first server is away the second is taken, until the first is back', async () => {
  const spare = await started(openTlsServer('spare', pair));
  const first = await openTlsServer('first', pair);
  const health = {
    interval: '100ms',
    noTrafficInterval: '100ms',
    timeout: '200ms',
    unhealthyThreshold: 1,
    healthyThreshold: 1,
    http: { path: '/' },
  };
  await controlPlane.apply(
    policy('MeshHealthCheck', 'spare', {
      to: [{ targetRef: { kind: 'MeshExternalService', name: 'spare' }, default: health }],
    }),
  );
  await controlPlane.apply(
    external('spare', 0, { caCert: { secret: 'partner-ca' } }, [
      { address: 'localhost', port: first.port },
      { address: 'localhost', port: spare.port, priority: 1 },
    ]),
  );
  const serverOf = async () => (JSON.parse((await ask(web.urlOf('spare'))).text) as { readonly server: string }).server;
  const served = (by: string) => waitFor(`${by} serves`, async () => (await serverOf()) === by, { within: 15_000 });
  await served('first');
  await first.close();
  await served('spare');
});

test('ExternalServices are reached directly, with the same checks', async () => {
  await answered('direct', 200);
  await answered('direct-wrong', 503);
});

test('with routing.zoneEgress they go through the egress, which lets in whom a permission names', async () => {
  await controlPlane.apply({ ...mesh, routing: { zoneEgress: true } });
  await answered('direct', 403);
  assert.deepEqual((await explained('direct')).codes, ['not-permitted']);
  const from = [
    { targetRef: { kind: 'MeshSubset', tags: { 'kuma.io/service': 'web' } }, default: { action: 'Allow' } },
  ];
  const permission = policy('MeshTrafficPermission', 'direct', {
    targetRef: { kind: 'MeshService', name: 'direct' },
    from,
  });
  await controlPlane.apply(permission);
  await answered('direct', 200);
  assert.equal((await explained('direct')).verdict, 'allowed');
  await controlPlane.delete(permission);
  await answered('direct', 403);
  await controlPlane.apply(mesh);
  await answered('direct', 200);
});

test('one of two egresses is restarted under load: 0 requests are lost', async () => {
  const second = await startEgress(world, 'egress-2');
  ends.push(() => second.stop());
  await sleep(500);
  const loads = [
    world.load({ url: web.urlOf('secured'), perSecond: 100 }),
    world.load({ url: web.urlOf('secured'), perSecond: 20, newConnections: true }),
  ];
  await sleep(500);
  const { port } = egress as ZoneEgress;
  await egress?.stop();
  egress = await startEgress(world, 'egress-1', { port });
  await sleep(500);
  for (const { sent, failures } of await Promise.all(loads.map((load) => load.stop())))
    assert.deepEqual(failures, [], `${failures.length} of ${sent} requests failed`);
  await second.stop();
});

test('when the last egress has gone a client is told', async () => {
  await answered('secured', 200);
  await egress?.stop();
  await answered('secured', 503, 15_000);
});
