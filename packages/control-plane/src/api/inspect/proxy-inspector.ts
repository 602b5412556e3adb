// Which policies apply to a data plane and what they make together, for any data plane that is stored, connected or not. Rules come from the engine,
// so that what is said here is what proxies get.
import { type DataplaneFacts, dataplaneFacts, type Engine } from '@ursa/engine';
import { type PolicyHead, type ProxyRules, policyHead, type RouteResolver, refersTo, selects } from '@ursa/policy';
import type { Resource } from '@ursa/resources';
import { keyInType } from '../../store/live-resources.ts';
import type { ResourceReader } from '../resources/reader.ts';

/** Rules of each policy type that has any for a proxy, in the order in which policies are applied. */
export type RulesByType = ReadonlyMap<string, ProxyRules>;

/** Answers about one proxy at a time. */
export interface ProxyInspector {
  rulesOf(dataplane: Resource): RulesByType;
  /** Whether a `targetRef` policy, a shadow one too, applies to anything of a data plane. */
  applies(policy: Resource, dataplane: Resource): boolean;
  /** Policies of each type that apply to a data plane, the weakest first, in the order in which types are applied. */
  matchedBy(dataplane: Resource): ReadonlyMap<string, readonly PolicyHead[]>;
  factsOf(dataplane: Resource): DataplaneFacts;
}

/** An inspector over the live resources and the engine's rules. */
export function createProxyInspector(reader: ResourceReader, engine: Pick<Engine, 'rules'>): ProxyInspector {
  const headOf = remember(policyHead);
  const factsOf = remember(dataplaneFacts);
  const routeOf = readRoutes(reader, headOf);
  const rulesOf = (dataplane: Resource) => engine.rules.get(keyInType(dataplane));
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

function readRoutes(reader: ResourceReader, headOf: (resource: Resource) => PolicyHead): RouteResolver {
  return (head) =>
    reader
      .list('MeshHTTPRoute', head.mesh)
      .map(headOf)
      .find((route) => refersTo(head, head.targetRef, route));
}
