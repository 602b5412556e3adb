// A control plane at several addresses: all are tried, and Envoy is given all of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { atEachAddress, parseAddresses, withAddresses } from '../src/bootstrap/several-addresses.ts';

const endpoint = (address: string, portValue: number) => ({
  endpoint: { address: { socketAddress: { address, portValue } } },
});
const bootstrapFor = (host: string) =>
  stringify({
    staticResources: {
      clusters: [
        {
          name: 'ads_cluster',
          type: 'STATIC',
          loadAssignment: { endpoints: [{ lbEndpoints: [endpoint(host, 5678)] }] },
          typedExtensionProtocolOptions: { http: { explicitHttpConfig: { http2ProtocolOptions: {} } } },
        },
      ],
      secrets: [
        {
          name: 'cp_validation_ctx',
          validationContext: { matchTypedSubjectAltNames: [{ matcher: { exact: host }, sanType: 'DNS' }] },
        },
      ],
    },
  });

test('addresses stand with commas between, and one that is none is named', () => {
  const [first, ...others] = parseAddresses('https://10.0.0.1:5678, https://cp-2:15678');
  assert.deepEqual(
    [first, ...others].map(({ host }) => host),
    ['10.0.0.1:5678', 'cp-2:15678'],
  );
  assert.throws(() => parseAddresses('https://10.0.0.1:5678,cp-2'), /got "cp-2"/);
  const call = { url: first, others, mesh: 'default' };
  assert.deepEqual(
    atEachAddress(call).map(({ url, mesh }) => [url.hostname, mesh]),
    [
      ['10.0.0.1', 'default'],
      ['cp-2', 'default'],
    ],
  );
});

test('Envoy gets the other addresses beside the one that has answered, and trusts certificates of all of them', () => {
  const [first, ...others] = parseAddresses('https://10.0.0.1:5678,https://[fd00::2]:5679,https://cp-3');
  const { clusters, secrets } = parse(withAddresses(bootstrapFor('10.0.0.1'), first, others)).staticResources;
  assert.equal(clusters[0].type, 'STRICT_DNS');
  assert.deepEqual(clusters[0].loadAssignment.endpoints[0].lbEndpoints, [
    endpoint('10.0.0.1', 5678),
    endpoint('fd00::2', 5679),
    endpoint('cp-3', 443),
  ]);
  const { http2ProtocolOptions } = clusters[0].typedExtensionProtocolOptions.http.explicitHttpConfig;
  assert.notEqual(http2ProtocolOptions.connectionKeepalive, undefined, 'a frozen control plane is left');
  const names = secrets[0].validationContext.matchTypedSubjectAltNames.map(
    ({ matcher }: { readonly matcher: { readonly exact: string } }) => matcher.exact,
  );
  assert.deepEqual([...new Set(names)], ['10.0.0.1', 'fd00::2', 'cp-3']);
});

test('a bootstrap stays as it is with one address, and where the control plane has named its own', () => {
  const [first, ...others] = parseAddresses('https://10.0.0.1:5678,https://10.0.0.2:5678');
  const yaml = bootstrapFor('balancer.example');
  assert.equal(withAddresses(yaml, first, others), yaml);
  assert.equal(withAddresses(bootstrapFor('10.0.0.1'), first, []), bootstrapFor('10.0.0.1'));
  assert.equal(withAddresses('node: {id: x}\n', first, others), 'node: {id: x}\n');
});
