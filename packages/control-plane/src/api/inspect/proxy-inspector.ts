// Which policies apply to a data plane and what they make together: the same select, order and merge that configurations are made with, run for
// any data plane that is stored, connected or not.
import { type DataplaneFacts, dataplaneFacts } from '@ursa/engine';
import {
  type DestinationKind,
  type Destinations,
  labelsMatch,
  type MatchedPolicy,
  mergeForProxy,
  type PolicyHead,
  type ProxyPolicy,
  type ProxyRules,
  policyHead,
  type RouteResolver,
  refersTo,
  selects,
} from '@ursa/policy';
import { displayNameOf, type Resource } from '@ursa/resources';
import type { ResourceReader } from '../resources/reader.ts';

/** Rules of each policy type that has any for a proxy, in the order in which policies are applied. */
export type RulesByType = ReadonlyMap<string, ProxyRules>;

/** Answers about one proxy at a time. Reads what is stored now; keeps nothing but parsed data planes and policies. */
export interface ProxyInspector {
  /** Shadow policies count only when asked for. */
  rulesOf(dataplane: Resource, options?: { readonly shadow: boolean }): RulesByType;
  /** Whether a `targetRef` policy applies to anything of a data plane. */
  applies(policy: Resource, dataplane: Resource): boolean;
  /** Policies of each type that apply to a data plane, the weakest first, in the order in which types are applied. */
  matchedBy(dataplane: Resource): ReadonlyMap<string, readonly PolicyHead[]>;
  factsOf(dataplane: Resource): DataplaneFacts;
}

/** An inspector over the live resources. */
export function createProxyInspector(reader: ResourceReader, policies: readonly ProxyPolicy[]): ProxyInspector {
  const headOf = remember(policyHead);
  const factsOf = remember(dataplaneFacts);
  const destinations = readDestinations(reader);
  const routeOf = readRoutes(reader, headOf);
  const matchedOf = (type: string, dataplane: Resource, shadow: boolean): readonly MatchedPolicy[] =>
    reader.list(type, dataplane.mesh).flatMap((resource) => {
      const head = headOf(resource);
      const selection = head.shadow && !shadow ? undefined : selects(head, factsOf(dataplane).selectable, routeOf);
      return selection === undefined ? [] : [{ head, selection }];
    });
  const rulesOf: ProxyInspector['rulesOf'] = (dataplane, { shadow } = { shadow: false }) => {
    const { selectable } = factsOf(dataplane);
    const entries = policies.flatMap(({ name, shape }): [string, ProxyRules][] => {
      const matched = matchedOf(name, dataplane, shadow);
      return matched.length === 0 ? [] : [[name, mergeForProxy(shape, matched, selectable, destinations, routeOf)]];
    });
    return new Map(entries);
  };
  return {
    rulesOf,
    factsOf,
    applies: (policy, dataplane) => selects(headOf(policy), factsOf(dataplane).selectable, routeOf) !== undefined,
    matchedBy: (dataplane) => new Map([...rulesOf(dataplane)].map(([type, { matched }]) => [type, matched])),
  };
}

/** Remembers what a function made of a resource for as long as that version of the resource is in use. */
function remember<Value>(read: (resource: Resource) => Value): (resource: Resource) => Value {
  const made = new WeakMap<Resource, Value>();
  return (resource) => {
    const value = made.get(resource) ?? read(resource);
    made.set(resource, value);
    return value;
  };
}

function readDestinations(reader: ResourceReader): Destinations {
  return {
    mesh: (name) => reader.find('Mesh', '', name),
    named: (kind: DestinationKind, mesh, displayName) =>
      reader.list(kind, mesh).filter((resource) => displayNameOf(resource) === displayName),
    labelled: (kind: DestinationKind, mesh, labels) =>
      reader.list(kind, mesh).filter((resource) => labelsMatch(labels, resource.labels)),
  };
}

function readRoutes(reader: ResourceReader, headOf: (resource: Resource) => PolicyHead): RouteResolver {
  return (head) =>
    reader
      .list('MeshHTTPRoute', head.mesh)
      .map(headOf)
      .find((route) => refersTo(head, head.targetRef, route));
}
