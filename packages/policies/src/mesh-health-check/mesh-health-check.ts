// MeshHealthCheck: clients' proxies ask every instance of a destination whether it is well.
import {
  checkAnyOf,
  checkDecimalPercentage,
  checkPercentage,
  checkPositiveDuration,
  defineProxyPolicy,
  type Report,
} from '@ursa/policy';
import { closed, duration, int32, intOrString } from '@ursa/resources';
import { type Static, Type } from 'typebox';
import { headersToWrite } from '../conf/headers.ts';

const disabled = Type.Optional(Type.Boolean({ description: 'Switches off what wider policies say.' }));

const conf = closed({
  interval: Type.Optional(duration('Between two checks. Default 1m.')),
  timeout: Type.Optional(duration('For an answer. Default 15s.')),
  unhealthyThreshold: Type.Optional(int32()),
  healthyThreshold: Type.Optional(int32()),
  initialJitter: Type.Optional(duration('The first check comes after a random time up to this.')),
  intervalJitter: Type.Optional(duration('Added at random to each interval.')),
  intervalJitterPercent: Type.Optional(int32()),
  healthyPanicThreshold: Type.Optional(intOrString()),
  failTrafficOnPanic: Type.Optional(Type.Boolean()),
  eventLogPath: Type.Optional(Type.String()),
  alwaysLogHealthCheckFailures: Type.Optional(Type.Boolean()),
  noTrafficInterval: Type.Optional(duration('Between two checks while there was no traffic yet. Default 60s.')),
  tcp: Type.Optional(
    closed({ disabled, send: Type.Optional(Type.String()), receive: Type.Optional(Type.Array(Type.String())) }),
  ),
  http: Type.Optional(
    closed({
      disabled,
      path: Type.Optional(Type.String()),
      requestHeadersToAdd: Type.Optional(headersToWrite),
      expectedStatuses: Type.Optional(Type.Array(int32())),
    }),
  ),
  grpc: Type.Optional(
    closed({ disabled, serviceName: Type.Optional(Type.String()), authority: Type.Optional(Type.String()) }),
  ),
  reuseConnection: Type.Optional(Type.Boolean()),
});

type Conf = Static<typeof conf>;

/** The policy. Its effect on proxies comes later. */
export const meshHealthCheck = defineProxyPolicy({
  name: 'MeshHealthCheck',
  shortName: 'mhc',
  summary: 'Asks instances whether they are well and leaves out those that are not.',
  targetRef: ['Mesh', 'Dataplane', 'MeshSubset', 'MeshGateway', 'MeshService', 'MeshServiceSubset'],
  to: ['Mesh', 'MeshService', 'MeshExternalService', 'MeshMultiZoneService'],
  listsRequired: false,
  conf,
  gatewayListenerTags: true,
  checkConf: checkHealthCheck,
  warn: ({ to = [] }: { readonly to?: readonly { readonly default?: Conf }[] }) =>
    to.some((entry) => entry.default?.healthyPanicThreshold !== undefined)
      ? [
          "healthyPanicThreshold for 'to[].default' is deprecated. The setting has been moved to MeshCircuitBreaker policy, please use MeshCircuitBreaker policy instead.",
        ]
      : [],
});

function checkHealthCheck(given: Conf, report: Report): void {
  const durations = ['interval', 'timeout', 'initialJitter', 'intervalJitter', 'noTrafficInterval'] as const;
  for (const field of durations) checkPositiveDuration(report, field, given[field]);
  for (const field of ['unhealthyThreshold', 'healthyThreshold'] as const) {
    if ((given[field] ?? 1) <= 0) report.add(field, 'must be greater than zero when defined');
  }
  checkPercentage(report, 'intervalJitterPercent', given.intervalJitterPercent);
  checkDecimalPercentage(report, 'healthyPanicThreshold', given.healthyPanicThreshold);
  if (given.http?.path === '') report.add('http.path', 'must be defined');
  for (const [index, status] of (given.http?.expectedStatuses ?? []).entries()) {
    if (status < 100 || status > 599) {
      report.add(`http.expectedStatuses[${index}]`, 'must be in inclusive range [100, 599]');
    }
  }
  checkAnyOf(report, '', given, ['http', 'tcp', 'grpc']);
}
