// MeshAccessLog: where a proxy writes a line for every request and connection, and what the line says.
import { clientMatches, defineProxyPolicy, type Report } from '@ursa/policy';
import { collectorStatus, warnAboutEndpoints } from '../conf/open-telemetry.ts';
import { type AccessLogConf, accessLogConf, checkAccessLog } from './access-log-conf.ts';

const destinations = ['Mesh', 'MeshService', 'MeshExternalService', 'MeshMultiZoneService', 'MeshHTTPRoute'] as const;

interface Entry {
  readonly default?: AccessLogConf;
}

/** The policy. Its effect on proxies comes later. */
export const meshAccessLog = defineProxyPolicy({
  name: 'MeshAccessLog',
  shortName: 'mal',
  summary: 'Writes a line for every request and connection.',
  targetRef: ['Mesh', 'Dataplane', 'MeshSubset', 'MeshGateway', 'MeshService', 'MeshServiceSubset'],
  to: destinations,
  from: ['Mesh'],
  rules: clientMatches,
  status: collectorStatus,
  conf: accessLogConf,
  gatewayListenerTags: true,
  toKinds: ({ kind }) => (kind === 'MeshGateway' ? ['Mesh'] : destinations),
  checkConf: (conf, report: Report) => checkAccessLog(conf, report),
  warn: ({ to = [], from = [], rules = [] }: { [list in 'to' | 'from' | 'rules']?: readonly Entry[] }) =>
    warnAboutEndpoints([...to, ...from, ...rules].flatMap((entry) => entry.default?.backends ?? [])),
});
