// Rules from routes of the older form: for each service that is named the closest one, for all others the closest that speaks of all.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Resource } from '@ursa/resources';
import { compareFits, fitOfCaller, mergeOlderRoutes, policyHead } from '../src/index.ts';

type Tags = Readonly<Record<string, string>>;

function route(name: string, source: Tags, destinations: readonly string[], day = 1): Resource {
  const time = `2026-01-0${day}T00:00:00Z`;
  return {
    type: 'TrafficRoute',
    mesh: 'default',
    name,
    labels: {},
    creationTime: time,
    modificationTime: time,
    version: 1,
    spec: {
      sources: [{ match: source }],
      destinations: destinations.map((service) => ({ match: { 'kuma.io/service': service } })),
      conf: { of: name },
    },
  } as unknown as Resource;
}

const caller: readonly Tags[] = [{ 'kuma.io/service': 'web', version: 'v1' }, { 'kuma.io/service': 'web-admin' }];

/** For each service (`*` for all others) the route that holds. */
function held(...routes: readonly Resource[]): object {
  const speaking = routes.flatMap((resource) => {
    const fit = fitOfCaller(resource, caller);
    return fit === undefined ? [] : [{ head: policyHead(resource), fit }];
  });
  const { toSubsets } = mergeOlderRoutes(speaking);
  return Object.fromEntries(
    toSubsets.map(({ subset, origins, conf }) => {
      assert.deepEqual(conf, { of: origins[0]?.name });
      return [subset[0]?.value ?? '*', origins[0]?.name];
    }),
  );
}

const service = (name: string, tags: Tags = {}): Tags => ({ 'kuma.io/service': name, ...tags });

test('one that names a service goes before one for all, and one for all is left to the others', () => {
  assert.deepEqual(held(route('all', service('*'), ['*']), route('some', service('*'), ['api', 'db'])), {
    api: 'some',
    db: 'some',
    '*': 'all',
  });
  assert.deepEqual(held(route('some', service('*'), ['api'])), { api: 'some' });
  assert.deepEqual(held(), {});
});

test('tags of sources and destinations count together, more of them before exact ones', () => {
  const named = route('named', service('web'), ['api']);
  assert.deepEqual(held(named, route('wide', service('*', { version: '*' }), ['*'])), { api: 'wide', '*': 'wide' });
  assert.deepEqual(held(named, route('alike', service('*'), ['api'])), { api: 'named' });
  assert.ok(compareFits([3, 0], [2, 2]) > 0);
  assert.ok(compareFits([2, 1], [2, 2]) < 0);
});

test('of equals the younger holds, then the first by name', () => {
  const [first, second] = [route('b', service('web'), ['api']), route('a', service('web'), ['api'])];
  assert.deepEqual(held(first, second), { api: 'a' });
  assert.deepEqual(held(route('b', service('web'), ['api'], 2), second), { api: 'b' });
});

test('a caller is each of its inbounds; one without any is spoken of as a service', () => {
  assert.deepEqual(held(route('admin', service('web-admin'), ['api'])), { api: 'admin' });
  assert.deepEqual(held(route('mixed', service('web-admin', { version: 'v1' }), ['api'])), {});
  assert.deepEqual(fitOfCaller(route('all', service('*'), ['api']), []), [1, 0]);
  assert.equal(fitOfCaller(route('web', service('web'), ['api']), []), undefined);
});
