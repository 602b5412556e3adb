import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBinary, toJson } from '@bufbuild/protobuf';
import { registry } from '@ursa/envoy';
import { RBACSchema as HttpRbacSchema } from '@ursa/envoy/gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts';
import { RBACSchema as NetworkRbacSchema } from '@ursa/envoy/gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.ts';
import type { InboundRuleSet, Subset } from '@ursa/policy';
import { meshTrafficPermission } from '../src/mesh-traffic-permission/mesh-traffic-permission.ts';
import { headOf, inboundPlace } from './drafts.ts';

type Place = ReturnType<typeof inboundPlace>;
type Json = { readonly [field: string]: Json };

function applied(place: Place, rules: Partial<InboundRuleSet>): Place {
  meshTrafficPermission.hooks.inboundRules?.(place, { rules: [], from: [], fromEntries: [], ...rules });
  return place;
}

/** The RBAC filter of a place's chain as JSON. */
function rbacOf({ chain }: Place): Json {
  const http = chain.terminal.kind === 'http';
  const filters = chain.terminal.kind === 'http' ? chain.terminal.httpFilters : chain.networkFilters;
  const [config] = filters.map(({ filter }) => filter.configType);
  assert.equal(filters.length, 1);
  assert.equal(config?.case, 'typedConfig');
  const bytes = config.case === 'typedConfig' ? config.value.value : new Uint8Array();
  return http
    ? (toJson(HttpRbacSchema, fromBinary(HttpRbacSchema, bytes), { registry }) as Json)
    : (toJson(NetworkRbacSchema, fromBinary(NetworkRbacSchema, bytes), { registry }) as Json);
}

const from = (action: string, subset: Subset = []) => ({ subset, conf: { action }, origins: [] });
const service = (value: string, not = false) => [{ key: 'kuma.io/service', value, not }];

test('without a policy nobody is let in', () => {
  assert.deepEqual(rbacOf(applied(inboundPlace('http'), {})), { rules: {} });
});

test('where clients do not prove who they are nothing is decided', () => {
  const place = applied(inboundPlace('http', false), {});
  assert.deepEqual(place.chain.terminal.kind === 'http' ? place.chain.terminal.httpFilters : undefined, []);
});

test('clients that are allowed by tag are let in by the name in their certificate', () => {
  const { rules } = rbacOf(applied(inboundPlace('http'), { from: [from('Allow', service('web')), from('Deny')] }));
  assert.deepEqual(rules?.policies?.MeshTrafficPermission?.principals, [
    { authenticated: { principalName: { exact: 'spiffe://default/web' } } },
  ]);
});

test('a part of the mesh that leaves clients out says so', () => {
  const { rules } = rbacOf(applied(inboundPlace('http'), { from: [from('Allow', service('web', true))] }));
  assert.deepEqual(rules?.policies?.MeshTrafficPermission?.principals, [
    { notId: { authenticated: { principalName: { exact: 'spiffe://default/web' } } } },
  ]);
});

test('a shadow refusal lets in and is counted', () => {
  const rbac = rbacOf(applied(inboundPlace('tcp'), { from: [from('AllowWithShadowDeny', service('web'))] }));
  assert.equal(rbac.shadowRules?.action, 'DENY');
  assert.deepEqual(rbac.shadowRules?.policies, rbac.rules?.policies);
  assert.equal(rbac.statPrefix, 'inbound_192_0_2_1_80.');
});

test('by identity, refusals come before what is allowed, and everybody else is refused', () => {
  const match = (name: string) => ({ spiffeID: { type: 'Exact', value: `spiffe://default/${name}` } });
  const rule = (name: string, conf: unknown) => ({
    conf,
    origin: { head: headOf('MeshTrafficPermission', name), ruleIndex: 0 },
  });
  const rules = [rule('allow', { allow: [match('web')] }), rule('deny', { deny: [match('old')] })];
  const { matcher } = rbacOf(applied(inboundPlace('http'), { rules }));
  const decisions = matcher?.matcherList?.matchers as unknown as readonly Json[];
  assert.deepEqual(
    decisions.map(({ onMatch }) => onMatch?.action?.typedConfig?.name),
    ['kri_mtp_default___deny_', 'kri_mtp_default___allow_'],
  );
  assert.equal(matcher?.onNoMatch?.action?.typedConfig?.action, 'DENY');
});

test('the server name that a rule asks for is looked for in the connection', () => {
  const origin = { head: headOf('MeshTrafficPermission', 'some'), ruleIndex: 0 };
  const place = applied(inboundPlace('tcp'), {
    rules: [{ conf: { deny: [{ sni: { value: 'db.internal' } }] }, origin }],
  });
  const names = place.listener.message.listenerFilters.map(({ name }) => name);
  assert.deepEqual(names, ['envoy.filters.listener.tls_inspector']);
  assert.match(JSON.stringify(rbacOf(place)), /"exact":"db.internal"/);
});
