import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineProxyPolicy, inboundMatches } from '@ursa/policy';
import { closed, coreResourceTypes, createResourceTypes } from '@ursa/resources';
import { createWorld } from '../../engine/test/world.ts';
import { builtinPolicies, policyResourceTypes } from '../src/index.ts';

test('every policy has a name, a short name and a path of its own', () => {
  const types = createResourceTypes([...coreResourceTypes, ...policyResourceTypes]);
  for (const { name, resourceType } of builtinPolicies) {
    assert.equal(types.byName(name), resourceType);
    assert.equal(types.byPath(resourceType.path), resourceType);
  }
  const shortNames = policyResourceTypes.map((type) => type.shortName);
  assert.equal(new Set(shortNames).size, shortNames.length);
});

test('every policy says in one sentence what it does', () => {
  for (const { name, summary } of builtinPolicies) assert.match(summary, /^[A-Z][^.]*\.$/, name);
});

test('a policy that has no effect yet says so on the proxies that it applies to', () => {
  const idle = defineProxyPolicy({
    name: 'MeshIdle',
    shortName: 'mid',
    summary: 'Does nothing.',
    targetRef: ['Mesh', 'Dataplane'],
    rules: inboundMatches,
    conf: closed({}),
  });
  const world = createWorld([idle]);
  world.apply({ type: 'Mesh', name: 'default' });
  const inbound = [{ port: 80, tags: { 'kuma.io/service': 'web' } }];
  for (const name of ['web-1', 'web-2']) {
    world.apply({ type: 'Dataplane', mesh: 'default', name, networking: { address: '192.0.2.1', inbound } });
  }
  const rules = [{ default: {} }];
  const targetRef = { kind: 'Dataplane', name: 'web-1' };
  world.apply({ type: 'MeshIdle', mesh: 'default', name: 'some', spec: { targetRef, rules } });
  const warningsOf = (name: string) => world.engine.config.get(world.connect('default', name))?.warnings;
  assert.deepEqual(warningsOf('web-1'), [{ message: 'MeshIdle applies to this proxy and has no effect yet' }]);
  assert.deepEqual(warningsOf('web-2'), []);
});
