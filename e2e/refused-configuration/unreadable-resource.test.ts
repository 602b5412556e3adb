// A resource that Envoy cannot read costs it the whole response. A proxy that meets it with its first configuration gets everything else all the same.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { ResourceDocument } from '../../examples/demo/control-plane.ts';
import { resourcePath } from '../../examples/demo/control-plane.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { answers, openWorld } from '../harness/world.ts';

// What a real Envoy refuses at the write never gets as far as this.
const world = await openWorld({ KUMA_POLICIES_ENVOY_VALIDATION_ENABLED: 'false' });
after(() => world.close());
const { controlPlane } = world;
await world.start({ service: 'backend' });
await world.start({ service: 'other' });

const patch = (name: string, modification: object): ResourceDocument => ({
  type: 'MeshProxyPatch',
  mesh: 'default',
  name,
  spec: { targetRef: { kind: 'Mesh' }, default: { appendModifications: [modification] } },
});
const outbound = { origin: 'outbound', name: 'other' };

for (const { type, bad } of [
  {
    type: 'cluster_manager.cds',
    bad: patch('impatient', { cluster: { operation: 'Patch', match: outbound, value: 'connectTimeout: 0s' } }),
  },
  {
    type: 'listener_manager.lds',
    bad: patch('no-such-port', {
      listener: {
        operation: 'Patch',
        match: { origin: 'outbound', tags: { 'kuma.io/service': 'other' } },
        value: 'address: { socketAddress: { address: 127.0.0.1, portValue: 99999 } }',
      },
    }),
  },
] as const)
  test(`${type}: a proxy that starts with a resource it cannot read serves everything else, and the policy says so`, async () => {
    await controlPlane.apply(bad);
    const client = await world.start({ service: 'client', calls: ['backend', 'other'] });
    await answers(client.urlOf('backend'), 200);
    const { message, reason } = await waitFor(
      'the policy says that it is refused',
      async () => {
        const { json } = await controlPlane.request('GET', resourcePath(bad));
        type Answer = { readonly status?: { readonly conditions?: readonly { message: string; reason: string }[] } };
        return (json as Answer).status?.conditions?.[0];
      },
      { within: 30_000 },
    );
    assert.equal(reason, 'HeldBack');
    assert.match(message, /Proto constraint validation failed/);
    assert.doesNotMatch(await client.admin(`/stats?filter=${type}.update_rejected`), /update_rejected: 0$/m);
    // Without the policy the other one has all it needs, too.
    await answers(client.urlOf('other'), 200);
    await controlPlane.delete(bad);
    await answers(client.urlOf('backend'), 200);
  });
