// What is observed of proxies, services and meshes, as pure functions.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DataplaneSpec } from '@ursa/resources';
import {
  afterEvent,
  disconnected,
  isConnected,
  isElsewhere,
  noResponses,
  type ProxyInsight,
  type ProxySubscription,
  withSubscription,
} from '../../src/insights/insight.ts';
import { meshInsight } from '../../src/insights/mesh-insight.ts';
import { proxyHealth } from '../../src/insights/proxy-status.ts';
import { serviceInsight } from '../../src/insights/service-insight.ts';

const version = {
  kumaDp: { version: '2.14.3', gitTag: '', gitCommit: '', buildDate: '' },
  envoy: { version: '1.40.0', build: '' },
  dependencies: {},
};
const subscription = (id: string, disconnectTime?: string): ProxySubscription => ({
  id,
  controlPlaneInstanceId: 'cp',
  connectTime: '2026-01-01T00:00:00Z',
  ...(disconnectTime === undefined ? {} : { disconnectTime }),
  status: noResponses,
  version,
});
const online: ProxyInsight = { subscriptions: [subscription('1')] };
const offline: ProxyInsight = { subscriptions: [subscription('1', '2026-01-01T00:00:01Z')] };
type Inbound = NonNullable<NonNullable<DataplaneSpec['networking']>['inbound']>[number];
const withPorts = (...states: readonly Inbound['state'][]): DataplaneSpec => ({
  networking: {
    inbound: states.map((state, index) => ({
      port: 8000 + index,
      tags: { 'kuma.io/service': 'web' },
      ...(state === undefined ? {} : { state }),
    })),
  },
});
const time = '2026-01-01T00:00:05Z';

describe('the status of a proxy', () => {
  for (const [what, dataplane, insight, status] of [
    ['is online when connected and all ports are ready', withPorts('Ready', undefined), online, 'Online'],
    [
      'is partially degraded when some ports are not ready',
      withPorts('Ready', 'NotReady'),
      online,
      'Partially degraded',
    ],
    ['is offline when no port is ready', withPorts('NotReady', 'NotReady'), online, 'Offline'],
    ['does not count ignored ports', withPorts('Ready', 'Ignored'), online, 'Online'],
    ['is offline when it is not connected', withPorts('Ready'), offline, 'Offline'],
    ['is offline when it never was connected', withPorts('Ready'), undefined, 'Offline'],
    ['is online without ports', withPorts(), online, 'Online'],
    ['of a gateway depends on its connection only', { networking: { gateway: { tags: {} } } }, online, 'Online'],
    ['of a gateway that has gone is offline', { networking: { gateway: { tags: {} } } }, offline, 'Offline'],
    [
      'understands the older way to say that a port is not ready',
      { networking: { inbound: [{ port: 1, health: { ready: false } }] } },
      online,
      'Offline',
    ],
  ] as const) {
    test(what, () => assert.equal(proxyHealth(dataplane as DataplaneSpec, insight).status, status));
  }

  test('says which ports are not ready', () => {
    assert.deepEqual(proxyHealth(withPorts('Ready', 'NotReady'), online).reasons, [
      'inbound[port=8001,svc=web] is not ready',
    ]);
  });
});

describe('a connection’s status', () => {
  test('counts in decimal strings, by service and in all', () => {
    let status = afterEvent(noResponses, { kind: 'sent', service: 'cds' }, time);
    status = afterEvent(status, { kind: 'sent', service: 'lds' }, time);
    status = afterEvent(status, { kind: 'acknowledged', service: 'cds', resources: ['a'] }, time);
    assert.deepEqual(status.total, { responsesSent: '2', responsesAcknowledged: '1' });
    assert.deepEqual(status.cds, { responsesSent: '1', responsesAcknowledged: '1' });
    assert.deepEqual(status.eds, {});
    assert.equal(status.lastUpdateTime, time);
  });

  test('keeps a rejection with its resources and policies, until the resources are taken', () => {
    const rejected = {
      kind: 'rejected',
      service: 'lds',
      resources: ['out:8'],
      policies: ['MeshTimeout/default/slow'],
      message: 'Error adding listener(s) out:8: bad',
    } as const;
    let status = afterEvent(noResponses, rejected, time);
    const { kind: _, ...kept } = rejected;
    assert.deepEqual(status.rejections, [{ ...kept, time }]);
    status = afterEvent(status, { kind: 'acknowledged', service: 'lds', resources: ['out'] }, time);
    assert.equal(status.rejections?.length, 1, 'another resource says nothing of this one');
    status = afterEvent(status, { kind: 'acknowledged', service: 'lds', resources: ['out:8'] }, time);
    assert.equal(status.rejections, undefined);
  });

  test('keeps only so many rejections, of bounded length', () => {
    let status = noResponses;
    for (let index = 0; index < 100; index += 1) {
      status = afterEvent(
        status,
        { kind: 'rejected', service: 'rds', resources: [`r${index}`], policies: [], message: 'x'.repeat(100_000) },
        time,
      );
    }
    assert.ok(JSON.stringify(status).length < 100_000);
    assert.equal(status.total.responsesRejected, '100');
  });
});

describe('the connections of a proxy', () => {
  test('are kept up to the limit, newest last', () => {
    let insight: ProxyInsight | undefined;
    for (const id of ['1', '2', '3']) insight = withSubscription(insight, subscription(id), 2);
    assert.deepEqual(
      insight?.subscriptions.map(({ id }) => id),
      ['2', '3'],
    );
  });

  test('are replaced, not repeated', () => {
    const insight = withSubscription(withSubscription(undefined, subscription('1'), 2), subscription('1', time), 2);
    assert.equal(insight.subscriptions.length, 1);
    assert.equal(isConnected(insight), false);
  });

  test('are elsewhere while one to another instance is open', () => {
    const of = (...instances: readonly (readonly [string, string?])[]): ProxyInsight => ({
      subscriptions: instances.map(([controlPlaneInstanceId, disconnectTime]) => ({
        ...subscription(controlPlaneInstanceId, disconnectTime),
        controlPlaneInstanceId,
      })),
    });
    assert.equal(isElsewhere(of(['own']), 'own'), false);
    assert.equal(isElsewhere(of(['own', time], ['other']), 'own'), true);
    assert.equal(isElsewhere(of(['other', time], ['own']), 'own'), false);
    assert.equal(isElsewhere(undefined, 'own'), false);
  });

  test('end once', () => {
    const ended = disconnected(online, time);
    assert.equal(ended.subscriptions[0]?.disconnectTime, time);
    assert.equal(disconnected(ended, 'later'), ended);
  });
});

test('services have the states of the ports that serve them', () => {
  const gateway: DataplaneSpec = { networking: { gateway: { tags: { 'kuma.io/service': 'edge' }, type: 'BUILTIN' } } };
  const { services } = serviceInsight(
    [
      { dataplane: withPorts('Ready'), insight: online },
      { dataplane: withPorts('NotReady'), insight: online },
      { dataplane: withPorts('Ready'), insight: offline },
      { dataplane: gateway, insight: online },
    ],
    ['partner'],
  );
  assert.deepEqual(services, {
    edge: { serviceType: 'gateway_builtin', status: 'online', dataplanes: { total: 1, online: 1, offline: 0 } },
    partner: { serviceType: 'external', status: 'not_available' },
    web: { serviceType: 'internal', status: 'partially_degraded', dataplanes: { total: 3, online: 1, offline: 2 } },
  });
});

test('services say in which zones their proxies are, and whose certificates they have', () => {
  const inZone = (zone: string): DataplaneSpec => ({
    networking: { inbound: [{ port: 80, tags: { 'kuma.io/service': 'web', 'kuma.io/zone': zone } }] },
  });
  const mTLS = {
    certificateExpirationTime: time,
    lastCertificateRegeneration: time,
    certificateRegenerations: 1,
    supportedBackends: [],
  };
  const { services } = serviceInsight(
    [
      { dataplane: inZone('west'), insight: { ...online, mTLS: { ...mTLS, issuedBackend: 'ca-1' } } },
      { dataplane: inZone('east'), insight: { ...online, mTLS: { ...mTLS, issuedBackend: 'ca-2' } } },
      { dataplane: inZone('west'), insight: { ...online, mTLS: { ...mTLS, issuedBackend: 'ca-1' } } },
    ],
    [],
  );
  assert.deepEqual(services.web?.zones, ['east', 'west']);
  assert.deepEqual(services.web?.issuedBackends, { 'ca-1': 2, 'ca-2': 1 });
});

test('a mesh counts its proxies by state, kind and version, and its resources by type', () => {
  const dataplanes = [
    {
      dataplane: withPorts('Ready'),
      insight: {
        ...online,
        mTLS: {
          certificateExpirationTime: time,
          lastCertificateRegeneration: time,
          certificateRegenerations: 1,
          issuedBackend: 'ca-1',
          supportedBackends: ['ca-1', 'ca-2'],
        },
      },
    },
    { dataplane: withPorts('Ready'), insight: undefined },
  ];
  const insight = meshInsight({
    dataplanes,
    services: serviceInsight(dataplanes, []),
    resources: [
      { type: 'MeshTimeout', policy: true, total: 2 },
      { type: 'Dataplane', policy: false, total: 2 },
      { type: 'MeshRetry', policy: true, total: 0 },
    ],
  });
  const mixed = { total: 2, online: 1, offline: 1 };
  assert.deepEqual(insight.dataplanes, mixed);
  assert.deepEqual(insight.dataplanesByType.standard, mixed);
  assert.deepEqual(insight.dataplanesByType.gateway, { total: 0 });
  assert.deepEqual(insight.policies, { MeshTimeout: { total: 2 } });
  assert.deepEqual(insight.resources, { Dataplane: { total: 2 }, MeshTimeout: { total: 2 } });
  assert.deepEqual(insight.dpVersions.envoy, { '1.40.0': { total: 1, online: 1 }, unknown: { total: 1, offline: 1 } });
  assert.deepEqual(insight.mTLS.supportedBackends, {
    'ca-1': { total: 1, online: 1 },
    'ca-2': { total: 1, online: 1 },
  });
  assert.deepEqual(insight.services, { total: 1, internal: 1, external: 0 });
});
