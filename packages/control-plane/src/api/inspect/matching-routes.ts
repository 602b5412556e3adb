// Which data planes a policy, a service or a workload concerns: …/_resources/dataplanes, …/_dataplanes, and the older …/dataplanes of policies.
import type { Resource, ResourceType } from '@ursa/resources';
import { formatJson } from '../http/json-text.ts';
import { nextPage, parsePage, slicePage } from '../http/page.ts';
import type { Answer, Call, Route } from '../http/route.ts';
import { nameParameters } from '../openapi/parameters.ts';
import type { ResourceReader } from '../resources/reader.ts';
import { kindOf } from './dataplane-routes.ts';
import { legacySchema, matchingSchema } from './inspect-schemas.ts';
import { type DataplaneMatcher, policyMatcher, serviceMatcher, workloadMatcher } from './matching-view.ts';
import type { ProxyInspector } from './proxy-inspector.ts';
import { formatMeta } from './resource-meta.ts';

type MatcherOf = (resource: Resource) => DataplaneMatcher;

/** Types that data planes make up. */
const memberMatchers: Readonly<Record<string, MatcherOf>> = {
  MeshService: serviceMatcher,
  Workload: workloadMatcher,
};

/** The endpoints of all policies, and of MeshService and Workload. */
export function matchingRoutes(reader: ResourceReader, inspector: ProxyInspector): readonly Route[] {
  return reader.types.all.flatMap((type) => {
    const path = `/meshes/{mesh}/${type.path}/{name}`;
    const memberMatcher = memberMatchers[type.name];
    if (memberMatcher !== undefined) {
      const paths = [`${path}/_resources/dataplanes`, `${path}/_dataplanes`];
      return paths.map((at) => matchingRoute(at, type, reader, memberMatcher));
    }
    if (type.policy === undefined) return [];
    const matcherOf: MatcherOf = (policy) => policyMatcher(type, policy, inspector);
    return [
      matchingRoute(`${path}/_resources/dataplanes`, type, reader, matcherOf),
      legacyRoute(`${path}/dataplanes`, type, reader, inspector, matcherOf),
    ];
  });
}

function matchingRoute(path: string, type: ResourceType, reader: ResourceReader, matcherOf: MatcherOf): Route {
  return {
    method: 'GET',
    path,
    tag: 'Inspection',
    summary: `Data planes that a ${type.singularDisplayName} concerns`,
    query: nameParameters('size', 'offset', 'name'),
    answers: { 200: matchingSchema },
    handle: (call) => answerMatching(type, reader, matcherOf, call),
  };
}

const title = 'Could not retrieve policy';

function answerMatching(type: ResourceType, reader: ResourceReader, matcherOf: MatcherOf, call: Call): Answer {
  const page = parsePage(call.query, title);
  const found = matchingDataplanes(type, reader, matcherOf, call);
  const next = nextPage(call, page, found.length);
  const items = slicePage(found, page).map(formatMeta);
  return { status: 200, body: formatJson({ items, ...(next === null ? {} : { next }), total: found.length }) };
}

function matchingDataplanes(
  type: ResourceType,
  reader: ResourceReader,
  matcherOf: MatcherOf,
  call: Call,
): readonly Resource[] {
  const { mesh = '', name = '' } = call.params;
  reader.requireMesh(mesh);
  reader.requireRead(type, call.user, mesh, name);
  const matches = matcherOf(reader.get(type.name, mesh, name, title));
  const part = call.query.get('name') ?? '';
  return reader.list('Dataplane', mesh).filter((dataplane) => dataplane.name.includes(part) && matches(dataplane));
}

function legacyRoute(
  path: string,
  type: ResourceType,
  reader: ResourceReader,
  inspector: ProxyInspector,
  matcherOf: MatcherOf,
): Route {
  return {
    method: 'GET',
    path,
    tag: 'Inspection',
    summary: `Data planes that a ${type.singularDisplayName} applies to (older form)`,
    answers: { 200: legacySchema },
    handle: (call) => {
      const items = matchingDataplanes(type, reader, matcherOf, call).map((dataplane) => ({
        attachments: [{ type: 'dataplane' }],
        dataplane: { mesh: dataplane.mesh, name: dataplane.name },
        kind: kindOf(inspector.factsOf(dataplane)),
      }));
      return { status: 200, body: formatJson({ items, total: items.length }) };
    },
  };
}
