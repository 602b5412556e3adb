import assert from 'node:assert/strict';
import { test } from 'node:test';
import { policyHead, selects } from '@ursa/policy';
import { fitSni, fnv64a, type Resource } from '@ursa/resources';
import { dataplaneFacts } from '../src/index.ts';
import { commonProtocol, parseProtocol } from '../src/protocol.ts';
import { legacySni, serviceSni } from '../src/sni.ts';
import { virtualIpv6 } from '../src/virtual-ipv6.ts';

test('a service speaks the most specific protocol that all of its endpoints speak', () => {
  assert.equal(commonProtocol(['http', 'http']), 'http');
  assert.equal(commonProtocol(['grpc', 'http2']), 'http2');
  assert.equal(commonProtocol(['grpc', 'http']), 'tcp');
  assert.equal(commonProtocol(['http', 'unknown']), 'unknown');
  assert.equal(commonProtocol([]), 'unknown');
  assert.equal(parseProtocol('constructor'), 'unknown');
});

test('server names are those that peers in other zones compute', () => {
  assert.equal(fnv64a(''), 'cbf29ce484222325');
  assert.equal(legacySni('frontend', 'proto-http', 8080, 'ms'), 'abc27b034b738e08c.frontend.8080.proto-http.ms');
  const [upTo, above] = ['a'.repeat(62), 'a'.repeat(63)];
  assert.equal(legacySni(upTo, above, 1, 'ms'), `a${fnv64a(`${upTo};${above};`)}.${upTo}.1.${upTo}x.ms`);
  assert.equal(legacySni(above, upTo, 1, 'mes'), `a${fnv64a(`${above};${upTo};`)}.${upTo}x.1.${upTo}.mes`);
  assert.equal(serviceSni('default', { 'kuma.io/service': 'web', version: 'v1' }), 'web{mesh=default,version=v1}');
});

test('a server name fits into what TLS has for it, and two that begin alike stay two', () => {
  const longest = 'a'.repeat(255);
  assert.equal(fitSni(longest), longest);
  const [one, other] = [`${longest}1`, `${longest}2`].map(fitSni);
  assert.notEqual(one, other);
  for (const sni of [one, fitSni('ü'.repeat(128)), serviceSni('default', { 'kuma.io/service': longest })])
    assert.ok(new TextEncoder().encode(sni).length <= 255, sni);
});

test('every virtual IPv4 address has its own IPv6 twin', () => {
  assert.equal(virtualIpv6('240.0.0.1'), 'fd00:fd00::f000:1');
  assert.notEqual(virtualIpv6('240.1.0.0'), virtualIpv6('240.0.1.0'));
});

test('a Dataplane is read with its defaults: where the application listens, where others reach it, whether it is ready', () => {
  const facts = dataplaneFacts({
    type: 'Dataplane',
    mesh: 'default',
    name: 'web',
    labels: { app: 'web' },
    creationTime: '',
    modificationTime: '',
    version: 1,
    spec: {
      networking: {
        address: '10.0.0.1',
        advertisedAddress: '192.0.2.1',
        inbound: [
          { port: 80, tags: { 'kuma.io/service': 'web', 'kuma.io/protocol': 'http', 'kuma.io/zone': 'east' } },
          {
            port: 81,
            servicePort: 8081,
            serviceAddress: '127.0.0.1',
            name: 'admin',
            protocol: 'grpc',
            state: 'NotReady',
          },
          { port: 82, serviceProbe: { tcp: {} }, health: { ready: false }, state: 'Ready' },
          { port: 83, address: '10.0.0.2', health: { ready: true } },
          { port: 84, state: 'Ignored' },
        ],
      },
    },
  });
  const [web, admin, probed, own, ...others] = facts.inbounds;
  assert.deepEqual([web?.serviceAddress, web?.servicePort, web?.section, web?.ready], ['10.0.0.1', 80, '80', true]);
  assert.deepEqual(web?.endpoint.tags, { 'kuma.io/protocol': 'http', 'kuma.io/zone': 'east' });
  assert.equal(web?.endpoint.address, '192.0.2.1');
  assert.deepEqual([admin?.servicePort, admin?.section, admin?.protocol, admin?.ready], [8081, 'admin', 'grpc', false]);
  assert.deepEqual([probed?.ready, probed?.protocol], [false, 'unknown']);
  assert.deepEqual([own?.address, own?.endpoint.address, own?.ready], ['10.0.0.2', '10.0.0.2', true]);
  assert.deepEqual(others, []);
});

test('what is ignored has no inbound, but policies that mean it hold for the proxy', () => {
  const stored = { mesh: 'default', creationTime: '', modificationTime: '', version: 1 };
  const ignored = { port: 80, tags: { 'kuma.io/service': 'old' }, state: 'Ignored' };
  const proxy = (...inbound: readonly object[]) =>
    dataplaneFacts({
      ...stored,
      type: 'Dataplane',
      name: 'web',
      labels: { app: 'web' },
      spec: { networking: { address: '10.0.0.1', inbound } },
    } as Resource);
  const head = (targetRef: object) =>
    policyHead({ ...stored, type: 'MeshTimeout', name: 'some', labels: {}, spec: { targetRef } } as Resource);
  const alone = proxy(ignored);
  assert.deepEqual(alone.inbounds, []);
  for (const targetRef of [{ kind: 'Mesh' }, { kind: 'Dataplane', labels: { app: 'web' } }, { kind: 'MeshSubset' }])
    assert.notEqual(selects(head(targetRef), alone.selectable), undefined, targetRef.kind);
  const both = proxy(ignored, { port: 81, tags: { 'kuma.io/service': 'new' } });
  assert.deepEqual(selects(head({ kind: 'MeshService', name: 'new' }), both.selectable)?.inbounds, [0]);
  assert.deepEqual(selects(head({ kind: 'MeshService', name: 'old' }), both.selectable)?.inbounds, [1]);
  assert.equal(both.inbounds.length, 1);
});
