// MeshHealthCheck and MeshCircuitBreaker by traffic: an instance that fails gets no more requests and comes back; what is too much is refused.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { tally } from '../harness/ask.ts';
import { openGrpcService } from '../harness/grpc-service.ts';
import { openScriptedService } from '../harness/scripted-service.ts';
import { openPolicyWorld, policy } from '../harness/world.ts';

const world = await openPolicyWorld();
const first = await openScriptedService('first');
const second = await openScriptedService('second');
const rpc = await openGrpcService();
after(() => Promise.all([world.close(), first.close(), second.close(), rpc.close()]));
const { controlPlane } = world;
await world.start({ service: 'backend', servicePort: first.port });
const stopping = await world.start({ service: 'backend', servicePort: second.port });
await world.start({ service: 'rpc', servicePort: rpc.port, protocol: 'grpc' });
const client = await world.start({ service: 'client', calls: ['backend', 'rpc'] });
const url = client.urlOf('backend');

const of = (type: string, service: string, conf: object) =>
  policy(type, service, {
    targetRef: { kind: 'Mesh' },
    to: [{ targetRef: { kind: 'MeshService', name: service }, default: conf }],
  });
/** Answers by service and status. */
const answers = () => tally(24, url, {}, ({ status, seen }) => `${seen?.service} ${status}`);
const becomes = (what: string, wanted: readonly string[]) =>
  waitFor(what, async () => {
    const found = Object.keys(await answers()).sort();
    if (JSON.stringify(found) !== JSON.stringify(wanted)) throw new Error(JSON.stringify(found));
    return true;
  });
/** As fast as a test can wait for. */
const often = {
  interval: '200ms',
  timeout: '1s',
  unhealthyThreshold: 2,
  healthyThreshold: 1,
  noTrafficInterval: '200ms',
};
const both = ['first 200', 'second 200'];

test('an instance that answers with errors is ejected, and comes back', async () => {
  await becomes('both serve', both);
  const outlierDetection = {
    interval: '200ms',
    baseEjectionTime: '1s',
    maxEjectionPercent: 50,
    detectors: { totalFailures: { consecutive: 3 } },
  };
  await controlPlane.apply(of('MeshCircuitBreaker', 'backend', { outlierDetection }));
  second.answerAllWith(500);
  await becomes('the second one is ejected', ['first 200']);
  second.answerAllWith(undefined);
  await becomes('it is back', both);
  await controlPlane.delete(of('MeshCircuitBreaker', 'backend', {}));
});

test('an instance whose health check fails gets no requests until it passes again', async () => {
  await controlPlane.apply(
    of('MeshHealthCheck', 'backend', { ...often, http: { path: '/health', expectedStatuses: [200] } }),
  );
  second.answerAllWith(503);
  await becomes('the second one is out', ['first 200']);
  second.answerAllWith(undefined);
  await becomes('it is back', both);
  await controlPlane.delete(of('MeshHealthCheck', 'backend', {}));
});

test('a gRPC service says itself whether it serves', async () => {
  await controlPlane.apply(of('MeshHealthCheck', 'rpc', { ...often, grpc: {} }));
  const isHealthy = async (): Promise<boolean> => {
    const lines = (await client.admin('/clusters?filter=rpc')).split('\n');
    return lines.some((line) => line.endsWith('health_flags::healthy'));
  };
  rpc.setServing(false);
  await waitFor('it is out', async () => !(await isHealthy()));
  rpc.setServing(true);
  await waitFor('it is back', isHealthy);
});

test('what is above the limits of connections is refused at once', async () => {
  await stopping.proxy.stop();
  const connectionLimits = { maxConnections: 1, maxPendingRequests: 1, maxRequests: 1 };
  await controlPlane.apply(of('MeshCircuitBreaker', 'backend', { connectionLimits }));
  const slow = { headers: { 'x-wait': '300' } };
  const found = await waitFor('requests are refused', async () => {
    const statuses = await tally(16, url, slow, ({ status, headers }) => `${status} ${headers['x-envoy-overloaded']}`);
    return statuses['503 true'] !== undefined && statuses;
  });
  assert.ok((found['200 undefined'] ?? 0) > 0, JSON.stringify(found));
});
