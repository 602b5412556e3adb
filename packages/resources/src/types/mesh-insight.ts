// MeshInsight and ServiceInsight: numbers over a mesh and its services. Written by the control plane only.
import { type Static, Type } from 'typebox';
import { defineType } from '../define-type.ts';
import { closed, oneOf, optionalCount, optionalTags, optionalText, uint32 } from '../schema/shapes.ts';

const dataplaneStat = closed({
  total: optionalCount,
  online: optionalCount,
  offline: optionalCount,
  partiallyDegraded: optionalCount,
});
const statsByName = Type.Optional(Type.Record(Type.String(), dataplaneStat));
const totalsByName = Type.Optional(Type.Record(Type.String(), closed({ total: optionalCount })));

const meshInsightSpec = closed({
  dataplanes: Type.Optional(dataplaneStat),
  policies: totalsByName,
  dpVersions: Type.Optional(closed({ kumaDp: statsByName, envoy: statsByName })),
  mTLS: Type.Optional(closed({ issuedBackends: statsByName, supportedBackends: statsByName })),
  services: Type.Optional(closed({ total: optionalCount, internal: optionalCount, external: optionalCount })),
  dataplanesByType: Type.Optional(
    closed({
      standard: Type.Optional(dataplaneStat),
      gateway: Type.Optional(dataplaneStat),
      gatewayBuiltin: Type.Optional(dataplaneStat),
      gatewayDelegated: Type.Optional(dataplaneStat),
    }),
  ),
  resources: totalsByName,
});
/** Numbers of proxies, services and resources of a mesh. */
export type MeshInsightSpec = Static<typeof meshInsightSpec>;

const serviceInsightSpec = closed({
  services: Type.Optional(
    Type.Record(
      Type.String(),
      closed({
        status: Type.Optional(oneOf('not_available', 'online', 'offline', 'partially_degraded')),
        dataplanes: Type.Optional(closed({ total: optionalCount, online: optionalCount, offline: optionalCount })),
        issuedBackends: Type.Optional(Type.Record(Type.String(), uint32())),
        serviceType: Type.Optional(oneOf('internal', 'external', 'gateway_builtin', 'gateway_delegated')),
        addressPort: optionalText,
        zones: Type.Optional(Type.Array(Type.String())),
        tags: optionalTags,
      }),
    ),
  ),
});
/** Numbers by service name. */
export type ServiceInsightSpec = Static<typeof serviceInsightSpec>;

const insight = {
  pathStyle: 'hyphenated',
  readOnly: true,
  includeInFederation: false,
  specForm: 'inline',
  providedByZone: false,
} as const;

/** Resource type of the numbers of a mesh. */
export const meshInsight = defineType({ name: 'MeshInsight', scope: 'Global', spec: meshInsightSpec, ...insight });
/** Resource type of the numbers of all services of a mesh. */
export const serviceInsight = defineType({ name: 'ServiceInsight', spec: serviceInsightSpec, ...insight });
