// A MeshIdentity whose CA another one has signed, and a MeshTrust that has the root alone.
import { after, test } from 'node:test';
import { createControlPlaneAuthority } from '../../packages/control-plane/src/identity/authorities/builtin-authority.ts';
import { issueIntermediate } from '../harness/intermediate-authority.ts';
import { answers, openWorld, policy } from '../harness/world.ts';
import { clients, isReady, rules, spiffeId } from '../mesh-identity/identities.ts';
import { isVerifiedByRootAlone } from './root-alone.ts';

const world = await openWorld({ KUMA_DEFAULTS_SKIP_MESH_CREATION: 'true' }, true);
after(() => world.close());
const { controlPlane } = world;

test('workloads that trust the root alone reach each other', async () => {
  const meshServices = { mode: 'Exclusive' };
  await controlPlane.apply({ type: 'Mesh', name: 'default', meshServices, skipCreatingInitialPolicies: ['*'] });
  const root = await createControlPlaneAuthority('Company root', Date.now());
  const issuing = await issueIntermediate(root, 'Company mesh default');
  const inline = (value: string) => ({ type: 'InsecureInline', insecureInline: { value } });
  await controlPlane.apply(
    policy('MeshTrust', 'company', {
      trustDomain: 'default.default.mesh.local',
      caBundles: [{ type: 'Pem', pem: { value: root.certificate } }],
    }),
  );
  const ca = { certificate: inline(issuing.certificate), privateKey: inline(issuing.privateKey) };
  await controlPlane.apply(
    policy('MeshIdentity', 'identity', {
      selector: { dataplane: { matchLabels: {} } },
      spiffeID: { path: '/app/{{ label "app" }}' },
      provider: { type: 'Bundled', bundled: { meshTrustCreation: 'Disabled', ca } },
    }),
  );
  await controlPlane.apply(rules({ allow: [clients(spiffeId('web'))] }));
  const backend = await world.start({ service: 'backend' });
  const web = await world.start({ service: 'web', calls: ['backend'] });
  await isReady(controlPlane, 'identity');
  await isVerifiedByRootAlone(backend, root.certificate);
  await answers(web.urlOf('backend'), 200, 30_000);
});
