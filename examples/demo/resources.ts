// The demo's resources: what a user would write, as objects.
import type { ResourceDocument } from './control-plane.ts';

/** Mutual TLS with a certificate authority that the control plane makes itself; whoever has no certificate is refused. */
export const meshWithMutualTls: ResourceDocument = {
  type: 'Mesh',
  name: 'default',
  mtls: { enabledBackend: 'ca-1', backends: [{ name: 'ca-1', type: 'builtin', mode: 'STRICT' }] },
};

/** Only the counter may use the store. Without a permission nobody may. */
export const allowCounter: ResourceDocument = {
  type: 'MeshTrafficPermission',
  mesh: 'default',
  name: 'allow-counter',
  spec: {
    targetRef: { kind: 'Dataplane', labels: { app: 'key-value-store' } },
    from: [{ targetRef: { kind: 'MeshSubset', tags: { 'kuma.io/service': 'counter' } }, default: { action: 'Allow' } }],
  },
};
