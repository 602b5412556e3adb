// MeshHTTPRoute: where HTTP requests go, by path, method, headers and query, and what is changed on the way.
import { defineRoutePolicy, matchesHash } from '@ursa/policy';
import { checkHttpRouteEntry } from './check-http-route.ts';
import { type HttpRule, httpRouteEntry } from './http-route-conf.ts';

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
    rulesOf: (conf, originByMatches) =>
      ((conf as { readonly rules?: readonly HttpRule[] }).rules ?? []).map((rule) => {
        const hash = matchesHash(rule.matches);
        return { hash, rule, backendRefs: rule.default.backendRefs ?? [], origin: originByMatches[hash] };
      }),
  },
});
