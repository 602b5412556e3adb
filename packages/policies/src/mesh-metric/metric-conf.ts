// What a MeshMetric can say.
import { closed, duration, oneOf, uint32 } from '@ursa/resources';
import { type Static, Type } from 'typebox';
import { backendResourceRef } from '../conf/open-telemetry.ts';

const selectors = Type.Optional(
  Type.Array(closed({ type: oneOf('Prefix', 'Regex', 'Exact', 'Contains'), match: Type.String() })),
);

const sidecar = closed({
  profiles: Type.Optional(
    closed({
      appendProfiles: Type.Optional(Type.Array(closed({ name: oneOf('All', 'Basic', 'None') }))),
      exclude: selectors,
      include: selectors,
    }),
  ),
  includeUnused: Type.Optional(Type.Boolean({ default: false })),
});

const application = closed({
  name: Type.Optional(Type.String()),
  path: Type.Optional(Type.String({ default: '/metrics/prometheus' })),
  address: Type.Optional(Type.String()),
  port: uint32(),
});

const backend = closed({
  type: oneOf('Prometheus', 'OpenTelemetry'),
  prometheus: Type.Optional(
    closed({
      clientId: Type.Optional(Type.String()),
      port: Type.Optional(Type.Integer({ minimum: 0, maximum: 4294967295, default: 5670 })),
      path: Type.Optional(Type.String({ default: '/metrics' })),
      tls: Type.Optional(
        closed({
          mode: Type.Unsafe<TlsMode>({ enum: ['Disabled', 'ProvidedTLS', 'ActiveMTLSBackend'], default: 'Disabled' }),
        }),
      ),
    }),
  ),
  openTelemetry: Type.Optional(
    closed({
      endpoint: Type.Optional(Type.String()),
      backendRef: Type.Optional(backendResourceRef),
      refreshInterval: Type.Optional(duration('Between two deliveries. Default 60s.')),
    }),
  ),
});

type TlsMode = 'Disabled' | 'ProvidedTLS' | 'ActiveMTLSBackend';

/** Conf of the policy. */
export const metricConf = closed({
  sidecar: Type.Optional(sidecar),
  applications: Type.Optional(Type.Array(application)),
  backends: Type.Optional(Type.Array(backend)),
});

export type MetricConf = Static<typeof metricConf>;
export type MetricBackend = Static<typeof backend>;
export type Prometheus = NonNullable<MetricBackend['prometheus']>;
