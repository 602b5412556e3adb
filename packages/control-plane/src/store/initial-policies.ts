// The policies every new mesh starts with (reference s6): pure data, unless the mesh says `skipCreatingInitialPolicies`.
import type { ProxyPolicy } from '@ursa/policy';
import type { ResourceDraft } from '@ursa/resources';

/** What decides which policies a mesh starts with. */
export interface InitialPolicyOptions {
  /** Types to leave out; `*` leaves out all. */
  readonly skipped: readonly string[];
  /** Also the TrafficPermission and TrafficRoute that older versions made with each mesh. */
  readonly routing: boolean;
}

const everyService = { 'kuma.io/service': '*' };
const everybody = { sources: [{ match: everyService }], destinations: [{ match: everyService }] };
const trafficRoute = { ...everybody, conf: { loadBalancer: { roundRobin: {} }, destination: everyService } };

/** The policies of a new mesh, without the labels that the control plane computes: what each policy type starts with, in the order of the types. */
export function initialPolicies(
  types: readonly ProxyPolicy[],
  mesh: string,
  options: InitialPolicyOptions,
): readonly ResourceDraft[] {
  const policy = (type: string, prefix: string, spec: unknown): ResourceDraft => ({
    type,
    mesh,
    name: `${prefix}-${mesh}`,
    labels: {},
    spec,
  });
  const all = types.flatMap(({ name, initial = [] }) => initial.map(({ prefix, spec }) => policy(name, prefix, spec)));
  if (options.routing) {
    all.push(policy('TrafficPermission', 'allow-all', everybody), policy('TrafficRoute', 'route-all', trafficRoute));
  }
  return options.skipped.includes('*') ? [] : all.filter(({ type }) => !options.skipped.includes(type));
}
