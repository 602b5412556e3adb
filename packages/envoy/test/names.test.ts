import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostPort, legacyNames, legacyServiceName, statName, unifiedNames } from '../src/index.ts';

const inbound = { address: '2001:db8::1', port: 80, servicePort: 8080, service: 'web', section: 'http' };
const tagged = { address: '127.0.0.1', port: 10001, legacyName: 'api', kri: undefined };
const kri = 'kri_msvc_default_east__api_http';
const named = { ...tagged, legacyName: 'default_api__east_msvc_80', kri };

test('legacy names say address and port, and put IPv6 addresses in brackets', () => {
  assert.equal(legacyNames.inboundListener(inbound), 'inbound:[2001:db8::1]:80');
  assert.equal(legacyNames.inboundCluster(inbound), 'localhost:8080');
  assert.equal(legacyNames.outboundListener(tagged), 'outbound:127.0.0.1:10001');
  assert.deepEqual([legacyNames.outboundCluster(tagged), legacyNames.outboundRoute(tagged)], ['api', 'outbound:api']);
  assert.deepEqual([legacyNames.outboundCluster(named), legacyNames.outboundRoute(named)], [named.legacyName, kri]);
  assert.equal(hostPort('10.0.0.1', 1), '10.0.0.1:1');
});

test('unified names say whose a resource is', () => {
  assert.equal(unifiedNames.inboundListener(inbound), 'self_inbound_dp_http');
  assert.equal(unifiedNames.inboundListener(inbound), unifiedNames.inboundCluster(inbound));
  assert.deepEqual([unifiedNames.outboundListener(named), unifiedNames.outboundCluster(named)], [kri, kri]);
  assert.equal(unifiedNames.passthrough('inbound', 'ipv6'), 'self_transparentproxy_passthrough_inbound_ipv6');
  assert.equal(unifiedNames.dynamicConfigNotModified('/dns'), 'system_dynamicconfig_dns_not_modified');
});

test('names of ports of services hold all that tells them apart', () => {
  const service = { mesh: 'default', name: 'api', namespace: 'shop', zone: 'east', shortType: 'msvc', port: 80 };
  assert.equal(legacyServiceName(service), 'default_api_shop_east_msvc_80');
});

test('names for statistics have only characters that Envoy keeps', () => {
  assert.equal(statName('inbound:[::1]:80'), 'inbound____1__80');
  assert.equal(statName('a-b_C9'), 'a-b_C9');
});
