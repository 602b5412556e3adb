// Asking a proxy through its admin listener: a TLS server with the certificate that the proxy was issued stands for Envoy.
import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { type AdminIdentity, type ConnectedProxy, proxyKeyOf } from '@ursa/engine';
import { MeshError } from '@ursa/resources';
import { adminAuthoritySecret } from '../../src/identity/admin-identities.ts';
import { openIssuer } from '../../src/identity/authorities/authority.ts';
import { createControlPlaneAuthority } from '../../src/identity/authorities/builtin-authority.ts';
import { issueLeaf } from '../../src/identity/certificates/certificate.ts';
import { generateKeys } from '../../src/identity/certificates/key-pair.ts';
import { systemClock } from '../../src/identity/clock.ts';
import { createEnvoyAdmin } from '../../src/identity/envoy-admin.ts';
import { base64, openLiveStore } from './live-store.ts';

const authority = await createControlPlaneAuthority('admin', Date.now());
const other = await createControlPlaneAuthority('other', Date.now());

async function identityFrom(pair: typeof authority): Promise<AdminIdentity> {
  const keys = await generateKeys({ kind: 'p256' });
  const validity = { notBefore: Date.now() - 60_000, notAfter: Date.now() + 3600_000 };
  const leaf = {
    names: { addresses: ['127.0.0.1'] },
    usages: ['serverAuth'],
    publicKey: keys.publicKey,
    validity,
  } as const;
  const certificateChain = await issueLeaf(leaf, openIssuer(pair));
  return { certificateChain, privateKey: keys.privateKey, clientCa: authority.certificate };
}

const identity = await identityFrom(authority);
const target = { proxyType: 'dataplane', mesh: 'default', name: 'web' } as const;

async function setUp(
  context: TestContext,
  answer: RequestListener,
  choices: {
    readonly shown?: AdminIdentity;
    /** Of another program that shares the port. */
    readonly beside?: AdminIdentity;
    readonly patience?: number;
    readonly largest?: number;
  } = {},
) {
  const { certificateChain: cert, privateKey: key } = choices.shown ?? identity;
  const server = createServer(
    { cert, key, requestCert: true, rejectUnauthorized: true, ca: authority.certificate },
    answer,
  );
  const listen = async (listener: typeof server, port: number): Promise<void> => {
    await new Promise<void>((resolve) => listener.listen({ port, host: '127.0.0.1', reusePort: true }, resolve));
    context.after(() => void listener.close().closeAllConnections());
  };
  await listen(server, 0);
  const { port } = server.address() as AddressInfo;
  if (choices.beside !== undefined) {
    const { certificateChain, privateKey } = choices.beside;
    await listen(
      createServer({ cert: certificateChain, key: privateKey }, () => assert.fail('another was asked')),
      port,
    );
  }
  const data = base64(authority.certificate + authority.privateKey);
  const { live } = await openLiveStore(
    { type: 'GlobalSecret', name: adminAuthoritySecret, spec: { data } },
    {
      type: 'Dataplane',
      mesh: 'default',
      name: 'web',
      spec: { networking: { address: '127.0.0.1', admin: { port } } },
    },
  );
  const proxies = live.graph.source<ConnectedProxy>('proxies');
  const adminIdentities = live.graph.source<AdminIdentity>('admin-identities');
  const connect = () => {
    adminIdentities.set('default/web', identity);
    proxies.set('default/web', { ...target, admin: { port: 9901, address: '127.0.0.1' } } as ConnectedProxy);
  };
  const admin = createEnvoyAdmin({ live, clock: systemClock, proxies, adminIdentities, ...choices });
  return { admin, server, connect, port };
}

async function refusal(asked: Promise<string>): Promise<string> {
  const error = await asked.then(
    () => assert.fail('it was answered'),
    (cause: unknown) => cause,
  );
  assert.ok(error instanceof MeshError && error.code === 'unavailable', String(error));
  return error.message;
}

test('a connected proxy is asked as kuma-cp, over mutual TLS', async (context) => {
  const names: unknown[] = [];
  const { admin, connect } = await setUp(context, (request, response) => {
    names.push((request.socket as TLSSocket).getPeerCertificate().subjectaltname);
    response.end(`at ${request.url}`);
  });
  connect();
  assert.equal(await admin.ask(target, '/stats?usedonly'), 'at /stats?usedonly');
  assert.deepEqual(names, ['DNS:kuma-cp']);
});

test('a proxy that is not connected is not asked', async (context) => {
  const { admin } = await setUp(context, () => assert.fail('it was asked'));
  assert.match(await refusal(admin.ask(target, '/stats')), /"web" is not connected to this control plane/);
});

test('nothing is told to who cannot show the certificate of the proxy', async (context) => {
  for (const pair of [authority, other]) {
    const shown = await identityFrom(pair);
    const { admin, connect } = await setUp(context, () => assert.fail('it was asked'), { shown });
    connect();
    assert.match(await refusal(admin.ask(target, '/stats')), /another proxy or program answers there/);
  }
});

test('a proxy is found though others share its port, whoever they belong to', async (context) => {
  for (const pair of [authority, other]) {
    const { admin, connect } = await setUp(context, (_request, response) => void response.end('found'), {
      beside: await identityFrom(pair),
    });
    connect();
    for (let question = 0; question < 16; question += 1) assert.equal(await admin.ask(target, '/stats'), 'found');
  }
});

test('a proxy is found though another that shares its port hangs up', async (context) => {
  const { admin, connect, port } = await setUp(context, (_request, response) => void response.end('found'));
  connect();
  let hungUp = 0;
  const beside = createTcpServer((socket) => {
    hungUp += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => beside.listen({ port, host: '127.0.0.1', reusePort: true }, resolve));
  context.after(() => void beside.close());
  for (let question = 0; question < 16; question += 1) assert.equal(await admin.ask(target, '/stats'), 'found');
  assert.ok(hungUp > 0);
});

test('a proxy that cannot be reached is named with its address', async (context) => {
  const { admin, connect, server, port } = await setUp(context, () => undefined);
  connect();
  await new Promise((resolve) => server.close(resolve));
  assert.match(await refusal(admin.ask(target, '/stats')), new RegExp(`127.0.0.1:${port}: nothing listens there`));
});

test('answers that do not end, are too large or are refusals are given up', async (context) => {
  const silent = await setUp(context, () => undefined, { patience: 300 });
  silent.connect();
  assert.match(await refusal(silent.admin.ask(target, '/stats')), /no whole answer within 0.3 s/);
  const large = await setUp(context, (_request, response) => void response.end('x'.repeat(5000)), { largest: 1000 });
  large.connect();
  assert.match(await refusal(large.admin.ask(target, '/stats')), /larger than 1000 bytes/);
  const refusing = await setUp(context, (_request, response) => void response.writeHead(403).end('no'));
  refusing.connect();
  assert.match(await refusal(refusing.admin.ask(target, '/stats')), /status 403/);
});

test('an egress and an ingress of one name are each asked at their own door, for their own certificate', async (context) => {
  const kinds = { egress: 'ZoneEgress', ingress: 'ZoneIngress' } as const;
  const data = base64(authority.certificate + authority.privateKey);
  const opened = await Promise.all(
    (['egress', 'ingress'] as const).map(async (proxyType) => {
      const own = await identityFrom(authority);
      const { certificateChain: cert, privateKey: key } = own;
      const server = createServer({ cert, key, requestCert: true, ca: authority.certificate }, (_, response) =>
        response.end(proxyType),
      );
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      context.after(() => void server.close().closeAllConnections());
      return { proxyType, own, port: (server.address() as AddressInfo).port };
    }),
  );
  const { live } = await openLiveStore(
    { type: 'GlobalSecret', name: adminAuthoritySecret, spec: { data } },
    ...opened.map(({ proxyType, port }) => ({
      type: kinds[proxyType],
      name: 'edge',
      spec: { networking: { address: '127.0.0.1', admin: { port } } },
    })),
  );
  const proxies = live.graph.source<ConnectedProxy>('proxies');
  const adminIdentities = live.graph.source<AdminIdentity>('admin-identities');
  for (const { proxyType, own, port } of opened) {
    const proxy = { proxyType, mesh: '', name: 'edge', admin: { port, address: '127.0.0.1' } } as ConnectedProxy;
    proxies.set(proxyKeyOf(proxy), proxy);
    adminIdentities.set(proxyKeyOf(proxy), own);
  }
  const admin = createEnvoyAdmin({ live, clock: systemClock, proxies, adminIdentities });
  for (const { proxyType } of opened)
    assert.equal(await admin.ask({ proxyType, mesh: '', name: 'edge' }, '/stats'), proxyType);
});
