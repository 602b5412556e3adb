// MeshRateLimit: how many requests or connections an instance takes in a time; each proxy counts for itself.
import { create } from '@bufbuild/protobuf';
import { type FilterChainDraft, inspectTls, networkFilter, pack } from '@ursa/envoy';
import { LocalRateLimitSchema as ConnectionRateLimitSchema } from '@ursa/envoy/gen/envoy/extensions/filters/network/local_ratelimit/v3/local_rate_limit_pb.ts';
import {
  checkAnyOf,
  checkPositiveCount,
  clientMatches,
  confForAll,
  defineProxyPolicy,
  type Report,
} from '@ursa/policy';
import { closed, duration, parseDuration, type TargetRef, uint32 } from '@ursa/resources';
import { type Static, Type } from 'typebox';
import { clientRules } from '../conf/client-rules.ts';
import { checkHeadersToWrite, headersToWrite } from '../conf/headers.ts';
import { includesGateways } from '../conf/scope.ts';
import { limitRequests, tokenBucket } from './http-limit.ts';

const rate = closed({ num: uint32(), interval: duration() });
const disabled = Type.Optional(Type.Boolean({ description: 'Switches off what wider policies say.' }));

const http = closed({
  disabled,
  requestRate: Type.Optional(rate),
  onRateLimit: Type.Optional(closed({ status: Type.Optional(uint32()), headers: Type.Optional(headersToWrite) })),
});

const tcp = closed({ disabled, connectionRate: Type.Optional(rate) });

const conf = closed({ local: Type.Optional(closed({ http: Type.Optional(http), tcp: Type.Optional(tcp) })) });

/** So many in an interval. */
export type Rate = Static<typeof rate>;

/** What a conf says of requests. */
export type RequestLimit = Static<typeof http>;

/** What a MeshRateLimit says of an inbound, or of some of its clients. */
export type RateLimitConf = Static<typeof conf>;

/** The policy. */
export const meshRateLimit = defineProxyPolicy({
  name: 'MeshRateLimit',
  shortName: 'mrl',
  summary: 'Limits how many requests or connections an instance takes in a time.',
  targetRef: ['Mesh', 'Dataplane', 'MeshSubset', 'MeshGateway', 'MeshService', 'MeshServiceSubset', 'MeshHTTPRoute'],
  to: ['Mesh'],
  from: ['Mesh'],
  rules: clientMatches,
  listsRequired: false,
  conf,
  gatewayListenerTags: true,
  checkConf: checkLimits,
  checkSpec: checkScope,
  effectiveOn: { 'local.http': ['http', 'http2', 'grpc'] },
  onEgress: 'clients',
  apply: {
    inboundRules({ proxy, listener, chains }, { rules }) {
      const all = confForAll(rules)?.local;
      const clients = clientRules(
        rules.filter(({ match, conf }) => match === undefined || conf.local?.http !== undefined),
      );
      if (clients.some(({ match }) => match.sni !== undefined)) inspectTls(listener);
      for (const chain of chains) {
        if (chain.terminal.kind === 'http') limitRequests(chain.terminal, proxy.mesh, all?.http, clients);
        limitConnections(chain, all?.tcp);
      }
    },
  },
});

// Who a client is shows only after the connection is there: connections are limited for all clients together.
function limitConnections({ networkFilters }: FilterChainDraft, limit: Static<typeof tcp> | undefined): void {
  if (limit === undefined || limit.disabled === true || limit.connectionRate === undefined) return;
  const config = create(ConnectionRateLimitSchema, {
    statPrefix: 'tcp_rate_limit',
    tokenBucket: tokenBucket(limit.connectionRate),
  });
  const name = 'envoy.extensions.filters.network.local_ratelimit.v3.LocalRateLimit';
  networkFilters.push({ stage: 'rateLimit', filter: networkFilter(name, pack(ConnectionRateLimitSchema, config)) });
}

interface Spec {
  readonly targetRef?: TargetRef;
  readonly from?: readonly unknown[];
  readonly rules?: readonly unknown[];
  readonly to?: readonly unknown[];
}

function checkScope({ targetRef = { kind: 'Mesh' }, from = [], rules = [], to = [] }: Spec, report: Report): void {
  if (!includesGateways(targetRef)) {
    if (to.length > 0) report.add('to', 'must not be defined');
    return;
  }
  if (rules.length > 0) report.add('rules', 'must not be defined');
  if (from.length === 0) return;
  const reason =
    targetRef.kind === 'MeshHTTPRoute'
      ? 'when spec.kind is MeshHTTPRoute'
      : 'when the scope includes a Gateway, select only proxyType Sidecar or select only gateways and use spec.to';
  report.add('from', `must not be defined ${reason}`);
}

function checkLimits({ local }: RateLimitConf, report: Report): void {
  if (local === undefined) {
    report.add('local', 'must be defined');
    return;
  }
  checkAnyOf(report, 'local', local, ['tcp', 'http']);
  if (local.http !== undefined) {
    checkAnyOf(report, 'local.http', local.http, ['disabled', 'requestRate', 'onRateLimit']);
    checkRate(local.http.requestRate, report.at('local.http.requestRate'));
    checkPositiveCount(report, 'local.http.onRateLimit.status', local.http.onRateLimit?.status);
    checkHeadersToWrite(report.at('local.http.onRateLimit.headers'), local.http.onRateLimit?.headers);
  }
  if (local.tcp !== undefined) {
    checkAnyOf(report, 'local.tcp', local.tcp, ['disabled', 'connectionRate']);
    checkRate(local.tcp.connectionRate, report.at('local.tcp.connectionRate'));
  }
}

// Envoy fills its bucket no more often than every 50 ms.
function checkRate(given: Rate | undefined, report: Report): void {
  if (given === undefined) return;
  checkPositiveCount(report, 'num', given.num);
  if ((parseDuration(given.interval) ?? 0) <= 50) report.add('interval', 'must be greater than: 50ms');
}
