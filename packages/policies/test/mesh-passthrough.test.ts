import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IpFamily } from '@ursa/envoy';
import type { PassthroughPlace } from '@ursa/policy';
import { coreResourceTypes, createResourceTypes, MeshError, parseResource } from '@ursa/resources';
import { policyResourceTypes } from '../src/index.ts';
import { matchesWithoutEffect } from '../src/mesh-passthrough/chain-plan.ts';
import { isIpRange, networkOf } from '../src/mesh-passthrough/ip-range.ts';
import { meshPassthrough } from '../src/mesh-passthrough/mesh-passthrough.ts';
import type { PassthroughConf } from '../src/mesh-passthrough/passthrough-conf.ts';
import { outboundPlace } from './drafts.ts';

const types = createResourceTypes([...coreResourceTypes, ...policyResourceTypes]);

/** Fields at which a MeshPassthrough with these matches is refused. */
function refusedFields(...appendMatch: unknown[]): readonly string[] {
  const spec = { default: { passthroughMode: 'Matched', appendMatch } };
  try {
    parseResource(types, { type: 'MeshPassthrough', mesh: 'default', name: 'p', spec });
    return [];
  } catch (error) {
    assert.ok(error instanceof MeshError);
    return (error.violations ?? []).map(({ field }) => field.replace(/^spec\.default\.appendMatch/, ''));
  }
}

function shaped(conf: unknown, family: IpFamily = 'ipv4', open = true): PassthroughPlace {
  const { proxy, chains, listener, extraClusters } = outboundPlace('tcp');
  const place: PassthroughPlace = { proxy, family, chains: listener.chains, listener, open, extraClusters };
  assert.equal(chains.length, 1);
  meshPassthrough.hooks.redirected?.(place, conf);
  return place;
}

const chainNames = ({ chains }: PassthroughPlace) => chains.map(({ message }) => message.name);
// What stands in the tests is what users write; it is parsed elsewhere.
const matched = (...appendMatch: unknown[]) => ({ passthroughMode: 'Matched', appendMatch }) as PassthroughConf;

test('what can be matched, and what is refused at which field', () => {
  const domain = (value: string, protocol: string, port?: number) => ({ type: 'Domain', value, protocol, port });
  assert.deepEqual(refusedFields(domain('a.example', 'tls', 443), domain('*.a.example', 'http', 80)), []);
  assert.deepEqual(refusedFields({ type: 'IP', value: '10.0.0.256', port: 1 }), ['[0].value']);
  assert.deepEqual(refusedFields({ type: 'CIDR', value: '10.0.0.0/33', port: 1 }), ['[0].value']);
  assert.deepEqual(refusedFields(domain('a.example', 'tcp', 1)), ['[0].protocol']);
  assert.deepEqual(refusedFields(domain('*a.example', 'tls', 1)), ['[0].value']);
  assert.deepEqual(refusedFields(domain('*.a.example', 'http')), ['[0].port']);
  assert.deepEqual(refusedFields({ type: 'IP', value: '10.0.0.1', protocol: 'mysql' }), ['[0].port']);
  assert.deepEqual(refusedFields(domain('a.example', 'http', 80), domain('b.example', 'grpc', 80)), ['[1].port']);
  assert.deepEqual(refusedFields(domain('a.example', 'http'), domain('b.example', 'grpc')), ['[1].protocol']);
  assert.deepEqual(refusedFields({ type: 'IP', value: '10.0.0.1', prot: 'tcp' }), ['[0].prot']);
});

test('All opens what the mesh closes, None closes what the mesh opens, without a mode only matches pass', () => {
  assert.equal(shaped({ passthroughMode: 'All' }, 'ipv4', false).open, true);
  assert.equal(shaped({ passthroughMode: 'None' }).open, false);
  assert.equal(shaped({ passthroughMode: 'None' }).chains.length, 1, 'the listener stays, or traffic would pass by');
  const place = shaped({ appendMatch: [{ type: 'IP', value: '10.0.0.1', protocol: 'tcp', port: 80 }] });
  assert.equal(place.open, false);
  assert.deepEqual(chainNames(place), ['meshpassthrough_tcp_10.0.0.1_80']);
});

test('each family of addresses gets what concerns it', () => {
  const conf = matched(
    { type: 'IP', value: '10.0.0.1', protocol: 'tcp' },
    { type: 'CIDR', value: 'fd00::/8', protocol: 'tcp' },
    { type: 'Domain', value: 'a.example', protocol: 'tls' },
  );
  assert.deepEqual(chainNames(shaped(conf, 'ipv4')), [
    'meshpassthrough_tls_a.example_*',
    'meshpassthrough_tcp_10.0.0.1_*',
  ]);
  assert.deepEqual(chainNames(shaped(conf, 'ipv6')), [
    'meshpassthrough_tls_a.example_*',
    'meshpassthrough_tcp_fd00::/8_*',
  ]);
});

test('two matches that no connection could tell apart are one chain', () => {
  const conf = matched(
    { type: 'CIDR', value: '10.1.0.0/8', protocol: 'tcp', port: 80 },
    { type: 'CIDR', value: '10.2.0.0/8', protocol: 'tcp', port: 80 },
    { type: 'CIDR', value: '10.0.0.0/8', protocol: 'tcp' },
    { type: 'Domain', value: 'a.example', protocol: 'http' },
    { type: 'Domain', value: 'b.example', protocol: 'grpc', port: 80 },
  );
  assert.deepEqual(chainNames(shaped(conf)), [
    'meshpassthrough_tcp_10.1.0.0/8_80',
    'meshpassthrough_tcp_10.0.0.0/8_*',
    'meshpassthrough_grpc_80',
    'meshpassthrough_http_*',
  ]);
});

test('of policies that give one port to two protocols of requests the first stays, and the proxy says so', () => {
  const host = (protocol: string, port?: number) => ({ type: 'Domain', value: `${protocol}.example`, protocol, port });
  const onPort = matched(host('http', 80), host('grpc', 80));
  assert.deepEqual(chainNames(shaped(onPort)), ['meshpassthrough_http_80']);
  assert.match(matchesWithoutEffect(onPort).join(), /grpc\.example \(grpc\) has no effect on port 80: .* http/);
  const everywhere = matched(host('http'), host('http2'));
  assert.deepEqual(chainNames(shaped(everywhere)), ['meshpassthrough_http_*']);
  assert.match(matchesWithoutEffect(everywhere).join(), /http2\.example \(http2\) has no effect on all ports/);
  assert.deepEqual(matchesWithoutEffect(matched(host('http', 80), host('grpc', 81))), []);
});

test('a range hides a wider one of another protocol: the proxy says so', () => {
  const hidden = (...appendMatch: unknown[]) => matchesWithoutEffect({ appendMatch } as PassthroughConf).join('\n');
  const range = { type: 'CIDR', value: '10.0.0.0/8', protocol: 'tcp', port: 443 };
  const one = { type: 'IP', value: '10.1.2.3', protocol: 'tls', port: 443 };
  const told =
    /^connections to 10\.1\.2\.3 .*: 10\.0\.0\.0\/8 \(tcp\) has no effect on them without a match for 10\.1\.2\.3/;
  assert.match(hidden(range, one), told);
  assert.match(hidden({ ...range, port: undefined }, one), told);
  assert.equal(hidden(range, one, { ...one, protocol: 'tcp' }), '');
  assert.equal(hidden({ ...range, port: 80 }, one), '');
  assert.equal(hidden(range, { ...one, value: '11.1.2.3' }), '');
  assert.equal(hidden(range, { ...one, value: '2001:db8::1' }), '');
});

test('every host may be let through by a single star', () => {
  const { chains } = shaped(matched({ type: 'Domain', value: '*', protocol: 'http', port: 80 }));
  const terminal = chains[0]?.terminal;
  assert.ok(terminal?.kind === 'http');
  assert.deepEqual(
    terminal.routes.virtualHosts.map(({ name, domains }) => [name, domains]),
    [['*', ['*']]],
  );
});

test('several ports of servers that speak first are not looked into', () => {
  const server = (port: number) => ({ type: 'IP', value: '10.0.0.1', protocol: 'mysql', port });
  const { listener } = shaped(matched(server(3306), server(3307)));
  const [original, ...inspectors] = listener.message.listenerFilters;
  assert.equal(original?.filterDisabled, undefined);
  assert.deepEqual(
    inspectors.map(({ filterDisabled }) => filterDisabled?.rule.case),
    ['orMatch', 'orMatch'],
  );
});

test('ranges stand for networks', () => {
  const network = (text: string) => {
    const { address, length } = networkOf(text);
    return `${address}/${length}`;
  };
  assert.equal(network('10.250.7.9/16'), '10.250.0.0/16');
  assert.equal(network('255.255.255.255/0'), '0.0.0.0/0');
  assert.equal(network('192.0.2.129/25'), '192.0.2.128/25');
  assert.equal(network('192.0.2.1'), '192.0.2.1/32');
  assert.equal(network('2001:DB8::9'), '2001:db8::9/128');
  assert.equal(network('2001:db8:0:0:1:0:0:1/128'), '2001:db8::1:0:0:1/128');
  assert.equal(network('fd00:1:2::5/47'), 'fd00:1:2::/47');
  assert.equal(network('::ffff:10.0.0.1/112'), '::ffff:a00:0/112');
  assert.equal(network('ffff::/0'), '::/0');
  assert.equal(isIpRange('10.0.0.0/8/8'), false);
  assert.equal(isIpRange('::/129'), false);
});
