// MeshFaultInjection: answers, delays and slows requests on purpose, to see how clients bear it.
import { clientFilter, inspectTls } from '@ursa/envoy';
import {
  checkDecimalPercentage,
  checkPositiveDuration,
  clientMatches,
  confForAll,
  defineProxyPolicy,
  type PolicyHead,
  type Report,
} from '@ursa/policy';
import { closed, duration, formatKri, int32, intOrString, type TargetRef } from '@ursa/resources';
import { type Static, Type } from 'typebox';
import { clientRules } from '../conf/client-rules.ts';
import { includesGateways } from '../conf/scope.ts';
import { faultFilter } from './fault-filter.ts';

const fault = closed({
  abort: Type.Optional(closed({ httpStatus: int32(), percentage: intOrString() })),
  delay: Type.Optional(closed({ value: duration(), percentage: intOrString() })),
  responseBandwidth: Type.Optional(
    closed({ limit: Type.String({ description: 'With its unit, such as 50Mbps.' }), percentage: intOrString() }),
  ),
});

const conf = closed({ http: Type.Optional(Type.Array(fault)) });

/** What happens to a part of the requests. */
export type Fault = Static<typeof fault>;

/** The policy. */
export const meshFaultInjection = defineProxyPolicy({
  name: 'MeshFaultInjection',
  shortName: 'mfi',
  summary: 'Injects errors, delays and slow answers.',
  targetRef: ['Mesh', 'Dataplane', 'MeshSubset', 'MeshGateway', 'MeshService', 'MeshServiceSubset'],
  to: ['Mesh'],
  from: ['Mesh', 'MeshSubset', 'MeshServiceSubset', 'MeshService'],
  rules: clientMatches,
  listsRequired: false,
  conf,
  gatewayListenerTags: true,
  checkConf: checkFaults,
  checkSpec: checkScope,
  effectiveOn: { http: ['http', 'http2', 'grpc'] },
  fromAdvice: ", use 'rules' with SPIFFE-based 'matches' instead",
  needsClientTags: true,
  onEgress: 'clients',
  apply: {
    inboundRules({ proxy: { mesh }, listener, chains }, { rules, from }) {
      const clients = clientRules(rules);
      const everyMatch = clients.map(({ match }) => match);
      const filters = [
        ...from.flatMap(({ subset, conf: { http = [] } }) => http.map((one) => faultFilter(one, subset))),
        ...clients.flatMap(({ match, conf: { http = [] }, origin }, position) => {
          const selected = { mesh, only: match, except: everyMatch.slice(0, position) };
          return http.map((one) => clientFilter(kriOfPolicy(origin), faultFilter(one), selected) ?? []);
        }),
        ...(confForAll(rules)?.http ?? []).map((one) => {
          const filter = faultFilter(one);
          return clientFilter(filter.name, filter, { mesh, except: everyMatch }) ?? [];
        }),
      ].flat();
      if (everyMatch.some(({ sni }) => sni !== undefined)) inspectTls(listener);
      for (const { terminal } of chains) {
        if (terminal.kind !== 'http') continue;
        terminal.httpFilters.push(...filters.map((filter) => ({ stage: 'rateLimit' as const, filter })));
      }
    },
  },
});

function kriOfPolicy({ mesh, zone, namespace, displayName }: PolicyHead): string {
  return formatKri({ type: 'mfi', mesh, zone, namespace, name: displayName, section: '' });
}

interface Spec {
  readonly targetRef?: TargetRef;
  readonly from?: readonly unknown[];
  readonly to?: readonly unknown[];
}

function checkScope({ targetRef = { kind: 'Mesh' }, from = [], to = [] }: Spec, report: Report): void {
  if (includesGateways(targetRef)) {
    if (from.length === 0) return;
    const advice = 'select only proxyType Sidecar or select only gateways and use spec.to';
    report.add('from', `must not be defined when the scope includes a Gateway, ${advice}`);
  } else if (to.length > 0) report.add('to', 'must not be defined');
}

// The peers write the position behind the kind of fault; clients know these paths.
function checkFaults({ http = [] }: Static<typeof conf>, report: Report): void {
  for (const [index, { abort, delay, responseBandwidth }] of http.entries()) {
    if (abort !== undefined) {
      const at = report.at(`http.abort[${index}]`);
      if (abort.httpStatus < 100 || abort.httpStatus > 599)
        at.add('httpStatus', 'must be in inclusive range [100, 599]');
      else if (abort.httpStatus < 200) at.add('httpStatus', 'must be at least 200: no answer ends with a status below');
      checkDecimalPercentage(at, 'percentage', abort.percentage);
    }
    if (delay !== undefined) {
      const at = report.at(`http.delay[${index}]`);
      checkPositiveDuration(at, 'value', delay.value);
      checkDecimalPercentage(at, 'percentage', delay.percentage);
    }
    if (responseBandwidth !== undefined) {
      const at = report.at(`http.responseBandwidth[${index}]`);
      if (responseBandwidth.limit === '') at.add('responseBandwidth', 'must be defined');
      else if (!/^\d+\s?[kMG]bps$/.test(responseBandwidth.limit)) {
        at.add('responseBandwidth', 'must be in kbps/Mbps/Gbps units');
      } else if (/^0+\D/.test(responseBandwidth.limit)) at.add('responseBandwidth', 'must be greater than 0');
      checkDecimalPercentage(at, 'percentage', responseBandwidth.percentage);
    }
  }
}
