// What a rejection is put down to: resources by Envoy's words, policies by direction and age.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PolicyHead, PolicySpec } from '@ursa/policy';
import { namedResources, policiesBehind } from '../../src/xds/rejection.ts';

describe('the resources that a rejection names', () => {
  const sent = ['out', 'out:8', 'inbound:127.0.0.1:80', 'inbound:127.0.0.1:8080'];
  for (const [message, resources] of [
    ['Error adding/updating listener(s) out:8: missing ]: [a-z', ['out:8']],
    ['Error adding/updating listener(s) inbound:127.0.0.1:8080: bad, out: bad', ['out', 'inbound:127.0.0.1:8080']],
    ["Proto constraint validation failed for 'out'", ['out']],
    ['a timeout without a name', []],
    ['outer is not out-of-band', []],
    ['goo.gle/debugproto\nname: "out:8"\ntype: EDS\n: Proto constraint validation failed', ['out:8']],
  ] as const) {
    test(`of "${message}" are ${resources.length === 0 ? 'none' : resources.join(' and ')}`, () => {
      assert.deepEqual(namedResources(message, sent), resources);
    });
  }
});

describe('the policies behind a rejection', () => {
  const head = (name: string, spec: PolicySpec, modificationTime: string): PolicyHead =>
    ({ key: `MeshTimeout/default/${name}`, spec, resource: { modificationTime } }) as unknown as PolicyHead;
  const old = head('old-to', { to: [] }, '2026-01-01T00:00:00Z');
  const recent = head('recent-to', { to: [] }, '2026-01-03T00:00:00Z');
  const inbound = head('rules', { rules: [] }, '2026-01-02T00:00:00Z');
  const proxy = head('proxy', {}, '2025-01-01T00:00:00Z');
  const rules = new Map([
    ['MeshTimeout', { matched: [old, inbound, recent] }],
    ['MeshProxyPatch', { matched: [proxy] }],
  ]);

  test('of an outbound are those with rules for destinations, the last changed first', () => {
    const keys = policiesBehind(rules, ['outbound:127.0.0.1:80']).map((key) => key.split('/')[2]);
    assert.deepEqual(keys, ['recent-to', 'old-to', 'proxy']);
  });

  test('of an inbound are those with rules for callers', () => {
    const keys = policiesBehind(rules, ['inbound:127.0.0.1:80']).map((key) => key.split('/')[2]);
    assert.deepEqual(keys, ['rules', 'proxy']);
  });

  test('of both are all', () => {
    assert.equal(policiesBehind(rules, ['localhost:8080', 'backend']).length, 4);
  });
});
