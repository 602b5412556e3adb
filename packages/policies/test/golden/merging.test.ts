// What the peer merges policies into, recorded: ours is the same.
import {
  destinationsOf,
  mergeForProxy,
  mergeFromSubsets,
  mergeInbound,
  mergeTo,
  type PolicyHead,
  policyHead,
  type RouteResolver,
  refersTo,
  toEntries,
} from '@ursa/policy';
import type { Resource } from '@ursa/resources';
import { builtinPolicies } from '../../src/index.ts';
import { testGoldenSet } from './golden-set.ts';
import { printedEntry, printedInbound, printedMadeMeta, printedOutbound, printedSubsets } from './printed.ts';
import { globalK8s, globalUni, type MetaFunction, seed, toK8s, toUni, zoneK8s, zoneUni } from './seed.ts';

const matchedByName = 'matched-for-rules';

function shapeOf(type: string | undefined) {
  const policy = builtinPolicies.find((candidate) => candidate.name === type);
  if (policy === undefined) throw new Error(`no policy ${type}`);
  return policy.shape;
}

function headsOf(resources: readonly Resource[], accept: (resource: Resource) => boolean): PolicyHead[] {
  const isPolicy = (resource: Resource) => builtinPolicies.some((policy) => policy.name === resource.type);
  return resources.filter((resource) => isPolicy(resource) && accept(resource)).map(policyHead);
}

const matched = (resource: Resource) => resource.name.startsWith(matchedByName);

testGoldenSet({
  set: 'policy-inbound-rules',
  reached: 4,
  run: (item, files) => {
    const heads = headsOf(files.documents(item.input).map(seed), matched);
    return { rules: printedInbound(mergeInbound(heads, shapeOf(heads[0]?.type).fromAsRules)) };
  },
});

testGoldenSet({
  set: 'policy-outbound-sort',
  reached: 5,
  run: (item, files) => toEntries(headsOf(files.documents(item.input).map(seed), matched)).map(printedEntry),
});

const places: Readonly<Record<string, MetaFunction>> = {
  'global-uni': globalUni,
  'global-k8s': globalK8s,
  'zone-uni': zoneUni,
  'zone-k8s': zoneK8s,
  'global-uni-2-zone-uni': toUni(globalUni),
  'global-uni-2-zone-k8s': toK8s(globalUni),
  'global-k8s-2-zone-uni': toUni(globalK8s),
  'global-k8s-2-zone-k8s': toK8s(globalK8s),
  'zone-uni-2-global-uni': toUni(zoneUni),
  'zone-uni-2-global-k8s': toK8s(zoneUni),
  'zone-k8s-2-global-uni': toUni(zoneK8s),
  'zone-k8s-2-global-k8s': toK8s(zoneK8s),
  'zone-uni-2-zone-uni': toUni(toUni(zoneUni)),
  'zone-uni-2-zone-k8s': toK8s(toUni(zoneUni)),
  'zone-k8s-2-zone-uni': toUni(toUni(zoneK8s)),
  'zone-k8s-2-zone-k8s': toK8s(toUni(zoneK8s)),
};

testGoldenSet({
  set: 'policy-outbound-rules',
  reached: 144,
  run: (item, files, variant) => {
    const place = places[variant];
    if (place === undefined) throw new Error(`no meta function ${variant}`);
    const resources = files
      .documents(item.input)
      .map(seed)
      .map((resource) => (resource.type === 'Mesh' ? resource : place(resource)));
    const heads = headsOf(resources, matched);
    return printedOutbound(mergeTo(heads, destinationsOf(resources), shapeOf(heads[0]?.type)), printedMadeMeta);
  },
});

// All policies of these sets count, wherever they point at: they are matched by hand.
function mergeAll(resources: readonly Resource[], accept: (resource: Resource) => boolean) {
  const heads = headsOf(resources, accept);
  const routes = headsOf(resources, (resource) => resource.type === 'MeshHTTPRoute');
  const routeOf: RouteResolver = (head) => routes.find((route) => refersTo(head, head.targetRef, route));
  const inbound = { address: '127.0.0.1', port: 80, name: '', tags: {} };
  const selection = { inbounds: [0], listeners: [], delegated: false };
  return mergeForProxy(
    shapeOf(heads[0]?.type),
    heads.map((head) => ({ head, selection })),
    { inbounds: [inbound] },
    destinationsOf(resources),
    routeOf,
  );
}

testGoldenSet({
  set: 'policy-legacy-from-rules',
  reached: 10,
  run: (item, files) => {
    const resources = files.documents(item.input).map(seed);
    const [rules] = mergeAll(resources, () => true).inbounds;
    // The peer merges `from` in the order in which the file has the policies.
    const heads = headsOf(resources, () => true);
    const { hasFrom, merge } = shapeOf(heads[0]?.type);
    const listener = '127.0.0.1:80';
    return {
      InboundRules: { [listener]: printedInbound(rules?.rules ?? []) },
      Rules: { [listener]: printedSubsets((hasFrom && mergeFromSubsets(heads, merge)) || []) },
    };
  },
});

testGoldenSet({
  set: 'policy-legacy-to-rules',
  reached: 3,
  run: (item, files) => {
    const rules = mergeAll(files.documents(item.input).map(seed), (resource) => resource.type !== 'MeshHTTPRoute');
    return { ResourceRules: printedOutbound(rules.to), Rules: printedSubsets(rules.toSubsets) };
  },
});

testGoldenSet({
  set: 'policy-legacy-single-rules',
  reached: 1,
  run: (item, files) => {
    const { single } = mergeAll(files.documents(item.input).map(seed), () => true);
    return { Rules: printedSubsets(single === undefined ? [] : [{ ...single, subset: [] }]) };
  },
});
