// What of a request RingHash and Maglev look at: requests that are equal in it go to the same instance.
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { durationOf } from '@ursa/envoy';
import {
  type RouteAction_HashPolicy,
  RouteAction_HashPolicySchema,
} from '@ursa/envoy/gen/envoy/config/route/v3/route_components_pb.ts';
import { parseDuration } from '@ursa/resources';
import type { HashPolicy, LoadBalancingConf } from './load-balancing-conf.ts';

type Specifier = MessageInitShape<typeof RouteAction_HashPolicySchema>['policySpecifier'];

function specifierOf({ type, header, cookie, connection, queryParameter, filterState }: HashPolicy): Specifier {
  switch (type) {
    case 'Header':
      return { case: 'header', value: { headerName: header?.name ?? '' } };
    case 'Cookie': {
      const ttl = parseDuration(cookie?.ttl ?? '');
      const lasting = ttl === undefined ? {} : { ttl: durationOf(ttl) };
      return { case: 'cookie', value: { name: cookie?.name ?? '', path: cookie?.path ?? '', ...lasting } };
    }
    case 'Connection':
      return { case: 'connectionProperties', value: { sourceIp: connection?.sourceIP ?? false } };
    case 'SourceIP':
      return { case: 'connectionProperties', value: { sourceIp: true } };
    case 'QueryParameter':
      return { case: 'queryParameter', value: { name: queryParameter?.name ?? '' } };
    case 'FilterState':
      return { case: 'filterState', value: { key: filterState?.key ?? '' } };
  }
}

/** Hash policies that a conf gives a route. Those of the load balancer are the older form: they count where there are no others. */
export function hashPoliciesOf({ hashPolicies, loadBalancer }: LoadBalancingConf): RouteAction_HashPolicy[] {
  const ofBalancer = {
    RingHash: loadBalancer?.ringHash?.hashPolicies,
    Maglev: loadBalancer?.maglev?.hashPolicies,
  };
  const type = loadBalancer?.type;
  const older = type === 'RingHash' || type === 'Maglev' ? ofBalancer[type] : undefined;
  return (hashPolicies ?? older ?? []).map((policy) =>
    create(RouteAction_HashPolicySchema, {
      policySpecifier: specifierOf(policy) ?? { case: undefined },
      terminal: policy.terminal ?? false,
    }),
  );
}
