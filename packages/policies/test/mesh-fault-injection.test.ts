import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toJson } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { type Protocol, registry } from '@ursa/envoy';
import type { InboundMatch, InboundRuleSet, Subset } from '@ursa/policy';
import { type Fault, meshFaultInjection } from '../src/mesh-fault-injection/mesh-fault-injection.ts';
import { headOf, inboundPlace } from './drafts.ts';

type Json = { readonly [field: string]: Json };

const abort = (percentage: number | string, httpStatus = 503): Fault => ({ abort: { percentage, httpStatus } });
const rule = (http: Fault[], match?: InboundMatch) => ({
  conf: { http },
  origin: { head: headOf('MeshFaultInjection', 'some'), ruleIndex: 0 },
  ...(match === undefined ? {} : { match }),
});
const from = (http: Fault[], subset: Subset = []) => ({ subset, conf: { http }, origins: [] });
const web: InboundMatch = { spiffeID: { type: 'Exact', value: 'spiffe://default/web' } };

function faultsOf(rules: Partial<InboundRuleSet>, protocol: Protocol = 'http'): readonly Json[] {
  const { chain, ...place } = inboundPlace(protocol);
  meshFaultInjection.hooks.inboundRules?.(place, { rules: [], from: [], fromEntries: [], ...rules });
  assert.deepEqual(chain.networkFilters, []);
  const filters = chain.terminal.kind === 'http' ? chain.terminal.httpFilters : [];
  return filters.map(({ filter: { configType } }) => {
    const message = configType.case === 'typedConfig' ? anyUnpack(configType.value, registry) : undefined;
    const schema = message && registry.getMessage(message.$typeName);
    assert.ok(message && schema);
    return toJson(schema, message, { registry }) as Json;
  });
}

test('without a policy nothing happens to requests', () => {
  assert.deepEqual(faultsOf({}), []);
});

test('each fault is a filter, for as many requests as the conf says', () => {
  const delay = { value: '250ms', percentage: '2.5' };
  const responseBandwidth = { limit: '2 Gbps', percentage: '0.001' };
  assert.deepEqual(faultsOf({ rules: [rule([abort(50), { delay }, { responseBandwidth }])] }), [
    { abort: { httpStatus: 503, percentage: { numerator: 50 } } },
    { delay: { fixedDelay: '0.250s', percentage: { numerator: 250, denominator: 'TEN_THOUSAND' } } },
    {
      responseRateLimit: {
        fixedLimit: { limitKbps: '2000000' },
        percentage: { numerator: 10, denominator: 'MILLION' },
      },
    },
  ]);
});

test('gRPC calls are requests as well; TCP is left alone', () => {
  const rules = [rule([abort(50)])];
  assert.deepEqual(faultsOf({ rules }, 'tcp'), []);
  for (const protocol of ['http2', 'grpc'] as const)
    assert.deepEqual(faultsOf({ rules }, protocol), faultsOf({ rules }));
  assert.equal(faultsOf({ rules }, 'grpc').length, 1);
});

test('clients are told by the tags that their proxies announce', () => {
  const subset = [
    { key: 'version', value: 'v1', not: true },
    { key: 'team', value: 'a(b', not: false },
    { key: 'kuma.io/service', value: 'web', not: false },
  ];
  const [fault] = faultsOf({ from: [from([abort(1)], subset)] });
  assert.deepEqual(fault?.headers, [
    {
      name: 'x-kuma-tags',
      stringMatch: { safeRegex: { regex: '.*&kuma.io/service=[^&]*web[,&].*&team=[^&]*a\\(b[,&].*' } },
    },
    {
      name: 'x-kuma-tags',
      stringMatch: { safeRegex: { regex: '.*&version=[^&]*v1[,&].*' } },
      invertMatch: true,
      treatMissingHeaderAsEmpty: true,
    },
  ]);
});

test('what is said of some clients stands in place of what is said of all', () => {
  const [ofWeb, ofOthers, ...more] = faultsOf({ rules: [rule([abort(1)], web), rule([abort(2)])] });
  const skips = (filter: Json | undefined) => filter?.xdsMatcher?.matcherList?.matchers as unknown as readonly Json[];
  const isWeb = skips(ofOthers)[0]?.predicate;
  assert.match(JSON.stringify(isWeb), /"exact":"spiffe:\/\/default\/web"/);
  assert.deepEqual(skips(ofWeb)[0]?.predicate?.notMatcher, isWeb);
  assert.equal(ofWeb?.extensionConfig?.typedConfig?.abort?.percentage?.numerator, 1);
  assert.equal(ofOthers?.extensionConfig?.typedConfig?.abort?.percentage?.numerator, 2);
  assert.deepEqual(more, []);
});

test('a match that names nothing selects nobody', () => {
  assert.deepEqual(faultsOf({ rules: [rule([abort(1)], {})] }), []);
});
