import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Resource } from '@ursa/resources';
import { mostSpecific, policyHead, saysNothing, speaksOf } from '../src/index.ts';

type Tags = Readonly<Record<string, string>>;

const permission = (name: string, destinations: readonly Tags[], creationTime = '2026-01-01T00:00:00Z'): Resource => ({
  type: 'TrafficPermission',
  mesh: 'default',
  name,
  labels: {},
  creationTime,
  modificationTime: creationTime,
  version: 1,
  spec: { sources: [{ match: { 'kuma.io/service': '*' } }], destinations: destinations.map((match) => ({ match })) },
});
const api = { 'kuma.io/service': 'api', version: 'v1' };
const chosen = (...policies: readonly Resource[]) => mostSpecific(policies, api)?.name;

test('of the policies that select a place the one with more tags holds, then the one with more exact values', () => {
  const all = permission('all', [{ 'kuma.io/service': '*' }]);
  const exact = permission('exact', [{ 'kuma.io/service': 'api' }]);
  const anyVersion = permission('any-version', [{ 'kuma.io/service': '*', version: '*' }]);
  const other = permission('other', [{ 'kuma.io/service': 'db' }, { 'kuma.io/service': 'api', zone: '*' }]);
  assert.equal(chosen(all, other), 'all');
  assert.equal(chosen(all, exact), 'exact');
  assert.equal(chosen(exact, anyVersion), 'any-version');
  assert.equal(chosen(other), undefined);
});

test('of several selectors of one policy the closest counts', () => {
  const wide = permission('wide', [{ 'kuma.io/service': '*' }, { 'kuma.io/service': 'api', version: 'v1' }]);
  assert.equal(chosen(wide, permission('exact', [{ 'kuma.io/service': 'api' }])), 'wide');
});

test('among equals the younger policy holds, and of one age the first by name', () => {
  const selector = [{ 'kuma.io/service': 'api' }];
  const old = permission('a', selector);
  const young = permission('z', selector, '2026-02-01T00:00:00Z');
  assert.equal(chosen(old, young), 'z');
  assert.equal(chosen(permission('b', selector), old), 'a');
});

test('a policy of the newer form that speaks of a place leaves no room for the older one', () => {
  assert.ok(saysNothing({ rules: [], from: [], fromEntries: [] }));
  assert.ok(!saysNothing({ rules: [], from: [], fromEntries: [{ subset: [], conf: {} }] }));
});

test('a caller is spoken of by the tags of one of its inbounds; any service is everybody', () => {
  const policy = (...sources: readonly Tags[]) => ({ head: policyHead(permission('any', [])), sources });
  const caller = [api, { 'kuma.io/service': 'admin', version: 'v2' }];
  assert.ok(speaksOf(policy({ 'kuma.io/service': 'admin' }), caller));
  assert.ok(speaksOf(policy({ 'kuma.io/service': 'other' }, { 'kuma.io/service': '*', version: 'v2' }), caller));
  assert.ok(!speaksOf(policy({ 'kuma.io/service': 'admin', version: 'v1' }), caller));
  assert.ok(!speaksOf(policy({ 'kuma.io/service': '*', zone: '*' }), caller));
  assert.ok(speaksOf(policy({ 'kuma.io/service': '*' }), [{}]));
  assert.ok(!speaksOf(policy(), caller));
});
