// What --service and --port become: a Dataplane, ports that do not meet, a protocol that was found out, a membership that is kept.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { coreResourceTypes, createResourceTypes, formatJoinCode, parseResource } from '@ursa/resources';
import { detectProtocol } from '../src/joining/detect-protocol.ts';
import { inboundPorts, openPortFinder, otherPorts } from '../src/joining/free-ports.ts';
import { joinMesh } from '../src/joining/join-mesh.ts';
import { checkCalls, checkFlags, defaultName, makeDataplane, readCalls } from '../src/joining/made-dataplane.ts';
import { keepMembership, membershipFolder, readMembership } from '../src/joining/membership.ts';
import { ownAddress } from '../src/joining/own-address.ts';
import { createLog } from '../src/log.ts';
import type { SettingName } from '../src/settings/definitions.ts';
import { readSettings } from '../src/settings/read-settings.ts';

const silent = createLog({ level: 'off', format: 'text', write: () => undefined });
const never = new AbortController().signal;

function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'kuma-dp-joining-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function listen(context: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

const facts = {
  ...{ mesh: 'default', name: 'web-1', service: 'web', protocol: 'http', address: '192.0.2.1' },
  ...{
    servicePort: 8080,
    inboundPort: 28080,
    redirected: false,
    adminPort: 30001,
    calls: [{ service: 'api', servicePort: 0, port: 9001 }],
  },
};

test('the Dataplane is one that the control plane takes', () => {
  const draft = parseResource(createResourceTypes(coreResourceTypes), makeDataplane(facts));
  assert.deepEqual(draft.spec, {
    networking: {
      address: '192.0.2.1',
      admin: { port: 30001 },
      inbound: [
        {
          ...{ port: 28080, servicePort: 8080, serviceAddress: '127.0.0.1' },
          tags: { 'kuma.io/service': 'web', 'kuma.io/protocol': 'http' },
        },
      ],
      outbound: [{ address: '127.0.0.1', port: 9001, tags: { 'kuma.io/service': 'api' } }],
    },
  });
});

test('redirected traffic comes to the port of the application itself', () => {
  const { networking } = makeDataplane({ ...facts, inboundPort: 8080, redirected: true }) as {
    networking: { inbound: readonly object[] };
  };
  assert.deepEqual(Object.keys(networking.inbound[0] ?? {}), ['port', 'tags']);
});

test('the name is that of service, host and port, as names are written', () => {
  assert.equal(defaultName('web', 'Host_1.example.com', 8080), 'web-host-1-8080');
  assert.equal(defaultName('web', '_', 8080), 'web-8080');
});

test('flags that cannot be are refused by their name', () => {
  assert.deepEqual(readCalls(['api, db=5432', 'queue:80', 'mail:25=2525']), [
    { service: 'api', servicePort: 0, port: 0 },
    { service: 'db', servicePort: 0, port: 5432 },
    { service: 'queue', servicePort: 80, port: 0 },
    { service: 'mail', servicePort: 25, port: 2525 },
  ]);
  for (const wrong of [
    '=1',
    ':1',
    'api=x',
    'api=70000',
    'api:70000',
    'api=1=2',
    'api=1:2',
    'api:0',
    'api=0',
    'api:0=1',
  ])
    assert.throws(() => readCalls([wrong]), /--calls: expected a service such as "api", "api=9000" or "api:80=9000"/);
  const good = { service: 'web', servicePort: 8080, address: '' };
  assert.throws(() => checkFlags({ ...good, servicePort: 0 }), /^MeshError: --port: say at which port/);
  assert.throws(() => checkFlags({ ...good, service: 'Web!' }), /^MeshError: --service: expected lower-case/);
  assert.throws(
    () => checkFlags({ ...good, address: 'here' }),
    /^MeshError: --address: expected an address of this host/,
  );
});

test('no two calls come in at one port, and none at that of the application', () => {
  checkCalls(readCalls(['api, db, mail=25, queue=80']), 8080);
  const refused = (calls: string): void => checkCalls(readCalls([calls]), 8080);
  assert.throws(
    () => refused('api=9001,db=9001'),
    /--calls: db at port 9001 of this host, which is that of the calls of api/,
  );
  assert.throws(
    () => refused('api=8080'),
    /--calls: api at port 8080 .* of the application itself; .* leave "=8080" out/,
  );
});

test('the own address is one that others can reach, also where no route leads out', async () => {
  const controlPlane = new URL('https://localhost:5678');
  const noRoute = async (): Promise<string> => '0.0.0.0';
  const one = { netmask: '', mac: '', internal: false, cidr: null, scopeid: 0 };
  const local = { ...one, address: 'fe80::1', family: 'IPv6' as const };
  const far = { ...one, address: '2001:db8::1', family: 'IPv6' as const };
  const near = { ...one, address: '192.0.2.7', family: 'IPv4' as const };
  assert.equal(await ownAddress(controlPlane, async () => '192.0.2.9', {}), '192.0.2.9');
  assert.equal(await ownAddress(controlPlane, noRoute, { eth0: [local, far, near] }), '192.0.2.7');
  assert.equal(await ownAddress(controlPlane, noRoute, { eth0: [local, far] }), '2001:db8::1');
  assert.equal(await ownAddress(controlPlane, noRoute, { eth0: [local] }), '127.0.0.1');
});

test('ports are free ones, each another, found from the same place at every start', async (context) => {
  const ports = openPortFinder();
  const preferred = await openPortFinder().find(inboundPorts, 8080, '127.0.0.1');
  assert.equal(await ports.find(inboundPorts, 8080, '127.0.0.1'), preferred);
  const next = await ports.find(inboundPorts, 8080, '127.0.0.1');
  assert.ok(next > preferred && next < 30_000);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(next, resolve));
  context.after(() => new Promise((resolve) => server.close(resolve)));
  const after = await openPortFinder().find(inboundPorts, next - inboundPorts.first, '127.0.0.1');
  assert.notEqual(after, next);
  const last = otherPorts.count - 1;
  const around = [await ports.find(otherPorts, last, '127.0.0.1'), await ports.find(otherPorts, last, '127.0.0.1')];
  for (const port of around) assert.ok(port >= otherPorts.first && port < otherPorts.first + otherPorts.count);
  await assert.rejects(
    ports.find(otherPorts, 0, '198.51.100.1'),
    /--address: 198\.51\.100\.1 is not an address of this host/,
  );
});

test('what an application speaks is found out', async (context) => {
  const http = await listen(
    context,
    createHttpServer((_, response) => response.writeHead(400).end()),
  );
  const http2 = await listen(context, createHttp2Server());
  const banner = await listen(
    context,
    createServer((socket) => socket.write('SSH-2.0-server\r\n')),
  );
  const quiet = await listen(context, createServer());
  assert.equal(await detectProtocol(http, 0, never), 'http');
  assert.equal(await detectProtocol(http2, 0, never), 'http2');
  assert.equal(await detectProtocol(banner, 0, never), 'tcp');
  assert.equal(await detectProtocol(quiet, 0, never), 'tcp');
  assert.equal(await detectProtocol(1, 0, never), undefined);
});

const membership = {
  ...{ controlPlaneUrl: 'https://192.0.2.1:5678', authority: 'PEM', mesh: 'default', service: 'web', name: 'web-1' },
  ...{ token: 'a.b.c', code: '0123456789abcdef' },
};

async function joined(
  context: TestContext,
  flags: Partial<Record<SettingName, readonly string[]>>,
  joinCode?: string,
  HOME = temporaryFolder(context),
) {
  const all = { servicePort: ['8080'], protocol: ['http'], address: ['127.0.0.1'], ...flags };
  const read = readSettings(new Map(Object.entries(all) as [SettingName, readonly string[]][]), {});
  const environment = { HOME };
  return await joinMesh({
    ...read,
    log: silent,
    environment,
    stopSignal: never,
    ...(joinCode === undefined ? {} : { joinCode }),
  });
}

test('what joining gave is kept for this user alone, and used at the next start, with the code or without', async (context) => {
  const home = temporaryFolder(context);
  const folder = membershipFolder('', { HOME: home }, 8080);
  const kept = keepMembership(folder, membership);
  assert.deepEqual(readMembership(folder), kept);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.equal(statSync(kept.tokenPath).mode & 0o777, 0o600);
  const code = formatJoinCode({
    id: membership.code,
    secret: 'x',
    authority: 'ab'.repeat(32),
    addresses: ['https://a:1'],
  });
  for (const settings of [
    await joined(context, { service: ['web'] }, undefined, home),
    await joined(context, {}, code, home),
  ]) {
    const { controlPlaneUrl, tokenPath, caCertFile, mesh, name } = settings;
    assert.deepEqual(
      { controlPlaneUrl, tokenPath, caCertFile, mesh, name },
      {
        ...{ controlPlaneUrl: 'https://192.0.2.1:5678', tokenPath: join(folder, 'token') },
        ...{ caCertFile: join(folder, 'ca.crt'), mesh: 'default', name: 'web-1' },
      },
    );
    assert.match(settings.resource, /"name":"web-1".*"kuma.io\/service":"web"/);
  }
  await assert.rejects(
    joined(context, { service: ['api'] }, undefined, home),
    /--service: the application at port 8080 of this host has joined as service "web"/,
  );
  writeFileSync(join(folder, 'membership.json'), '{');
  await assert.rejects(joined(context, { service: ['web'] }, undefined, home), /remove it and join again/);
});

test('with a token of its own, or the address of a control plane, nothing is looked for', async (context) => {
  const { token, controlPlaneUrl, resource } = await joined(context, {
    service: ['web'],
    token: ['a.b.c'],
    name: ['web-7'],
  });
  assert.deepEqual([token, controlPlaneUrl], ['a.b.c', 'https://localhost:5678']);
  assert.match(resource, /"mesh":"default","name":"web-7"/);
});

test('what a join code says is not said again', async (context) => {
  for (const [setting, flag] of [
    ['controlPlaneUrl', '--cp-address'],
    ['tlsSkipVerify', '--skip-verify'],
  ] as const) {
    const value = setting === 'controlPlaneUrl' ? 'https://a:1' : 'true';
    await assert.rejects(
      joined(context, { service: ['web'], [setting]: [value] }, 'kj1_x'),
      new RegExp(`${flag} \\(KUMA_\\w+\\): the join code says it already`),
    );
  }
});

test('a wrong --calls is refused before a control plane is looked for, or a code read', async (context) => {
  for (const code of [undefined, 'kj1_x'])
    await assert.rejects(joined(context, { service: ['web'], calls: ['=9'] }, code), /--calls: .* got "=9"/);
});

test('without a service all is as it was', async (context) => {
  const { settings } = readSettings(new Map(), {});
  assert.equal(
    await joinMesh({
      settings,
      given: new Set(),
      log: silent,
      environment: { HOME: temporaryFolder(context) },
      stopSignal: never,
    }),
    settings,
  );
  assert.throws(
    () =>
      readSettings(
        new Map<SettingName, string[]>([
          ['service', ['web']],
          ['resourcePath', ['x.yaml']],
        ]),
        {},
      ),
    /--service: the Dataplane is made from it/,
  );
});
