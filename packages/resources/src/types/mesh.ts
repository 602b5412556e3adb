// Mesh: the tenant unit, with its certificate authorities and observability backends.
import { type Static, Type } from 'typebox';
import { defineType } from '../define-type.ts';
import { closed, oneOf } from '../schema/shapes.ts';

const dpCert = closed({
  rotation: Type.Optional(closed({ expiration: Type.Optional(Type.String()) })),
  requestTimeout: Type.Optional(Type.String()),
});

/** One certificate authority of a mesh. `conf` depends on `type`. */
export const certificateAuthorityBackend = closed({
  name: Type.String(),
  type: Type.String(),
  mode: Type.Optional(oneOf('STRICT', 'PERMISSIVE')),
  dpCert: Type.Optional(dpCert),
  rootChain: Type.Optional(closed({ requestTimeout: Type.Optional(Type.String()) })),
  conf: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});

const backend = {
  name: Type.String(),
  type: Type.String(),
  conf: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
};

const tagsMatcher = closed({ tags: Type.Optional(Type.Record(Type.String(), Type.String())) });

export const meshSpec = closed({
  mtls: Type.Optional(
    closed({
      enabledBackend: Type.Optional(Type.String()),
      backends: Type.Optional(Type.Array(certificateAuthorityBackend)),
      skipValidation: Type.Optional(Type.Boolean()),
    }),
  ),
  tracing: Type.Optional(
    closed({
      defaultBackend: Type.Optional(Type.String()),
      backends: Type.Optional(Type.Array(closed({ ...backend, sampling: Type.Optional(Type.Number()) }))),
    }),
  ),
  logging: Type.Optional(
    closed({
      defaultBackend: Type.Optional(Type.String()),
      backends: Type.Optional(Type.Array(closed({ ...backend, format: Type.Optional(Type.String()) }))),
    }),
  ),
  metrics: Type.Optional(
    closed({ enabledBackend: Type.Optional(Type.String()), backends: Type.Optional(Type.Array(closed(backend))) }),
  ),
  networking: Type.Optional(
    closed({ outbound: Type.Optional(closed({ passthrough: Type.Optional(Type.Boolean()) })) }),
  ),
  routing: Type.Optional(
    closed({
      localityAwareLoadBalancing: Type.Optional(Type.Boolean()),
      zoneEgress: Type.Optional(Type.Boolean()),
      defaultForbidMeshExternalServiceAccess: Type.Optional(Type.Boolean()),
    }),
  ),
  constraints: Type.Optional(
    closed({
      dataplaneProxy: Type.Optional(
        closed({
          requirements: Type.Optional(Type.Array(tagsMatcher)),
          restrictions: Type.Optional(Type.Array(tagsMatcher)),
        }),
      ),
    }),
  ),
  meshServices: Type.Optional(
    closed({ mode: Type.Optional(oneOf('Disabled', 'Everywhere', 'ReachableBackends', 'Exclusive')) }),
  ),
  skipCreatingInitialPolicies: Type.Optional(Type.Array(Type.String())),
});
export type MeshSpec = Static<typeof meshSpec>;

export const mesh = defineType({
  name: 'Mesh',
  shortName: 'm',
  scope: 'Global',
  specForm: 'inline',
  spec: meshSpec,
  providedByZone: false,
});
