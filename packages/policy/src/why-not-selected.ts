// Why a policy does not apply to a proxy, in words: the first part of its reference that does not hold.
import { tagNames } from '@ursa/resources';
import type { PolicyHead } from './policy-head.ts';
import { type RouteResolver, type SelectableProxy, selects } from './selection.ts';
import { tagsMatch } from './target-ref.ts';

type Pairs = Readonly<Record<string, string>>;

/** The reason; undefined when the policy applies. */
export function whyNotSelected(head: PolicyHead, proxy: SelectableProxy, routeOf?: RouteResolver): string | undefined {
  if (selects(head, proxy, routeOf) !== undefined) return undefined;
  const { targetRef } = head;
  if (head.mesh !== proxy.mesh) return `it is in the mesh ${head.mesh}, the proxy in ${proxy.mesh}`;
  return (
    outOfReach(head, proxy) ??
    refMismatch(head, proxy) ??
    `its targetRef ${targetRef.kind} selects nothing of the proxy`
  );
}

function outOfReach({ role, namespace, zone, origin }: PolicyHead, proxy: SelectableProxy): string | undefined {
  if ((role === 'consumer' || role === 'workload-owner') && namespace !== proxy.namespace)
    return `its role ${role} reaches only its own namespace ${quote(namespace)}, the proxy is in ${quote(proxy.namespace)}`;
  if (origin === 'zone' && role !== 'producer' && zone !== '' && zone !== proxy.zone)
    return `it was made in the zone ${zone} and stays there, the proxy is in ${quote(proxy.zone)}`;
  return undefined;
}

function refMismatch({ targetRef }: PolicyHead, proxy: SelectableProxy): string | undefined {
  const { kind, name, namespace, labels, tags = {}, sectionName, proxyTypes = [] } = targetRef;
  if (kind === 'Dataplane') {
    if (name === undefined && labels === undefined && namespace !== undefined)
      return `it says a namespace ${quote(namespace)} without a name, which selects nothing`;
    if (name !== undefined && name !== proxy.displayName)
      return `it names ${quote(name)}, the proxy is ${quote(proxy.displayName)}`;
    const label = labels && mismatch('label', labels, proxy.labels);
    if (label !== undefined) return label;
    if (sectionName === undefined) return undefined;
    const sections = proxy.inbounds.map((inbound) => inbound.name || String(inbound.port));
    return `no inbound is called ${quote(sectionName)} (there are: ${sections.join(', ')})`;
  }
  if (kind === 'MeshGateway') return 'it selects built-in gateways only';
  if (proxyTypes.length > 0 && !proxyTypes.includes(proxy.gateway === undefined ? 'Sidecar' : 'Gateway'))
    return `it selects ${proxyTypes.join(', ')} only`;
  const service = kind === 'MeshService' || kind === 'MeshServiceSubset' ? { [tagNames.service]: name ?? '' } : {};
  const wanted = { ...tags, ...service };
  const [nearest = {}] = proxy.inbounds
    .map((inbound) => inbound.tags)
    .toSorted((first, second) => matching(wanted, second) - matching(wanted, first));
  return mismatch('tag', wanted, nearest);
}

function matching(wanted: Pairs, tags: Pairs): number {
  return Object.entries(wanted).filter(([key, value]) => tagsMatch({ [key]: value }, tags)).length;
}

function mismatch(what: string, wanted: Pairs, given: Pairs): string | undefined {
  const differing = Object.entries(wanted).find(([key, value]) => !tagsMatch({ [key]: value }, given));
  if (differing === undefined) return undefined;
  const [key, value] = differing;
  const actual = given[key];
  return `it wants the ${what} ${key}=${value}, the proxy has ${actual === undefined ? `no ${what} ${key}` : `${key}=${actual}`}`;
}

function quote(text: string): string {
  return text === '' ? 'none' : JSON.stringify(text);
}
