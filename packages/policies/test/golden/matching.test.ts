// Which policies apply to a proxy and what they make of its rules, recorded from the peer: ours is the same.
import {
  comparePolicies,
  destinationsOf,
  type MatchedPolicy,
  mergeForProxy,
  mergeFromSubsets,
  mergeToByClients,
  type PolicyHead,
  type PolicyShape,
  policyHead,
  type RouteResolver,
  refersTo,
  type SelectableProxy,
  selects,
} from '@ursa/policy';
import type { ExternalServiceSpec, MeshGatewaySpec, Resource } from '@ursa/resources';
import { builtinPolicies } from '../../src/index.ts';
import { type GoldenCase, type GoldenFiles, testGoldenSet } from './golden-set.ts';
import { printedInbound, printedList, printedOutbound, printedSubsets } from './printed.ts';
import { proxyOf } from './proxy.ts';
import * as meta from './seed.ts';
import { seed } from './seed.ts';

// MeshHTTPRoutes are mixed in as what other policies refer to.
function typeAskedFor(resources: readonly Resource[], given: unknown): string {
  if (typeof given === 'string') return given;
  const types = new Set(resources.map((resource) => resource.type));
  return [...types].find((type) => type !== 'MeshHTTPRoute') ?? 'MeshHTTPRoute';
}

function shapeOf(type: string): PolicyShape {
  const policy = builtinPolicies.find((candidate) => candidate.name === type);
  if (policy === undefined) throw new Error(`no policy ${type}`);
  return policy.shape;
}

function routeResolver(resources: readonly Resource[]): RouteResolver {
  const routes = resources.filter((resource) => resource.type === 'MeshHTTPRoute').map(policyHead);
  return (head) => routes.find((route) => refersTo(head, head.targetRef, route));
}

function match(resources: readonly Resource[], type: string, proxy: SelectableProxy): MatchedPolicy[] {
  const routeOf = routeResolver(resources);
  return resources
    .filter((resource) => resource.type === type)
    .map(policyHead)
    .flatMap((head) => {
      // One case has policies of another mesh than its Dataplane: its author left the mesh out of what is tested.
      const selection = selects(head, { ...proxy, mesh: head.mesh }, routeOf);
      return selection === undefined ? [] : [{ head, selection }];
    });
}

const listOf = (matched: readonly MatchedPolicy[]) =>
  printedList(
    matched
      .map(({ head }) => head)
      .sort(comparePolicies)
      .map((head: PolicyHead) => head.resource),
  );

function onlyResource(files: GoldenFiles, path: unknown): Resource {
  const [document] = files.documents(path);
  if (document === undefined) throw new Error(`${path} is empty`);
  return seed(document);
}

testGoldenSet({
  set: 'match-dataplane-policies',
  reached: 7,
  run: (item, files) => {
    const policies = files.documents(item.policies).map(seed);
    return listOf(
      match(policies, typeAskedFor(policies, item.policyType), proxyOf(onlyResource(files, item.dataplane))),
    );
  },
});

const provenanceOfNothing = { displayName: '', origin: undefined, zone: '', namespace: '', labels: {} } as const;

const { globalK8s, globalUni, producer, system, toK8s, toUni, zoneK8s, zoneUni } = meta;
const placesOfPair: Readonly<Record<string, readonly [dataplane: meta.MetaFunction, policy: meta.MetaFunction]>> = {
  'uni-zone': [zoneUni, zoneUni],
  'k8s-zone': [zoneK8s, zoneK8s],
  'policy-from-global-uni-zone-uni-on-global': [toUni(zoneUni), system(globalUni)],
  'policy-from-global-uni-zone-uni-on-zone': [zoneUni, system(toUni(globalUni))],
  'policy-from-global-uni-zone-k8s-on-zone': [zoneK8s, system(toK8s(globalUni))],
  'policy-from-global-uni-zone-k8s-on-global': [toUni(zoneK8s), system(globalUni)],
  'policy-from-global-k8s-zone-uni-on-zone': [zoneUni, system(toUni(globalK8s))],
  'policy-from-global-k8s-zone-uni-on-global': [toK8s(zoneUni), system(globalK8s)],
  'policy-from-global-k8s-zone-k8s-on-zone': [zoneK8s, system(toK8s(globalK8s))],
  'policy-from-global-k8s-zone-k8s-on-global': [toK8s(zoneK8s), system(globalK8s)],
  'policy-global-uni-dpp-k8s-on-zone': [zoneUni, system(toUni(globalUni))],
  'policy-global-uni-dpp-k8s-on-global': [toUni(zoneUni), system(globalUni)],
  'policy-from-k8s-to-uni': [zoneUni, producer(toUni(zoneK8s))],
  'policy-from-k8s-to-k8s': [zoneK8s, producer(toK8s(zoneK8s))],
};

testGoldenSet({
  set: 'match-dataplane-kind',
  reached: 84,
  run: (item, files, variant) => {
    const places = placesOfPair[variant];
    if (places === undefined) throw new Error(`no pair ${variant}`);
    const proxy = proxyOf(places[0](onlyResource(files, item.dataplane)));
    const policies = files.documents(item.policies).map(seed).map(places[1]);
    return listOf(match(policies, typeAskedFor(policies, item.policyType), proxy));
  },
});

function rulesOf(item: GoldenCase, files: GoldenFiles, more: readonly Resource[] = []) {
  const resources = [...files.documents(item.policies).map(seed), ...more];
  const gateways = resources.filter((resource) => resource.type === 'MeshGateway');
  const proxy = proxyOf(onlyResource(files, item.dataplane), gateways);
  const type = typeAskedFor(
    resources.filter((resource) => resource.type !== 'MeshGateway'),
    item.policyType,
  );
  const shape = shapeOf(type);
  const among = destinationsOf(resources);
  return { proxy, rules: mergeForProxy(shape, match(resources, type, proxy), proxy, among, routeResolver(resources)) };
}

testGoldenSet({
  set: 'match-from-rules',
  reached: 5,
  run: (item, files) => {
    const { proxy, rules } = rulesOf(item, files);
    const listeners = proxy.inbounds.map(({ address, port }, position) => ({
      address: `${address}:${port}`,
      rules: rules.inbounds[position] ?? { rules: [], from: [], fromEntries: [] },
    }));
    return {
      InboundRules: Object.fromEntries(listeners.map((item) => [item.address, printedInbound(item.rules.rules)])),
      Rules: Object.fromEntries(listeners.map((item) => [item.address, printedSubsets(item.rules.from)])),
    };
  },
});

for (const [set, reached] of [
  ['match-to-rules', 5],
  ['match-to-rules-mes', 1],
] as const) {
  testGoldenSet({
    set,
    reached,
    run: (item, files) => {
      const { rules } = rulesOf(item, files, item.mes === undefined ? [] : [onlyResource(files, item.mes)]);
      return { ResourceRules: printedOutbound(rules.to), Rules: printedSubsets(rules.toSubsets) };
    },
  });
}

type Rules = ReturnType<typeof mergeForProxy>['listeners'][number];

const printedTo = ({ to, toSubsets }: Rules) => ({
  ResourceRules: printedOutbound(to),
  Rules: printedSubsets(toSubsets),
});

testGoldenSet({
  set: 'match-gateway-rules',
  reached: 2,
  skip: { '01': 'by host name the peer merges in the order of the file; we sort by precedence there too' },
  run: (item, files) => {
    const resources = files.documents(item.policies).map(seed);
    const dataplane = onlyResource(files, item.dataplane);
    const gateways = resources.filter((resource) => resource.type === 'MeshGateway');
    const proxy = proxyOf(dataplane, gateways);
    if (proxy.gateway?.kind !== 'builtin') throw new Error('not a built-in gateway');
    const { listeners } = proxy.gateway;
    const type = String(item.policyType);
    const matched = match(resources, type, proxy);
    const merge = (policies: readonly MatchedPolicy[]) =>
      mergeForProxy(shapeOf(type), policies, proxy, destinationsOf(resources)).listeners;
    // What holds for one host name of a port holds for the whole port where rules are by port.
    const onPort = (position: number) =>
      listeners.flatMap(({ port }, other) => (port === listeners[position]?.port ? [other] : []));
    const byPort = merge(
      matched.map(({ head, selection }) => ({
        head,
        selection: { ...selection, listeners: selection.listeners.flatMap(onPort) },
      })),
    );
    const { address } = (dataplane.spec as { networking: { address: string } }).networking;
    const printed = (rules: readonly Rules[], print: (rules: Rules) => unknown, suffix: (position: number) => string) =>
      Object.fromEntries(
        rules.map((found, position) => [`${address}:${listeners[position]?.port}${suffix(position)}`, print(found)]),
      );
    const noSuffix = () => '';
    const hostnames = hostnamesOf(gateways);
    return {
      FromRules: printed(byPort, (found) => printedSubsets(found.from), noSuffix),
      InboundRules: printed(byPort, (found) => printedInbound(found.rules), noSuffix),
      ToRules: {
        ByListener: printed(byPort, printedTo, noSuffix),
        ByListenerAndHostname: printed(merge(matched), printedTo, (position) => `:${hostnames[position]}`),
      },
    };
  },
});

function hostnamesOf(gateways: readonly Resource[]): string[] {
  const listeners = gateways.slice(0, 1).flatMap(({ spec }) => (spec as MeshGatewaySpec).conf?.listeners ?? []);
  return listeners.map(({ hostname }) => (hostname === undefined || hostname === '' ? '*' : hostname));
}

testGoldenSet({
  set: 'match-egress-rules',
  reached: 3,
  run: (item, files) => {
    const { tags = {} } = onlyResource(files, item.externalService).spec as ExternalServiceSpec;
    const resources = files.documents(item.policies).map(seed);
    const heads = resources.map(policyHead);
    const { merge, hasFrom } = shapeOf(String(item.policyType));
    if (!hasFrom) {
      return { InboundRules: null, Rules: { ':0': printedSubsets(mergeToByClients(heads, tags, merge) ?? []) } };
    }
    const service = { ...provenanceOfNothing, inbounds: [{ address: '', port: 0, name: '', tags }] };
    const selected = heads.filter((head) => selects(head, { ...service, mesh: head.mesh })).sort(comparePolicies);
    return {
      InboundRules: { ':0': [] },
      Rules: { ':0': printedSubsets(mergeFromSubsets(selected, merge) ?? []) },
    };
  },
});
