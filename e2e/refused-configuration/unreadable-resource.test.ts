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

/** What is refused once is remembered: each protocol has policies of its own. */
const casesOf = (suffix: string) => [
  {
    type: 'cluster_manager.cds',
    bad: patch(`impatient-${suffix}`, {
      cluster: { operation: 'Patch', match: outbound, value: 'connectTimeout: 0s' },
    }),
  },
  {
    type: 'listener_manager.lds',
    bad: patch(`no-such-port-${suffix}`, {
      listener: {
        operation: 'Patch',
        match: { origin: 'outbound', tags: { 'kuma.io/service': 'other' } },
        value: 'address: { socketAddress: { address: 127.0.0.1, portValue: 99999 } }',
      },
    }),
  },
];

for (const variant of ['DELTA_GRPC', 'GRPC'] as const)
  for (const { type, bad } of casesOf(variant === 'GRPC' ? 'whole' : 'delta'))
    test(`${variant}, ${type}: a proxy that starts with a resource it cannot read serves everything else, and the policy says so`, async () => {
      await controlPlane.apply(bad);
      const client = await world.start({
        service: `client-${variant === 'GRPC' ? 'whole' : 'delta'}`,
        calls: ['backend', 'other'],
        environment: { KUMA_DATAPLANE_RUNTIME_ENVOY_XDS_TRANSPORT_PROTOCOL_VARIANT: variant },
      });
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
      assert.ok((await client.admin('/config_dump')).includes(`"api_type": "${variant}"`), 'it speaks this protocol');
      // Without the policy the other one has all it needs, too.
      await answers(client.urlOf('other'), 200);
      await controlPlane.delete(bad);
      await answers(client.urlOf('backend'), 200);
      // It would refuse the next one's clusters before that one starts.
      await client.proxy.stop();
    });
