// MeshAccessLog: where a proxy writes a line for every request and connection, and what the line says.
import { inspectTls } from '@ursa/envoy';
import {
  clientMatches,
  defineProxyPolicy,
  type InboundMatch,
  type InboundPlace,
  type InboundRule,
  type OutboundPlace,
  type PassthroughPlace,
  type Report,
  type RoutePlace,
} from '@ursa/policy';
import { tagNames } from '@ursa/resources';
import { collectorRefs, collectorStatus, warnAboutEndpoints } from '../conf/open-telemetry.ts';
import { type AccessLogConf, accessLogConf } from './access-log-conf.ts';
import { addLoggers } from './access-loggers.ts';
import { checkAccessLog } from './check-access-log.ts';
import { clientFilter } from './client-filter.ts';
import { rememberClientNames } from './client-names.ts';
import { logHazards } from './log-hazards.ts';
import { defaultFormats } from './log-line.ts';
import { placeholdersOf } from './placeholders.ts';
import { markRoute, onlyRoute, withoutRouteLog } from './route-log.ts';

const destinations = ['Mesh', 'MeshService', 'MeshExternalService', 'MeshMultiZoneService', 'MeshHTTPRoute'] as const;

interface Entry {
  readonly default?: AccessLogConf;
}

/** The policy. */
export const meshAccessLog = defineProxyPolicy({
  name: 'MeshAccessLog',
  shortName: 'mal',
  summary: 'Writes a line for every request and connection.',
  targetRef: ['Mesh', 'Dataplane', 'MeshSubset', 'MeshGateway', 'MeshService', 'MeshServiceSubset'],
  to: destinations,
  from: ['Mesh'],
  rules: clientMatches,
  status: collectorStatus,
  collectorRefs,
  signal: 'logs',
  hazards: logHazards,
  conf: accessLogConf,
  gatewayListenerTags: true,
  toKinds: ({ kind }) => (kind === 'MeshGateway' ? ['Mesh'] : destinations),
  checkConf: (conf, report: Report) => checkAccessLog(conf, report),
  warn: ({ to = [], from = [], rules = [] }: { [list in 'to' | 'from' | 'rules']?: readonly Entry[] }) =>
    warnAboutEndpoints([...to, ...from, ...rules].flatMap((entry) => entry.default?.backends ?? [])),
  readsSelf: true,
  apply: {
    inboundRules: (place, { rules }) => logInbound(place, rules),
    outbound: logOutbound,
    route: logRoute,
    passthrough: logPassthrough,
  },
});

const unknownService = 'unknown';

function logInbound(place: InboundPlace, rules: readonly InboundRule<AccessLogConf>[]): void {
  // Who asks for the proxy gets an inbound for each.
  if (rules.length === 0) return;
  const destination = place.tags[tagNames.service] ?? unknownService;
  const values = placeholdersOf(place.proxy, { source: unknownService, destination, direction: 'INBOUND' });
  const narrower: InboundMatch[] = [];
  for (const { match, conf } of byMatch(rules)) {
    const filter = clientFilter(match, narrower);
    addLoggers(place, conf, { values, ...(filter === undefined ? {} : { filter: () => filter }) });
    if (match !== undefined) narrower.push(match);
  }
  if (narrower.some((match) => match.sni !== undefined)) inspectTls(place.listener);
  if (narrower.some((match) => match.spiffeID !== undefined)) rememberClientNames(place.chains);
}

/** One rule for each match, the narrowest first: of entries with the same match the strongest one counts. */
function byMatch(rules: readonly InboundRule<AccessLogConf>[]): Pick<InboundRule<AccessLogConf>, 'match' | 'conf'>[] {
  const merged = new Map<string, Pick<InboundRule<AccessLogConf>, 'match' | 'conf'>>();
  for (const { match, conf } of rules) merged.set(JSON.stringify(match ?? null), match ? { match, conf } : { conf });
  return [...merged.values()];
}

function logOutbound(place: OutboundPlace, conf: AccessLogConf): void {
  const { proxy, destination } = place;
  const source = proxy.self?.service ?? unknownService;
  const values = placeholdersOf(proxy, { source, destination, direction: 'OUTBOUND' });
  addLoggers(place, conf, { values, filter: (kind) => (kind === 'http' ? withoutRouteLog() : undefined) });
}

function logRoute(place: RoutePlace, conf: AccessLogConf): void {
  if (!place.ofRoute) return;
  const { proxy, chain, destination, extraClusters, route } = place;
  const isLogged = markRoute(chain, route);
  if (isLogged) return;
  const source = proxy.self?.service ?? unknownService;
  const values = placeholdersOf(proxy, { source, destination, direction: 'OUTBOUND' });
  addLoggers({ proxy, chains: [chain], extraClusters }, conf, { values, filter: () => onlyRoute(route.name) });
}

function logPassthrough(place: PassthroughPlace, conf: AccessLogConf): void {
  const source = place.proxy.self?.service ?? unknownService;
  const values = placeholdersOf(place.proxy, { source, destination: 'external', direction: 'OUTBOUND' });
  addLoggers(place, conf, { values, defaultFormat: defaultFormats.passthrough });
}
