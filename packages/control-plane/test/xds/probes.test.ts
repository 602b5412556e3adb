// Where probes go.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { probesOf } from '../../src/xds/health/probes.ts';

const defaults = { timeout: 2000, interval: 1000, noTrafficInterval: 1000, healthyThreshold: 1, unhealthyThreshold: 1 };

test('a Dataplane with a host name is probed at the IP address behind it, and not before it has one', () => {
  const probed = { serviceProbe: { tcp: {} } };
  const inbound = [
    { port: 81, ...probed },
    { port: 82, serviceAddress: '127.0.0.1', ...probed },
  ];
  const spec = { networking: { address: 'api.example', inbound } };
  const addresses = (known: string | undefined): readonly string[] => {
    const ipOf = (address: string) => (address === 'api.example' ? known : address);
    return probesOf(spec, false, { checkDefaults: defaults }, ipOf).map(({ address }) => address);
  };
  assert.deepEqual(addresses('192.0.2.3'), ['192.0.2.3', '127.0.0.1']);
  assert.deepEqual(addresses(undefined), ['127.0.0.1']);
});
