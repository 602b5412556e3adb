// MeshLoadBalancingStrategy: which instance of a destination gets the next request, near and far.
import { create } from '@bufbuild/protobuf';
import { Cluster_CommonLbConfigSchema } from '@ursa/envoy/gen/envoy/config/cluster/v3/cluster_pb.ts';
import {
  type ConfPlace,
  checkDuration,
  checkOneLine,
  checkPositiveCount,
  defineProxyPolicy,
  parseDecimal,
  type Report,
} from '@ursa/policy';
import { checkHeaderToRead } from '../conf/headers.ts';
import { hashPoliciesOf } from './hash-policies.ts';
import { setLoadBalancer } from './load-balancer.ts';
import {
  type HashPolicy,
  type LoadBalancingConf,
  type LocalityAwareness,
  loadBalancingConf,
} from './load-balancing-conf.ts';
import { affinityKeys, arrangeLocalities } from './locality.ts';
import { olderLoadBalancer } from './older-form.ts';
import { isPrime, nextPrime } from './prime.ts';

/** The policy. */
export const meshLoadBalancingStrategy = defineProxyPolicy({
  name: 'MeshLoadBalancingStrategy',
  shortName: 'mlbs',
  summary: 'Chooses which instance of a destination gets a request.',
  targetRef: ['Mesh', 'Dataplane', 'MeshSubset', 'MeshGateway', 'MeshService', 'MeshServiceSubset'],
  to: ['Mesh', 'MeshService', 'MeshMultiZoneService', 'MeshHTTPRoute'],
  listsRequired: false,
  conf: loadBalancingConf,
  gatewayListenerTags: true,
  checkConf,
  endpointTags: ({ localityAwareness }) => affinityKeys(localityAwareness),
  onEgress: 'destinations',
  olderClusters: olderLoadBalancer,
  apply: {
    cluster({ cluster: { message } }, { loadBalancer, localityAwareness }) {
      if (loadBalancer !== undefined) setLoadBalancer(message, loadBalancer);
      if (affinityKeys(localityAwareness).length > 0) {
        const localityConfigSpecifier = { case: 'localityWeightedLbConfig' as const, value: {} };
        message.commonLbConfig = create(Cluster_CommonLbConfigSchema, { localityConfigSpecifier });
      }
    },
    route({ route }, conf) {
      if (route.action.case === 'route') route.action.value.hashPolicy = hashPoliciesOf(conf);
    },
    endpoints(place, { localityAwareness }) {
      if (localityAwareness !== undefined) arrangeLocalities(place, localityAwareness);
    },
  },
  warn: ({ to = [] }: { readonly to?: readonly { readonly default?: LoadBalancingConf }[] }) =>
    to.flatMap(({ default: conf }, index) =>
      (['ringHash', 'maglev'] as const)
        .filter((algorithm) => conf?.loadBalancer?.[algorithm]?.hashPolicies !== undefined)
        .map((algorithm) => {
          const place = `spec.to[${index}].default`;
          return `configuration '${place}.loadBalancer.${algorithm}.hashPolicies' is deprecated, use '${place}.hashPolicies' instead`;
        }),
    ),
});

function checkConf(conf: LoadBalancingConf, report: Report, { targetRef }: ConfPlace): void {
  checkHashPolicies(conf.hashPolicies, report.at('hashPolicies'));
  if (targetRef?.kind === 'MeshHTTPRoute') {
    for (const field of ['loadBalancer', 'localityAwareness'] as const) {
      if (conf[field] === undefined) continue;
      report.add(field, 'field is not allowed when targetRef.kind is MeshHTTPRoute, only hashPolicies is supported');
    }
    return;
  }
  const { type, ringHash, maglev, leastRequest } = conf.loadBalancer ?? {};
  checkHashPolicies(ringHash?.hashPolicies, report.at('loadBalancer.ringHash.hashPolicies'));
  checkHashPolicies(maglev?.hashPolicies, report.at('loadBalancer.maglev.hashPolicies'));
  if (type === 'RingHash' && (ringHash?.minRingSize ?? 0) > (ringHash?.maxRingSize ?? Number.POSITIVE_INFINITY)) {
    report.add(
      'loadBalancer.ringHash.maxRingSize',
      `must not be less than minRingSize, which is ${ringHash?.minRingSize}`,
    );
  }
  const size = type === 'Maglev' ? maglev?.tableSize : undefined;
  if (size !== undefined && !isPrime(size)) {
    report.add('loadBalancer.maglev.tableSize', `must be a prime number, such as ${nextPrime(size)}`);
  }
  const bias = leastRequest?.activeRequestBias;
  if (bias !== undefined && (parseDecimal(bias) ?? -1) < 0) {
    report.add('loadBalancer.leastRequest.activeRequestBias', 'must be greater or equal then: 0');
  }
  if (conf.localityAwareness !== undefined) checkLocality(conf.localityAwareness, report.at('localityAwareness'));
}

const partOfType = {
  Header: 'header',
  Cookie: 'cookie',
  Connection: 'connection',
  SourceIP: undefined,
  QueryParameter: 'queryParameter',
  FilterState: 'filterState',
} as const;

function checkHashPolicies(policies: readonly HashPolicy[] | undefined, report: Report): void {
  for (const [index, policy] of (policies ?? []).entries()) {
    const part = partOfType[policy.type];
    if (part !== undefined && policy[part] === undefined) report.add(`[${index}].${part}`, 'must be defined');
    if (policy.header !== undefined) checkHeaderToRead(report, `[${index}].header.name`, policy.header.name);
    if (policy.cookie !== undefined) checkCookie(policy.cookie, report.at(`[${index}].cookie`));
    const path = policy.cookie?.path;
    if (path !== undefined && !path.startsWith('/')) report.add(`[${index}].cookie.path`, 'must be an absolute path');
  }
}

function checkCookie({ name, ttl, path }: NonNullable<HashPolicy['cookie']>, report: Report): void {
  checkDuration(report, 'ttl', ttl);
  // RFC 6265, section 4.1.1.
  if (!/^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/.test(name)) report.add('name', 'is not the name of a cookie');
  checkOneLine(report, 'path', path);
}

function checkLocality({ localZone, crossZone }: LocalityAwareness, report: Report): void {
  const tags = localZone?.affinityTags ?? [];
  for (const [index, tag] of tags.entries()) {
    const at = report.at(`localZone.affinityTags[${index}]`);
    if (tag.key === '') at.add('key', 'must not be empty');
    checkPositiveCount(at, 'weight', tag.weight);
  }
  const weighted = tags.filter((tag) => tag.weight !== undefined).length;
  if (weighted > 0 && weighted < tags.length) {
    report.add('localZone.affinityTags', 'all or none affinity tags should have weight');
  }
  for (const [index, { from, to }] of (crossZone?.failover ?? []).entries()) {
    const at = report.at(`crossZone.failover[${index}]`);
    if (from?.zones.length === 0) at.add('from.zones', 'must not be empty');
    for (const [position, zone] of (from?.zones ?? []).entries()) {
      if (zone === '') at.add(`from.zones[${position}]`, 'must not be empty');
    }
    const named = (to.zones ?? []).length > 0;
    const takesZones = to.type === 'Only' || to.type === 'AnyExcept';
    if (named && !takesZones) at.add('to.zones', `must be empty when type is ${to.type}`);
    if (!named && takesZones) at.add('to.zones', `must not be empty when type is ${to.type}`);
  }
  const percentage = crossZone?.failoverThreshold?.percentage;
  if (percentage === undefined) return;
  const value = parseDecimal(percentage);
  const field = 'crossZone.failoverThreshold.percentage';
  if (value === undefined) report.add(field, 'string must be a valid number');
  else if (value === 0) report.add(field, 'must be greater than 0');
  else if (value < 0 || value > 100) report.add(field, 'must be in inclusive range [0.0, 100.0]');
}
