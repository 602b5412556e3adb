import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MeshIdentitySpec, selectMeshIdentity, spiffeIdOf, trustDomainOf } from '../src/index.ts';

const universal = { mesh: 'default', zone: 'east', environment: 'universal' } as const;

const identity = (name: string, matchLabels?: Readonly<Record<string, string>>) => ({
  name,
  spec: matchLabels === undefined ? {} : { selector: { dataplane: { matchLabels } } },
});

const chosen = (...identities: readonly ReturnType<typeof identity>[]) =>
  selectMeshIdentity(identities, { app: 'web', team: 'shop' })?.name;

test('of the identities that fit the one with most labels wins, then the first by name', () => {
  assert.equal(chosen(identity('all', {}), identity('web', { app: 'web' })), 'web');
  assert.equal(chosen(identity('web', { app: 'web' }), identity('both', { app: 'web', team: 'shop' })), 'both');
  assert.equal(chosen(identity('z', { app: 'web' }), identity('a', { team: 'shop' })), 'a');
  assert.equal(chosen(identity('all', {}), identity('other', { app: 'api' })), 'all');
});

test('an identity without a selector speaks for nobody', () => {
  assert.equal(chosen(identity('none')), undefined);
});

test('templates are filled in from mesh, zone and labels', () => {
  const id = (spec: MeshIdentitySpec, labels: Readonly<Record<string, string>>, context = universal) => {
    const result = spiffeIdOf(spec, labels, context);
    return 'id' in result ? result.id : result.problem;
  };
  assert.equal(id({}, { 'kuma.io/workload': 'web' }), 'spiffe://default.east.mesh.local/workload/web');
  const names = { 'k8s.kuma.io/namespace': 'shop', 'k8s.kuma.io/service-account': 'web' };
  const kubernetes = spiffeIdOf({}, names, { ...universal, environment: 'kubernetes' });
  assert.equal('id' in kubernetes && kubernetes.id, 'spiffe://default.east.mesh.local/ns/shop/sa/web');
  const spiffeID = { trustDomain: 'prod.example', path: '/{{ .Zone }}/{{ label "app" }}' };
  assert.equal(id({ spiffeID }, { app: 'web' }), 'spiffe://prod.example/east/web');
  assert.equal(id({ spiffeID: { path: 'web' } }, {}), 'spiffe://default.east.mesh.local/web');
});

test('what cannot be filled in is named, and nothing is made up for it', () => {
  const problem = (spiffeID: MeshIdentitySpec['spiffeID'], labels: Readonly<Record<string, string>> = {}) => {
    const result = spiffeIdOf(spiffeID === undefined ? {} : { spiffeID }, labels, universal);
    return 'problem' in result ? result.problem : result.id;
  };
  assert.equal(
    problem(undefined),
    'spec.spiffeID.path: {{ .Workload }} has no value: the proxy has no label kuma.io/workload',
  );
  assert.equal(
    problem({ path: '/{{ label "app" }}' }),
    'spec.spiffeID.path: {{ label "app" }} has no value: the proxy has no label app',
  );
  assert.equal(
    problem({ path: '/{{ .Team }}' }),
    'spec.spiffeID.path: {{ .Team }} has no value: there is no such field',
  );
  assert.match(problem({ path: '/{{ label "app" }}' }, { app: '../admin' }), /no path of a SPIFFE ID/);
  assert.match(problem({ path: '/{{ label "app" }}' }, { app: 'a/../b' }), /no path of a SPIFFE ID/);
  assert.match(problem({ path: '/web', trustDomain: 'Prod' }), /"Prod" is no trust domain/);
});

test('a trust domain takes the mesh and the zone', () => {
  assert.deepEqual(trustDomainOf({}, universal), { trustDomain: 'default.east.mesh.local' });
});
