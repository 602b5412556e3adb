// Plans the filter chains of a listener for traffic that leaves the mesh: which connections each takes, and where it may send them.
import type { IpFamily } from '@ursa/envoy';
import { type Network, networkOf } from './ip-range.ts';
import { type OutsideMatch, type PassthroughConf, requestProtocols } from './passthrough-conf.ts';

/** Protocol as a chain sees it: MySQL is TCP whose server speaks first, so that nobody may wait for the client's first bytes. */
export type ChainProtocol = 'tcp' | 'mysql' | 'tls' | 'http' | 'http2' | 'grpc';

/** One filter chain. */
export interface ChainPlan {
  readonly protocol: ChainProtocol;
  /** Undefined for all ports. */
  readonly port: number | undefined;
  /** What the user wrote; undefined for a chain of host names of requests. */
  readonly value: string | undefined;
  readonly network: Network | undefined;
  /** Server name in TLS. */
  readonly serverName: string | undefined;
  /** Host names of requests; empty for a chain that takes any. */
  readonly hosts: readonly string[];
}

const isWildcard = (name: string): boolean => name.startsWith('*');

/** Names that are more exact come first: none with a wildcard, more labels, the alphabet. */
function compareNames(first: string, second: string): number {
  const rank = (name: string) => [isWildcard(name) ? 1 : 0, -name.split('.').length] as const;
  const [wildcard, labels] = rank(first);
  const [otherWildcard, otherLabels] = rank(second);
  return wildcard - otherWildcard || labels - otherLabels || (first < second ? -1 : 1);
}

const protocolOrder: Readonly<Record<ChainProtocol, number>> = { tls: 0, tcp: 1, mysql: 1, http: 2, http2: 2, grpc: 2 };

function comparePlans(first: ChainPlan, second: ChainPlan): number {
  const addressed = ({ network }: ChainPlan) => network?.length ?? -1;
  return (
    protocolOrder[first.protocol] - protocolOrder[second.protocol] ||
    (second.port ?? 0) - (first.port ?? 0) ||
    addressed(second) - addressed(first) ||
    compareNames(first.value ?? '', second.value ?? '')
  );
}

const familyOf = (address: string): IpFamily => (address.includes(':') ? 'ipv6' : 'ipv4');

/** All that tells connections of one chain from those of another: Envoy refuses a listener of which two chains have the same. */
function signature(plan: ChainPlan): string {
  return JSON.stringify([kindOf(plan), plan.port, plan.network, plan.serverName]);
}

function planOf(match: OutsideMatch, port: number | undefined): ChainPlan {
  const { type, protocol = 'tcp' } = match;
  const isName = type === 'Domain';
  // The case of a name tells nothing.
  const value = isName ? match.value.toLowerCase() : match.value;
  const requests = requestProtocols.has(protocol);
  return {
    protocol,
    port,
    value: isName && requests ? undefined : value,
    network: isName ? undefined : networkOf(value),
    // `*` is every name, and none as well.
    serverName: isName && !requests && value !== '*' ? value : undefined,
    hosts: isName && requests ? [value] : [],
  };
}

/** Adds a plan: host names of one protocol and port share a chain, what says the same again is left out. */
function addPlan(plans: Map<string, ChainPlan>, plan: ChainPlan): 'added' | 'refused' {
  const key = signature(plan);
  const known = plans.get(key);
  if (known !== undefined && known.protocol !== plan.protocol) return 'refused';
  if (known === undefined) plans.set(key, plan);
  else plans.set(key, { ...known, hosts: [...new Set([...known.hosts, ...plan.hosts])] });
  return 'added';
}

/** What a conf comes to for one family of addresses. */
interface ListenerPlan {
  /** None when nothing concerns the family. */
  readonly chains: readonly ChainPlan[];
  /** Matches without effect, each with its reason. */
  readonly left: readonly string[];
}

/**
 * Plans a listener. Where different protocols of requests share a port, which policies can only do together since one alone is refused, the
 * weaker policy was there first and stays: traffic that passes must not stop because of what somebody else adds.
 */
function planListener({ appendMatch = [] }: PassthroughConf, family: IpFamily): ListenerPlan {
  const left: string[] = [];
  const concerned = appendMatch.filter(({ type, value }) => type === 'Domain' || familyOf(value) === family);
  const plans = new Map<string, ChainPlan>();
  for (const match of concerned.filter(({ port }) => port !== undefined)) {
    const plan = planOf(match, match.port);
    if (addPlan(plans, plan) === 'refused') {
      left.push(withoutEffect(match, plans.get(signature(plan)), `on port ${match.port}`));
    }
  }
  // Envoy looks at the port first: a chain for a port hides chains for all ports, which therefore stand there again.
  const ports = [undefined, ...new Set(appendMatch.flatMap(({ port }) => port ?? []))];
  for (const match of concerned.filter(({ port }) => port === undefined)) {
    for (const port of ports) {
      const plan = planOf(match, port);
      if (addPlan(plans, plan) === 'refused' && port === undefined) {
        left.push(withoutEffect(match, plans.get(signature(plan)), 'on all ports'));
      }
    }
  }
  const chains = [...plans.values()].map((plan) => ({ ...plan, hosts: plan.hosts.toSorted(compareNames) }));
  return { chains: chains.sort(comparePlans), left };
}

/** What kind of connections a chain takes. */
function kindOf({ protocol }: ChainPlan): string {
  return requestProtocols.has(protocol) ? 'requests' : protocol === 'mysql' ? 'any' : protocol;
}

/**
 * Behind the port Envoy looks at the address, and then only at chains of the narrowest network that holds it: chains for wider networks take
 * nothing there, unless one of that network takes all of their kind. So it is with chains by name; where names lead is not known here.
 */
function hiddenByAddress(chains: readonly ChainPlan[]): string[] {
  const hidden = new Map<string, Set<string>>();
  for (const samePort of Map.groupBy(chains, ({ port }) => port).values()) {
    for (const { network, value = '' } of samePort) {
      if (network === undefined) continue;
      const kinds = new Set(samePort.filter((chain) => isSame(chain.network, network)).map(kindOf));
      if (kinds.has('any')) continue;
      for (const wide of samePort.filter((chain) => chain.network !== undefined && holds(chain.network, network))) {
        if (kinds.has(kindOf(wide))) continue;
        const names = hidden.get(value) ?? new Set();
        hidden.set(value, names.add(`${wide.value} (${wide.protocol})`));
      }
    }
  }
  return [...hidden].map(
    ([value, names]) =>
      `connections to ${value} are told by that address alone: ${[...names].join(', ')} has no effect on them without a match for ${value} of its protocol`,
  );
}

function isSame(first: Network | undefined, second: Network): boolean {
  return first?.address === second.address && first.length === second.length;
}

/** True when a network holds another one and more. */
function holds(wide: Network, narrow: Network): boolean {
  return wide.length < narrow.length && isSame(networkOf(`${narrow.address}/${wide.length}`), wide);
}

function withoutEffect({ value, protocol }: OutsideMatch, other: ChainPlan | undefined, where: string): string {
  return `the match ${value} (${protocol}) has no effect ${where}: another policy gives it to ${other?.protocol}, and one protocol is possible`;
}

/** Chains for one family of addresses, in the order in which Envoy lists them. */
export function planChains(conf: PassthroughConf, family: IpFamily): readonly ChainPlan[] {
  return planListener(conf, family).chains;
}

/** Matches that have no effect because others stand in their way. */
export function matchesWithoutEffect(conf: PassthroughConf): readonly string[] {
  const reasons = (['ipv4', 'ipv6'] as const).flatMap((family) => {
    const { chains, left } = planListener(conf, family);
    return [...left, ...hiddenByAddress(chains)];
  });
  return [...new Set(reasons)];
}
