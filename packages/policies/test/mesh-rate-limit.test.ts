import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBinary, type JsonValue, toJson } from '@bufbuild/protobuf';
import { type Any, anyUnpack } from '@bufbuild/protobuf/wkt';
import { type Protocol, registry } from '@ursa/envoy';
import { LocalRateLimitSchema } from '@ursa/envoy/gen/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb.ts';
import { LocalRateLimitSchema as ConnectionRateLimitSchema } from '@ursa/envoy/gen/envoy/extensions/filters/network/local_ratelimit/v3/local_rate_limit_pb.ts';
import type { InboundMatch } from '@ursa/policy';
import { clientRules } from '../src/conf/client-rules.ts';
import { meshRateLimit, type RateLimitConf } from '../src/mesh-rate-limit/mesh-rate-limit.ts';
import { headOf, inboundPlace } from './drafts.ts';

type Json = { readonly [field: string]: Json };
type Http = NonNullable<NonNullable<RateLimitConf['local']>['http']>;

const rule = (local: RateLimitConf['local'], match?: InboundMatch) => ({
  conf: { ...(local === undefined ? {} : { local }) },
  origin: { head: headOf('MeshRateLimit', 'some'), ruleIndex: 0 },
  ...(match === undefined ? {} : { match }),
});
const requests = (num: number, more: Http = {}) => ({ http: { requestRate: { num, interval: '1s' }, ...more } });
const exact = (name: string): InboundMatch => ({ spiffeID: { type: 'Exact', value: `spiffe://default/${name}` } });
const prefix = (value: string): InboundMatch => ({ spiffeID: { type: 'Prefix', value: `spiffe://default/${value}` } });

function limited(protocol: Protocol, ...rules: ReturnType<typeof rule>[]) {
  const { chain, ...place } = inboundPlace(protocol);
  meshRateLimit.hooks.inboundRules?.(place, { rules, from: [], fromEntries: [] });
  return chain;
}

function httpFiltersOf(chain: ReturnType<typeof limited>): readonly { name: string; config: Json }[] {
  const filters = chain.terminal.kind === 'http' ? chain.terminal.httpFilters : [];
  return filters.map(({ stage, filter: { name, configType } }) => {
    assert.equal(stage, 'rateLimit');
    const message = configType.case === 'typedConfig' ? anyUnpack(configType.value, registry) : undefined;
    const schema = message && registry.getMessage(message.$typeName);
    assert.ok(message && schema);
    return { name, config: toJson(schema, message, { registry }) as Json };
  });
}

function routeLimit(chain: ReturnType<typeof limited>): JsonValue | undefined {
  const route = chain.terminal.kind === 'http' ? chain.terminal.routes.virtualHosts[0]?.routes[0] : undefined;
  const config: Any | undefined = route?.typedPerFilterConfig['envoy.filters.http.local_ratelimit'];
  return config && toJson(LocalRateLimitSchema, fromBinary(LocalRateLimitSchema, config.value));
}

test('without a policy nothing is limited', () => {
  const chain = limited('http');
  assert.deepEqual([httpFiltersOf(chain), chain.networkFilters, routeLimit(chain)], [[], [], undefined]);
});

test('requests are counted on each route, and one too many is answered as the conf says', () => {
  const headers = { add: [{ name: 'x-more', value: 'a' }], set: [{ name: 'x-limited', value: 'yes' }] };
  const chain = limited('http', rule(requests(5, { onRateLimit: { status: 503, headers } })));
  assert.deepEqual(httpFiltersOf(chain), [
    { name: 'envoy.filters.http.local_ratelimit', config: { statPrefix: 'rate_limit' } },
  ]);
  const limit = routeLimit(chain) as Json;
  assert.deepEqual(limit.tokenBucket, { maxTokens: 5, tokensPerFill: 5, fillInterval: '1s' });
  assert.deepEqual(limit.status, { code: 'ServiceUnavailable' });
  assert.deepEqual(limit.responseHeadersToAdd, [
    { header: { key: 'x-more', value: 'a' } },
    { header: { key: 'x-limited', value: 'yes' }, appendAction: 'OVERWRITE_IF_EXISTS_OR_ADD' },
  ]);
});

test('a status that Envoy does not know is left to Envoy, which would refuse the listener for it', () => {
  const chain = limited('http', rule(requests(5, { onRateLimit: { status: 999 } })));
  assert.equal((routeLimit(chain) as Json).status, undefined);
});

test('a narrower policy switches the limit off', () => {
  const chain = limited('http', rule(requests(5)), rule({ http: { disabled: true } }));
  assert.deepEqual([httpFiltersOf(chain), routeLimit(chain)], [[], undefined]);
});

test('connections are limited on every inbound, requests on HTTP inbounds only', () => {
  const local = { ...requests(5), tcp: { connectionRate: { num: 7, interval: '10s' } } };
  for (const protocol of ['http', 'tcp'] as const) {
    const chain = limited(protocol, rule(local));
    const [config] = chain.networkFilters.map(({ filter }) => filter.configType);
    const bytes = config?.case === 'typedConfig' ? config.value.value : new Uint8Array();
    const limit = fromBinary(ConnectionRateLimitSchema, bytes);
    assert.equal(limit.tokenBucket?.maxTokens, 7, protocol);
    assert.equal(limit.tokenBucket?.fillInterval?.seconds, 10n, protocol);
    assert.equal(httpFiltersOf(chain).length, protocol === 'http' ? 1 : 0);
  }
  const off = limited('tcp', rule(local), rule({ tcp: { disabled: true } }));
  assert.deepEqual(off.networkFilters, []);
});

test('clients of a match have a bucket of their own and are not counted with the others', () => {
  const chain = limited('http', rule(requests(5), exact('batch')), rule(requests(50)));
  const [batch, others] = httpFiltersOf(chain);
  const inner = ({ config }: { config: Json }) => config.extensionConfig?.typedConfig?.tokenBucket?.maxTokens;
  assert.equal(batch?.name, 'kri_mrl_default___some_client-0');
  assert.deepEqual([batch && inner(batch), others && inner(others)], [5, 50]);
  const skips = (config: Json | undefined) => config?.xdsMatcher?.matcherList?.matchers as unknown as readonly Json[];
  const isBatch = skips(others?.config)[0]?.predicate;
  assert.match(JSON.stringify(isBatch), /"exact":"spiffe:\/\/default\/batch"/);
  assert.deepEqual(skips(batch?.config)[0]?.predicate?.notMatcher, isBatch);
  assert.equal(routeLimit(chain), undefined);
});

test('clients whose limit is switched off are counted nowhere', () => {
  const chain = limited('http', rule({ http: { disabled: true } }, exact('monitoring')), rule(requests(50)));
  assert.equal(httpFiltersOf(chain).length, 1);
});

test('a match that names nothing selects nobody', () => {
  assert.deepEqual(httpFiltersOf(limited('http', rule(requests(5), {}))), []);
});

test('of several matches the narrowest holds, and the wider ones say what it leaves out', () => {
  const onRateLimit = { status: 503 };
  const limits = clientRules<RateLimitConf>([
    rule(requests(3), prefix('batch/')),
    rule(requests(2), exact('batch/nightly')),
    rule(requests(1), exact('batch/nightly')),
    rule(requests(4), prefix('batch/nightly')),
    rule({ http: { onRateLimit } }),
  ]);
  assert.deepEqual(
    limits.map(({ match, conf: { local } }) => [
      match.spiffeID?.value,
      local?.http?.requestRate?.num,
      local?.http?.onRateLimit?.status,
    ]),
    [
      ['spiffe://default/batch/nightly', 1, 503],
      ['spiffe://default/batch/nightly', 4, 503],
      ['spiffe://default/batch/', 3, 503],
    ],
  );
});
