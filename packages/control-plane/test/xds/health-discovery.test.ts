// Health discovery over the wire: what a proxy is asked to probe, what becomes of its reports, and what a hostile one gets.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { DataplaneSpec } from '@ursa/resources';
import { HealthStatus } from '../../../envoy/gen/envoy/config/core/v3/health_check_pb.ts';
import { openDamping } from '../../src/xds/health/damping.ts';
import { connectTo, framed, type HealthMessage, type TestConnection } from './ads-client.ts';
import { type KnownTokens, type RunningServer, startServer, until } from './running-server.ts';

const claims = (name: string) => ({ Mesh: 'default', Name: name, jti: `of-${name}`, exp: 4_102_444_800 });
const introduction = (name: string, metadata: Record<string, string> = {}): HealthMessage => ({
  requestType: { case: 'healthCheckRequest', value: { node: { id: `default.${name}`, metadata } } },
});
const report = (statuses: Readonly<Record<string, HealthStatus>>): HealthMessage => ({
  requestType: {
    case: 'endpointHealthResponse',
    value: {
      clusterEndpointsHealth: Object.entries(statuses).map(([clusterName, healthStatus]) => ({
        clusterName,
        localityEndpointsHealth: [{ endpointsHealth: [{ healthStatus }] }],
      })),
    },
  },
});
const seconds = (duration: { seconds: bigint; nanos: number } | undefined) =>
  duration && Number(duration.seconds) + duration.nanos / 1e9;

describe('a proxy that probes', () => {
  const tokens: KnownTokens = new Map(['web', 'api', 'other'].map((name) => [`token of ${name}`, claims(name)]));
  let running: RunningServer;
  let connection: TestConnection;
  before(async () => {
    running = await startServer({ tokens });
    connection = await connectTo(running.port);
  });
  after(async () => {
    connection.close();
    await running.stop();
  });

  const put = (name: string, ...inbound: readonly object[]) =>
    running.put({
      type: 'Dataplane',
      mesh: 'default',
      name,
      spec: { networking: { address: '192.0.2.1', inbound } },
    });
  const inboundsOf = (name: string) =>
    ((running.get('Dataplane', 'default', name)?.spec as DataplaneSpec | undefined)?.networking?.inbound ?? []).map(
      ({ state }) => state,
    );
  const streamOf = (name: string, metadata: Record<string, string> = {}) => {
    const stream = connection.health(`token of ${name}`);
    stream.send(introduction(name, metadata));
    return stream;
  };

  test('is asked for what its inbounds say, with defaults, and anew when they change', async () => {
    await put(
      'web',
      { port: 80, servicePort: 8080, serviceAddress: '127.0.0.1', serviceProbe: { tcp: {} } },
      {
        port: 81,
        serviceProbe: { interval: '10s', timeout: '3s', unhealthyThreshold: 4, healthyThreshold: 5, tcp: {} },
      },
      { port: 82 },
      { port: 83, state: 'Ignored', serviceProbe: { tcp: {} } },
    );
    const stream = streamOf('web');
    const asked = await stream.next();
    assert.deepEqual(
      asked.clusterHealthChecks.map(({ clusterName, localityEndpoints, healthChecks: [check] }) => [
        clusterName,
        localityEndpoints[0]?.endpoints[0]?.address?.address.value?.toString() && 'an address',
        seconds(check?.interval),
        seconds(check?.noTrafficInterval),
        seconds(check?.timeout),
        check?.unhealthyThreshold,
        check?.healthyThreshold,
        check?.healthChecker.case,
      ]),
      [
        ['192.0.2.1:80', 'an address', 1, 1, 2, 1, 1, 'tcpHealthCheck'],
        ['192.0.2.1:81', 'an address', 10, 10, 3, 4, 5, 'tcpHealthCheck'],
      ],
    );
    assert.deepEqual(
      asked.clusterHealthChecks.map(({ localityEndpoints }) => {
        const { value } = localityEndpoints[0]?.endpoints[0]?.address?.address ?? {};
        return value !== undefined && 'portSpecifier' in value ? [value.address, value.portSpecifier.value] : undefined;
      }),
      [
        ['127.0.0.1', 8080],
        ['192.0.2.1', 81],
      ],
    );
    assert.equal(seconds(asked.interval), 0.5);
    await put('web', { port: 82 });
    assert.deepEqual((await stream.next()).clusterHealthChecks, []);
    stream.cancel();
  });

  test('connects past the redirection of its host', async () => {
    await running.put({
      type: 'Dataplane',
      mesh: 'default',
      name: 'web',
      spec: {
        networking: {
          address: '192.0.2.1',
          inbound: [
            { port: 80, serviceProbe: { tcp: {} } },
            { port: 81, serviceAddress: '127.0.0.1', serviceProbe: { tcp: {} } },
          ],
          transparentProxying: { redirectPortInbound: 15_006, redirectPortOutbound: 15_001 },
        },
      },
    });
    const stream = streamOf('web');
    const sources = (await stream.next()).clusterHealthChecks.map(
      ({ upstreamBindConfig }) => upstreamBindConfig?.sourceAddress?.address,
    );
    assert.deepEqual(sources, ['127.0.0.6', undefined]);
    stream.cancel();
  });

  test('changes its own inbounds by what it reports, and only those it was asked for', async () => {
    await put('web', { port: 80, serviceProbe: { tcp: {} } }, { port: 81, state: 'NotReady' });
    await put('api', { port: 80, serviceProbe: { tcp: {} } });
    const stream = streamOf('web');
    await stream.next();
    stream.send(report({ '192.0.2.1:80': HealthStatus.HEALTHY, '192.0.2.1:81': HealthStatus.HEALTHY }));
    await until(() => inboundsOf('web')[0] === 'Ready');
    assert.deepEqual(inboundsOf('web'), ['Ready', 'NotReady']);
    assert.deepEqual(inboundsOf('api'), [undefined]);
    stream.send(report({ '192.0.2.1:80': HealthStatus.TIMEOUT }));
    await until(() => inboundsOf('web')[0] === 'NotReady');
    const [health] = (await running.insight('web'))?.inbounds ?? [];
    assert.equal(health?.reason, 'nothing has answered at 192.0.2.1:80 within 2 s');
    stream.cancel();
  });

  test('is believed again when somebody else writes the Dataplane, and over a new stream', async () => {
    await put('web', { port: 80, serviceProbe: { tcp: {} } });
    const first = streamOf('web');
    await first.next();
    first.send(report({ '192.0.2.1:80': HealthStatus.HEALTHY }));
    await until(() => inboundsOf('web')[0] === 'Ready');
    await put('web', { port: 80, serviceProbe: { tcp: {} }, state: 'NotReady', health: { ready: false } });
    await until(() => inboundsOf('web')[0] === 'Ready');
    const second = streamOf('web');
    await second.next();
    assert.equal((await first.ended()).code, 10);
    assert.deepEqual(inboundsOf('web'), ['Ready'], 'who comes back has lost nothing');
    second.cancel();
  });

  test('may come before its Dataplane', async () => {
    await running.remove('Dataplane', 'default', 'api');
    const stream = streamOf('api');
    await put('api', { port: 80, serviceProbe: { tcp: {} } });
    assert.equal((await stream.next()).clusterHealthChecks.length, 1);
    stream.cancel();
  });

  test('is refused without its token, and thrown out when that is revoked', async () => {
    for (const token of [undefined, 'unknown', 'token of other']) {
      const stream = connection.health(token);
      stream.send(introduction('web'));
      assert.ok([7, 16].includes((await stream.ended()).code), token);
    }
    const stream = streamOf('web');
    await stream.next();
    running.revoke('token of web', 'it was revoked');
    assert.deepEqual(await stream.ended(), { code: 16, message: 'it was revoked' });
  });

  test('is not heard before it has said who it is, nor when it says it twice', async () => {
    const early = connection.health('token of web');
    early.send(report({ '192.0.2.1:80': HealthStatus.HEALTHY }));
    assert.equal((await early.ended()).code, 3);
    const twice = streamOf('web');
    await twice.next();
    twice.send(introduction('api'));
    assert.equal((await twice.ended()).code, 3);
  });

  test('cannot make us read or write much', async () => {
    const large = connection.health('token of web');
    large.sendBytes(framed(new Uint8Array(400 * 1024)));
    assert.equal((await large.ended()).code, 8);
    const garbage = connection.health('token of web');
    garbage.sendBytes(framed(new Uint8Array([1, 2, 3])));
    assert.equal((await garbage.ended()).code, 3);
    const { version } = running.get('Dataplane', 'default', 'web') ?? { version: 0 };
    const fast = streamOf('web');
    await fast.next();
    for (let turn = 0; turn < 50; turn += 1)
      fast.send(report({ '192.0.2.1:80': turn % 2 === 0 ? HealthStatus.UNHEALTHY : HealthStatus.HEALTHY }));
    assert.equal((await fast.ended()).code, 8);
    assert.ok((running.get('Dataplane', 'default', 'web')?.version ?? 0) <= version + 4);
  });
});

test('a workload that fails again and again must answer for a while', () => {
  const damping = openDamping();
  damping.found(true, 0);
  assert.deepEqual(damping.state(0), { healthy: true });
  const holds: number[] = [];
  for (let turn = 1; turn <= 10; turn += 1) {
    damping.found(false, turn * 1000);
    assert.deepEqual(damping.state(turn * 1000), { healthy: false }, 'it is out at once');
    damping.found(true, turn * 1000 + 500);
    holds.push((damping.state(turn * 1000 + 500).heldUntil ?? turn * 1000 + 500) - turn * 1000 - 500);
  }
  assert.deepEqual(holds, [0, 0, 0, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  assert.deepEqual(damping.state(41_000), { healthy: true });
  damping.found(false, 200_000);
  damping.found(true, 200_500);
  assert.deepEqual(damping.state(200_500), { healthy: true }, 'what is long ago is forgotten');
});
