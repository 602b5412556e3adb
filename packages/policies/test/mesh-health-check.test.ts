import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Protocol } from '@ursa/envoy';
import { createWorld } from '../../engine/test/world.ts';
import { meshHealthCheck } from '../src/mesh-health-check/mesh-health-check.ts';
import { clusterDraft, outboundPlace } from './drafts.ts';

const { hooks } = meshHealthCheck;

function shaped(conf: unknown, protocol: Protocol = 'http', tags?: Readonly<Record<string, string>>) {
  const cluster = clusterDraft();
  const { proxy } = outboundPlace(protocol);
  hooks.cluster?.({ proxy: { ...proxy, ...(tags && { tags }) }, protocol, cluster }, conf);
  return cluster.message;
}

const checkerOf = (conf: unknown, protocol: Protocol) => shaped(conf, protocol).healthChecks[0]?.healthChecker.case;

function httpCheck(http: unknown, protocol: Protocol = 'http', tags?: Readonly<Record<string, string>>) {
  const checker = shaped({ http }, protocol, tags).healthChecks[0]?.healthChecker;
  assert.equal(checker?.case, 'httpHealthCheck');
  return checker.value;
}

test('the protocol of the service decides which check is made', () => {
  const all = { http: { path: '/health' }, grpc: {}, tcp: {} };
  const protocols: readonly Protocol[] = ['http', 'http2', 'grpc', 'tcp', 'unknown', 'tls', 'kafka'];
  assert.deepEqual(
    protocols.map((protocol) => checkerOf(all, protocol)),
    [
      ...['httpHealthCheck', 'httpHealthCheck', 'grpcHealthCheck', 'tcpHealthCheck', 'tcpHealthCheck'],
      ...[undefined, undefined],
    ],
  );
});

test('a TCP check makes do for HTTP and gRPC only where their own check is disabled', () => {
  assert.equal(checkerOf({ tcp: {} }, 'http'), undefined);
  assert.equal(checkerOf({ tcp: {} }, 'grpc'), undefined);
  assert.equal(checkerOf({ tcp: {}, http: { disabled: true } }, 'http'), 'tcpHealthCheck');
  assert.equal(checkerOf({ tcp: {}, grpc: { disabled: true } }, 'grpc'), 'tcpHealthCheck');
  assert.equal(checkerOf({ tcp: { disabled: true }, http: { disabled: true } }, 'http'), undefined);
  assert.equal(checkerOf({ tcp: { disabled: true } }, 'tcp'), undefined);
});

test('fields that are left out have defaults', () => {
  const [check] = shaped({ http: {} }).healthChecks;
  assert.deepEqual(
    [check?.interval?.seconds, check?.timeout?.seconds, check?.unhealthyThreshold, check?.healthyThreshold],
    [60n, 15n, 5, 1],
  );
  assert.deepEqual([check?.reuseConnection, check?.noTrafficInterval, check?.eventLogger], [undefined, undefined, []]);
  assert.equal(httpCheck({}).path, '/');
});

test('a status that is expected is a range of one', () => {
  const [range] = httpCheck({ expectedStatuses: [204] }).expectedStatuses;
  assert.deepEqual([range?.start, range?.end], [204n, 205n]);
});

test('HTTP/2 services are asked over HTTP/2', () => {
  assert.notEqual(httpCheck({}, 'http2').codecClientType, httpCheck({}, 'http').codecClientType);
});

test('HTTP checks carry the tags of the caller, in the order of their names, before headers of the conf', () => {
  const tags = { version: 'v1,v2', 'kuma.io/service': 'web' };
  const requestHeadersToAdd = { set: [{ name: 'x-set', value: 's' }], add: [{ name: 'x-add', value: 'a' }] };
  assert.deepEqual(
    httpCheck({ requestHeadersToAdd }, 'http', tags).requestHeadersToAdd.map(({ header, appendAction }) => [
      header?.key,
      header?.value,
      appendAction,
    ]),
    [
      ['x-kuma-tags', '&kuma.io/service=web&&version=v1,v2&', 0],
      ['x-add', 'a', 0],
      ['x-set', 's', 2],
    ],
  );
  assert.deepEqual(httpCheck({}).requestHeadersToAdd, []);
});

test('what TCP checks send and expect is given to Envoy as hexadecimal digits', () => {
  const checker = shaped({ tcp: { send: 'PING\n', receive: ['é'] } }, 'tcp').healthChecks[0]?.healthChecker;
  assert.equal(checker?.case, 'tcpHealthCheck');
  assert.equal(checker.value.send?.payload.value, '50494e470a');
  assert.deepEqual(
    checker.value.receive.map(({ payload }) => payload.value),
    ['c3a9'],
  );
});

test('failed checks go to the log that is named', () => {
  const [check] = shaped({
    http: {},
    eventLogPath: '/tmp/checks.log',
    alwaysLogHealthCheckFailures: true,
  }).healthChecks;
  assert.equal(check?.alwaysLogHealthCheckFailures, true);
  assert.match(check.eventLogger[0]?.typedConfig?.typeUrl ?? '', /HealthCheckEventFileSink$/);
});

test('what happens in a panic is said also for services that are not probed', () => {
  const { commonLbConfig, healthChecks } = shaped({ tcp: {}, healthyPanicThreshold: '12.5', failTrafficOnPanic: true });
  assert.deepEqual(healthChecks, []);
  assert.equal(commonLbConfig?.healthyPanicThreshold?.value, 12.5);
  assert.equal(commonLbConfig.localityConfigSpecifier.case, 'zoneAwareLbConfig');
  assert.equal(shaped({ http: {} }).commonLbConfig, undefined);
});

test('proxies of different tags share the cluster of a destination until they have to say who asks', () => {
  const world = createWorld();
  world.apply({ type: 'Mesh', name: 'default', meshServices: { mode: 'Exclusive' } });
  for (const name of ['api', 'web', 'shop']) {
    const inbound = [{ port: 80, name: 'http', tags: { 'kuma.io/service': name, 'kuma.io/protocol': 'http' } }];
    const networking = { address: '192.0.2.1', inbound };
    world.apply({ type: 'Dataplane', mesh: 'default', name: `${name}-1`, labels: { app: name }, networking });
  }
  world.settle();
  const clusterOf = (proxy: string) =>
    world.engine.config.get(world.connect('default', proxy))?.resources.cluster.get('default_api__default_msvc_80');
  assert.ok(clusterOf('web-1'));
  assert.equal(clusterOf('web-1'), clusterOf('shop-1'));
  const to = [{ targetRef: { kind: 'Mesh' }, default: { http: {} } }];
  world.apply({ type: 'MeshHealthCheck', mesh: 'default', name: 'probe', spec: { to } });
  world.settle();
  assert.notEqual(clusterOf('web-1')?.version, clusterOf('shop-1')?.version);
});
