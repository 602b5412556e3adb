// A proxy that moves from one MeshIdentity to another keeps what it has, on listeners and clusters, until its new certificate is there: never plain text between.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resourceJson } from '@ursa/envoy';
import { createWorld, defaultFeatures, type World } from './world.ts';

const dataplane = (name: string, outbound: readonly object[] = []) => ({
  type: 'Dataplane',
  mesh: 'shop',
  name,
  labels: { app: name },
  networking: {
    address: '10.0.0.1',
    inbound: [{ port: 8080, tags: { 'kuma.io/service': name, 'kuma.io/protocol': 'http' } }],
    outbound,
  },
});
const identity = (name: string, trustDomain: string) => ({
  type: 'MeshIdentity',
  mesh: 'shop',
  name,
  spec: {
    selector: { dataplane: { matchLabels: {} } },
    spiffeID: { path: '/{{ label "app" }}', trustDomain },
    provider: { type: 'Bundled', bundled: { autogenerate: { enabled: true } } },
  },
});
const kri = (name: string) => `kri_mid_shop_default__${name}_`;

function namesOf(
  world: World,
  key: string,
): { readonly inbound: string; readonly outbound: string; readonly secrets: readonly string[] } {
  const { resources } = world.engine.config.get(key) ?? assert.fail(key);
  const text = (type: 'listener' | 'cluster', part: string) =>
    JSON.stringify(
      [...resources[type].values()].filter(({ name }) => name.includes(part)).map((each) => resourceJson(each)),
    );
  return { inbound: text('listener', '8080'), outbound: text('cluster', 'api'), secrets: [...resources.secret.keys()] };
}

for (const end of ['stays', 'is deleted'])
  test(`the former identity counts until the new certificate is there, when its MeshIdentity ${end}`, () => {
    const world = createWorld();
    world.apply({ type: 'Mesh', name: 'shop' });
    world.apply(dataplane('api'));
    world.apply(dataplane('web', [{ port: 9090, tags: { 'kuma.io/service': 'api' } }]));
    world.apply(identity('old', 'old.example'));
    world.settle();
    for (const name of ['api', 'web']) world.connect('shop', name, { features: defaultFeatures });
    const before = namesOf(world, 'shop/web');
    assert.ok(before.secrets.includes(kri('old')));
    assert.ok(before.outbound.includes('spiffe://old.example/api'));

    world.apply(identity('a-new', 'new.example'));
    if (end === 'is deleted') world.delete('MeshIdentity', 'shop/old');
    assert.equal(world.engine.identityRequest.get('shop/web')?.backend, kri('a-new'));
    const moving = namesOf(world, 'shop/web');
    for (const part of [moving.inbound, moving.outbound]) assert.ok(part.includes(kri('old')), part);
    assert.ok(moving.secrets.includes(kri('old')));

    // The world gives a proxy that connects the certificate that it should have.
    for (const name of ['api', 'web']) world.connect('shop', name, { features: defaultFeatures });
    const after = namesOf(world, 'shop/web');
    for (const part of [after.inbound, after.outbound]) {
      assert.ok(part.includes(kri('a-new')), part);
      assert.ok(!part.includes(kri('old')), part);
    }
    assert.ok(!after.secrets.includes(kri('old')));
  });
