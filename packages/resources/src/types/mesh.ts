// Mesh: the tenant unit, with its certificate authorities and observability backends.
import { type Static, Type } from 'typebox';
import { defineType } from '../define-type.ts';
import {
  anyObject,
  closed,
  oneOf,
  optionalFlag,
  optionalProtoDuration,
  optionalTags,
  optionalText,
  wrappedFlag,
  wrappedNumber,
} from '../schema/shapes.ts';
import { validateMesh } from './mesh-rules.ts';
import { dnsNameWarnings } from './service-name.ts';

/** One certificate authority of a mesh. `conf` depends on `type`; durations may use days (`30d`). */
export const certificateAuthorityBackend = closed({
  name: optionalText,
  type: optionalText,
  mode: Type.Optional(oneOf('STRICT', 'PERMISSIVE')),
  dpCert: Type.Optional(
    closed({ rotation: Type.Optional(closed({ expiration: optionalText })), requestTimeout: optionalProtoDuration }),
  ),
  rootChain: Type.Optional(closed({ requestTimeout: optionalProtoDuration })),
  conf: Type.Optional(anyObject),
});
/** One certificate authority of a mesh. */
export type CertificateAuthorityBackend = Static<typeof certificateAuthorityBackend>;

const backend = { name: optionalText, type: optionalText, conf: Type.Optional(anyObject) };
const tagMatches = Type.Optional(Type.Array(closed({ tags: optionalTags })));

const meshSpec = closed({
  mtls: Type.Optional(
    closed({
      enabledBackend: optionalText,
      backends: Type.Optional(Type.Array(certificateAuthorityBackend)),
      skipValidation: optionalFlag,
    }),
  ),
  tracing: Type.Optional(
    closed({
      defaultBackend: optionalText,
      backends: Type.Optional(Type.Array(closed({ ...backend, sampling: wrappedNumber }))),
    }),
  ),
  logging: Type.Optional(
    closed({
      defaultBackend: optionalText,
      backends: Type.Optional(Type.Array(closed({ ...backend, format: optionalText }))),
    }),
  ),
  metrics: Type.Optional(
    closed({ enabledBackend: optionalText, backends: Type.Optional(Type.Array(closed(backend))) }),
  ),
  networking: Type.Optional(closed({ outbound: Type.Optional(closed({ passthrough: wrappedFlag })) })),
  routing: Type.Optional(
    closed({
      localityAwareLoadBalancing: optionalFlag,
      zoneEgress: optionalFlag,
      defaultForbidMeshExternalServiceAccess: optionalFlag,
    }),
  ),
  constraints: Type.Optional(
    closed({ dataplaneProxy: Type.Optional(closed({ requirements: tagMatches, restrictions: tagMatches })) }),
  ),
  skipCreatingInitialPolicies: Type.Optional(Type.Array(Type.String())),
  meshServices: Type.Optional(
    closed({ mode: Type.Optional(oneOf('Disabled', 'Everywhere', 'ReachableBackends', 'Exclusive')) }),
  ),
});
/** Certificate authorities, observability backends and behaviour of a mesh. */
export type MeshSpec = Static<typeof meshSpec>;

/** Resource type of meshes. */
export const mesh = defineType({
  name: 'Mesh',
  shortName: 'm',
  scope: 'Global',
  specForm: 'inline',
  spec: meshSpec,
  providedByZone: false,
  validate: validateMesh,
  warn: (_spec: MeshSpec, context) => dnsNameWarnings('Mesh', context),
});
