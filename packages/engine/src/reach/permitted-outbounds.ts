// Reachability that follows from permissions (feature C16): of virtual addresses a proxy keeps those of destinations that let it in, and their
// names. What a Dataplane lists itself, as outbounds or as reachable services and backends, it gets whatever permissions say.
import type { Derivation, Graph } from '@ursa/collections';
import { olderRouteTypes, type ProxyPolicy } from '@ursa/policy';
import type { DataplaneFacts } from '../dataplane-facts.ts';
import type { DnsRecord, Outbound, OutboundDerivations, OutboundLookup } from '../outbounds.ts';
import type { RuleSets } from '../rule-views.ts';
import type { RuleDerivations } from '../rules.ts';
import type { TrafficDerivation } from '../traffic.ts';
import { destinationsOf } from '../traffic-path.ts';
import type { Admission } from './admission.ts';

/** What permitted outbounds are derived from. */
export interface PermittedOutboundOptions {
  readonly graph: Graph;
  readonly policies: readonly ProxyPolicy[];
  readonly dataplane: Derivation<readonly [key: string], DataplaneFacts | undefined>;
  /** All that could be called. */
  readonly all: OutboundDerivations;
  readonly admission: Admission;
  readonly traffic: TrafficDerivation;
  /** What its certificate says of who it is; undefined for a proxy without one. */
  readonly identityOf: (proxyKey: string) => { readonly uris: readonly string[] } | undefined;
  readonly rules: Pick<RuleDerivations, 'outboundRules'>;
}

const nothingWritten: readonly Outbound[] = [];

function sameItems<Item>(before: readonly Item[], after: readonly Item[]): boolean {
  return before.length === after.length && before.every((item, position) => item === after[position]);
}

/** Into so many parts the outbounds of a mesh are divided: a permission that changes is weighed anew for the callers of one part of them. */
const partCount = 32;

function partOf({ address }: Outbound): number {
  let sum = 0;
  for (let position = 0; position < address.length; position += 1)
    sum = (sum * 31 + address.charCodeAt(position)) % 65_521;
  return sum % partCount;
}

/** Derives them. Proxies with the same identity, routes and lists share the result. */
export function derivePermittedOutbounds(options: PermittedOutboundOptions): OutboundLookup {
  const { graph, policies, dataplane, all, admission, traffic, identityOf, rules } = options;
  const ofRoutes = policies.filter((policy) => policy.routing !== undefined).map(({ name }) => name);
  const routing = [...ofRoutes, ...olderRouteTypes(policies)];

  const part = graph.derive(
    'part of the outbounds',
    (mesh: string, number: number) => all.ofMesh.get(mesh).filter((outbound) => partOf(outbound) === number),
    { equals: sameItems },
  );
  const permittedPart = graph.derive(
    'permitted part of the outbounds',
    (mesh: string, number: number, caller: string, routes: RuleSets | undefined): readonly Outbound[] => {
      const uris = JSON.parse(caller) as readonly string[];
      return part.get(mesh, number).filter(({ destination }) => {
        // Routes may lead elsewhere: what counts is who lets the caller in at the end.
        const called =
          routes === undefined ? [destination] : destinationsOf(destination, traffic.get(destination, routes));
        return called.length === 0 || called.some((each) => admission(each, uris));
      });
    },
    { equals: sameItems },
  );
  const kept = graph.derive(
    'permitted outbounds',
    (
      outbounds: readonly Outbound[],
      written: readonly Outbound[],
      mesh: string,
      caller: string,
      routes: RuleSets | undefined,
      servicesListed: boolean,
      backendsListed: boolean,
    ): readonly Outbound[] => {
      const numbers = Array.from({ length: partCount }, (_, number) => number);
      const permitted = new Set(numbers.flatMap((number) => permittedPart.get(mesh, number, caller, routes)));
      return outbounds.filter((outbound) => {
        const listed = outbound.destination.target.kind === 'service' ? servicesListed : backendsListed;
        return listed || permitted.has(outbound) || written.includes(outbound);
      });
    },
    { equals: sameItems },
  );
  const keptRecords = graph.derive(
    'permitted records',
    (records: readonly DnsRecord[], outbounds: readonly Outbound[]): readonly DnsRecord[] => {
      const served = new Set(outbounds.map(({ address }) => address));
      return records.filter(({ addresses }) => addresses.some((address) => served.has(address)));
    },
    { equals: sameItems },
  );

  const outbounds: OutboundLookup['outbounds'] = (proxyKey, calls, without) => {
    const found = all.outbounds.get(proxyKey, calls);
    const facts = dataplane.get(proxyKey);
    const identity = identityOf(proxyKey);
    if (calls === 'explicit' || facts === undefined || identity === undefined) return found;
    const ruleSets = rules.outboundRules.get(proxyKey, without);
    const routes = routing.some((type) => ruleSets.has(type)) ? ruleSets : undefined;
    const { mesh, reachableServices, reachableBackends } = facts;
    const caller = JSON.stringify(identity.uris);
    const written = calls === 'bound' ? all.outbounds.get(proxyKey, 'explicit') : nothingWritten;
    return kept.get(
      found,
      written,
      mesh,
      caller,
      routes,
      reachableServices !== undefined,
      reachableBackends !== undefined,
    );
  };
  return {
    outbounds,
    records: (proxyKey, calls, without) =>
      keptRecords.get(all.records.get(proxyKey, calls), outbounds(proxyKey, calls, without)),
    warnings: (proxyKey, calls) => all.warnings.get(proxyKey, calls),
  };
}
