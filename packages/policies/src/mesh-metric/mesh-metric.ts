// MeshMetric: which metrics of a proxy and of the applications behind it are shown, where, and to whom.
import { defineProxyPolicy, type Report } from '@ursa/policy';
import { closed, duration, oneOf, uint32 } from '@ursa/resources';
import { type Static, Type } from 'typebox';
import { backendResourceRef, checkCollector, collectorStatus, warnAboutEndpoints } from '../conf/open-telemetry.ts';

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

const conf = closed({
  sidecar: Type.Optional(sidecar),
  applications: Type.Optional(Type.Array(application)),
  backends: Type.Optional(Type.Array(backend)),
});

type Conf = Static<typeof conf>;

/** The policy. Its effect on proxies comes later. */
export const meshMetric = defineProxyPolicy({
  name: 'MeshMetric',
  shortName: 'mm',
  summary: 'Says which metrics are shown, where and to whom.',
  targetRef: ['Mesh', 'Dataplane', 'MeshSubset', 'MeshGateway', 'MeshService', 'MeshServiceSubset'],
  conf,
  status: collectorStatus,
  gatewayListenerTags: true,
  checkConf: checkMetrics,
  warn: (spec: { readonly default?: Conf }) => warnAboutEndpoints(spec.default?.backends ?? []),
});

// The peers name the item of a list behind the list; clients know these paths.
function checkMetrics({ sidecar: proxy, applications = [], backends = [] }: Conf, report: Report): void {
  for (const list of ['exclude', 'include'] as const) {
    for (const [index, { type, match }] of (proxy?.profiles?.[list] ?? []).entries()) {
      const field = `sidecar.profiles.${list}[${index}].match`;
      if (type === 'Regex' && !isRegex(match)) report.add(field, 'invalid regex');
    }
  }
  for (const [index, { port }] of applications.entries()) {
    checkPort(port, report, `applications.application[${index}]`);
  }
  for (const [index, { type, prometheus, openTelemetry }] of backends.entries()) {
    const at = report.at(`backends.backend[${index}]`);
    if (type === 'Prometheus') {
      if (prometheus === undefined) at.add('prometheus', 'must be defined');
      else checkPort(prometheus.port ?? 5670, at, 'port');
    } else if (openTelemetry === undefined) at.add('openTelemetry', 'must be defined');
    else checkCollector(at.at('openTelemetry'), openTelemetry);
  }
}

function checkPort(port: number, report: Report, field: string): void {
  if (port < 1 || port > 65535) report.add(field, 'port must be a valid (1-65535)');
}

function isRegex(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}
