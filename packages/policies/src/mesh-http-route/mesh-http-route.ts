// MeshHTTPRoute: where HTTP requests go, by path, method, headers and query, and what is changed on the way.
import { defineRoutePolicy, matchesHash, type ResolvedHttpRule } from '@ursa/policy';
import { checkHttpRouteEntry } from './check-http-route.ts';
import { envoyRoutes, matchesEverything } from './envoy-routes.ts';
import { type HttpRule, httpRouteEntry } from './http-route-conf.ts';
import { trafficRouteOfRequests } from './older-form.ts';
import { withOwnPart } from './own-part.ts';

const services = ['MeshService', 'MeshExternalService', 'MeshMultiZoneService'] as const;

/** The policy. */
export const meshHttpRoute = defineRoutePolicy({
  name: 'MeshHTTPRoute',
  shortName: 'mhttpr',
  summary: 'Sends HTTP requests to services by path, method, headers and query.',
  targetRef: ['Mesh', 'Dataplane', 'MeshSubset', 'MeshGateway', 'MeshService', 'MeshServiceSubset'],
  to: ['Mesh', ...services],
  toKinds: ({ kind }) => (kind === 'MeshGateway' ? ['Mesh'] : services),
  entry: httpRouteEntry,
  toConf: 'rules',
  merge: { mergeByKey: { list: 'rules', key: 'matches' }, splitBy: 'hostnames' },
  checkEntry: checkHttpRouteEntry,
  routing: {
    kind: 'http',
    older: trafficRouteOfRequests,
    rulesOf: (conf, originByMatches) =>
      ((conf as { readonly rules?: readonly HttpRule[] }).rules ?? []).map((rule) => {
        const hash = matchesHash(rule.matches);
        const { filters = [], backendRefs = [] } = rule.default;
        const mirrorRefs = filters.flatMap((filter) => withOwnPart(filter).requestMirror?.backendRef ?? []);
        const everything = rule.matches.some(matchesEverything);
        return { hash, rule, backendRefs, mirrorRefs, everything, origin: originByMatches[hash] };
      }),
    routesOf: (rules) => envoyRoutes(rules as readonly ResolvedHttpRule<HttpRule>[]),
  },
});
