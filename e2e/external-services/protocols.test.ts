// Servers outside of the mesh that speak TCP, HTTP/2 and gRPC, in plain text and in TLS: through a zone egress, which lets in whom a permission names.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { askUntil } from '../harness/ask.ts';
import { grpcStatusOf, openGrpcService } from '../harness/grpc-service.ts';
import { nameAt, openTcpService } from '../harness/tcp-service.ts';
import { openAuthority } from '../harness/tls-server.ts';
import { meshWith, openWorld, policy } from '../harness/world.ts';
import { startEgress } from '../harness/zone-egress.ts';

const world = await openWorld();
const ends: (() => Promise<unknown>)[] = [];
after(async () => {
  await Promise.all(ends.map((end) => end()));
  await world.close();
});
const { controlPlane, folder } = world;
const mesh = { ...meshWith('STRICT'), routing: { zoneEgress: true } };
await controlPlane.apply(mesh);
// The peer's default retry policy would hide a lost call.
assert.equal((await controlPlane.request('DELETE', '/meshes/default/meshretries/mesh-retry-all-default')).status, 200);

const [ca, stranger] = [openAuthority(folder, 'partner'), openAuthority(folder, 'stranger')];
const pair = ca.issue('localhost', 'DNS:localhost');
const servers = {
  db: await openTcpService('db'),
  'db-tls': await openTcpService('db-tls', pair),
  rpc: await openGrpcService(),
  'rpc-tls': await openGrpcService(pair),
};
ends.push(...Object.values(servers).map((server) => () => server.close()));
type Server = keyof typeof servers;
const inTls = (server: Server) => server.endsWith('-tls');

const external = (name: string, protocol: string, server: Server, authority = ca) => ({
  type: 'MeshExternalService',
  mesh: 'default',
  name,
  spec: {
    match: { type: 'HostnameGenerator', port: 443, protocol },
    endpoints: [{ address: 'localhost', port: servers[server].port }],
    ...(inTls(server)
      ? { tls: { enabled: true, verification: { caCert: { inlineString: authority.certificate } } } }
      : {}),
  },
});
const older = (name: string, protocol: string, server: Server) => ({
  type: 'ExternalService',
  mesh: 'default',
  name,
  tags: { 'kuma.io/service': name, 'kuma.io/protocol': protocol },
  networking: {
    address: `localhost:${servers[server].port}`,
    ...(inTls(server) ? { tls: { enabled: true, caCert: { inlineString: ca.certificate } } } : {}),
  },
});
const newer = [
  external('tcp', 'tcp', 'db'),
  external('tcp-tls', 'tcp', 'db-tls'),
  external('tcp-stranger', 'tcp', 'db-tls', stranger),
  external('grpc', 'grpc', 'rpc'),
  external('grpc-tls', 'grpc', 'rpc-tls'),
  external('grpc-stranger', 'grpc', 'rpc-tls', stranger),
  external('http2', 'http2', 'rpc'),
  external('http2-tls', 'http2', 'rpc-tls'),
];
const olderOnes = [
  older('old-tcp', 'tcp', 'db'),
  older('old-tcp-tls', 'tcp', 'db-tls'),
  older('old-grpc', 'grpc', 'rpc'),
  older('old-grpc-tls', 'grpc', 'rpc-tls'),
];
for (const document of [...newer, ...olderOnes]) {
  const { type, name } = document;
  const collection = type === 'ExternalService' ? 'external-services' : 'meshexternalservices';
  const { status, text } = await controlPlane.request('PUT', `/meshes/default/${collection}/${name}`, document);
  assert.ok(status < 300, text);
}
const web = await world.start({
  service: 'web',
  outside: newer.map(({ name }) => name),
  calls: olderOnes.map(({ name }) => name),
});
const egress = await startEgress(world, 'egress-1');
ends.push(() => egress.stop());

/** Waits until a connection is answered so; `closed` when it is closed without a word. */
const tcp = (destination: string, answer: string) =>
  waitFor(
    `${destination}: ${answer}`,
    async () => {
      const found = await nameAt(web.portOf(destination));
      if (found !== answer) throw new Error(`it says ${found}`);
      return true;
    },
    { within: 10_000 },
  );
/** Waits until a call ends with this status. */
const call = (destination: string, asked: string, status = asked) =>
  waitFor(
    `${destination} ends with ${status}`,
    async () => {
      const found = await grpcStatusOf(web.urlOf(destination), asked);
      if (found !== status) throw new Error(`it ends with ${found}`);
      return true;
    },
    { within: 10_000 },
  );

test('connections reach a server in plain text and in TLS, and none that is not believed', async () => {
  await tcp('tcp', 'db');
  await tcp('tcp-tls', 'db-tls');
  const before = servers['db-tls'].accepted();
  await tcp('tcp-stranger', 'closed');
  assert.equal(servers['db-tls'].accepted(), before);
});

test('calls reach a gRPC server in plain text and in TLS, with their status; one that is not believed gets none', async () => {
  // NOT_FOUND, as the server was told to say; a proxy would say UNAVAILABLE.
  await call('grpc', '5');
  await call('grpc-tls', '5');
  const before = servers['rpc-tls'].calls();
  await call('grpc-stranger', '5', '14');
  assert.equal(servers['rpc-tls'].calls(), before);
});

test('a client in HTTP/1.1 reaches a server in HTTP/2, in plain text and in TLS', async () => {
  for (const [destination, server] of [
    ['http2', servers.rpc],
    ['http2-tls', servers['rpc-tls']],
  ] as const) {
    const before = server.calls();
    await askUntil(`${destination} answers`, web.urlOf(destination), {}, ({ status }) => status === 200);
    assert.ok(server.calls() > before);
  }
});

test('all this went through the egress', async () => {
  const { text } = await controlPlane.request('GET', '/zoneegresses/egress-1/stats');
  for (const { name } of newer.filter(({ name }) => !name.endsWith('stranger'))) {
    const pattern = new RegExp(`cluster\\.[^\\n]*_${name}_[^\\n]*upstream_cx_total: [1-9]`);
    assert.match(text, pattern, name);
  }
});

test('a mesh that forbids it closes the way for connections and calls', async () => {
  await controlPlane.apply({ ...mesh, routing: { zoneEgress: true, defaultForbidMeshExternalServiceAccess: true } });
  await tcp('tcp-tls', 'closed');
  // PERMISSION_DENIED
  await call('grpc-tls', '5', '7');
  await controlPlane.apply(mesh);
  await tcp('tcp-tls', 'db-tls');
  await call('grpc-tls', '5');
});

test('ExternalServices let in whom a MeshTrafficPermission names, and refuse others', async () => {
  const permission = (name: string, client: string) =>
    policy('MeshTrafficPermission', name, {
      targetRef: { kind: 'MeshService', name },
      from: [{ targetRef: { kind: 'MeshSubset', tags: { 'kuma.io/service': client } }, default: { action: 'Allow' } }],
    });
  for (const { name, tags } of olderOnes) {
    const isTcp = tags['kuma.io/protocol'] === 'tcp';
    const refused = () => (isTcp ? tcp(name, 'closed') : call(name, '5', '7'));
    const answer = name.endsWith('-tls') ? 'db-tls' : 'db';
    const letIn = () => (isTcp ? tcp(name, answer) : call(name, '5'));
    await refused();
    await controlPlane.apply(permission(name, 'web'));
    await letIn();
    await controlPlane.apply(permission(name, 'somebody-else'));
    await refused();
  }
});
