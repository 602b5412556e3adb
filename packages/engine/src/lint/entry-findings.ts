// Findings about entries of policies: those that name what is not there, and those that others take the effect from.
import {
  contains,
  type PolicyHead,
  type ProxyPolicy,
  portName,
  type Subset,
  subsetOf,
  whyStronger,
} from '@ursa/policy';
import { closestName, displayNameOf, labelNames, type Resource, type TargetRef, tagNames } from '@ursa/resources';
import type { DataplaneFacts } from '../dataplane-facts.ts';
import { policiesIn } from '../explain/applied-policies.ts';
import { type ExplainParts, servicesOf } from '../explain/explain-parts.ts';
import { type Finding, finding } from './finding.ts';

/** The findings about the policies of one type. */
export function entryFindings(
  parts: ExplainParts,
  policy: ProxyPolicy,
  mesh: string,
  proxies: readonly DataplaneFacts[],
): readonly Finding[] {
  const heads = policiesIn(parts, policy.name, mesh);
  if (heads.length === 0) return [];
  return [
    ...missingReferences(parts, heads, proxies),
    ...(policy.authorize === undefined ? [] : shadowedEntries(parts, policy, mesh, proxies)),
  ];
}

/** Destinations and clients that some policies name and that are not there. */
export function missingReferences(
  parts: ExplainParts,
  heads: readonly PolicyHead[],
  proxies: readonly DataplaneFacts[],
): readonly Finding[] {
  const known = new Set(proxies.flatMap(servicesOf));
  return heads.flatMap((head) => [...missingDestinations(parts, head, known), ...missingClients(head, known)]);
}

function missingDestinations(parts: ExplainParts, head: PolicyHead, known: ReadonlySet<string>): Finding[] {
  return (head.spec.to ?? []).flatMap(({ targetRef }, index) => {
    const { kind, name, labels } = targetRef;
    if (kind === 'Mesh' || kind === 'MeshSubset') return [];
    const resources = parts.inputs.resources(kind);
    const all = resources.keys().flatMap((key) => {
      const resource = resources.get(key);
      return resource?.mesh === head.mesh ? [resource] : [];
    });
    const isMeant = (resource: Resource): boolean =>
      name === undefined
        ? Object.entries(labels ?? {}).every(([key, value]) => resource.labels[key] === value)
        : displayNameOf(resource) === name;
    const meant = all.filter(isMeant);
    if (meant.length > 0) return [...missingNamespace(head, index, meant), ...missingPort(head, index, meant)];
    if (kind.startsWith('MeshService') && name !== undefined && known.has(name)) return [];
    const wanted = name ?? `with the labels ${JSON.stringify(labels)}`;
    const close = name === undefined ? undefined : closestName(name, [...all.map(displayNameOf), ...known]);
    return finding(
      'destination-missing',
      `${head.type} ${head.displayName}: there is no ${kind} ${wanted}, so this entry applies to nothing`,
      close === undefined ? 'name a destination that exists' : `did you mean ${JSON.stringify(close)}?`,
      head.resource,
      `spec.to[${index}].targetRef.${name === undefined ? 'labels' : 'name'}`,
    );
  });
}

/** YAML that comes from Kubernetes names namespaces; what was made elsewhere is in none. */
function missingNamespace(head: PolicyHead, index: number, services: readonly Resource[]): Finding[] {
  const { kind, name, namespace } = head.spec.to?.[index]?.targetRef ?? {};
  if (name === undefined || namespace === undefined || namespace === '') return [];
  const namespaces = services.map(({ labels }) => labels[labelNames.namespace]);
  if (namespaces.includes(namespace)) return [];
  const [known] = namespaces;
  return [
    finding(
      'destination-missing',
      `${head.type} ${head.displayName}: the ${kind} ${name} is not in the namespace ${namespace}, so this entry does not speak of it`,
      known === undefined ? 'leave namespace out: it is in none' : `did you mean ${JSON.stringify(known)}?`,
      head.resource,
      `spec.to[${index}].targetRef.namespace`,
    ),
  ];
}

/** A port with a name is known by it alone; a policy that says its number speaks of none. */
function missingPort(head: PolicyHead, index: number, services: readonly Resource[]): Finding[] {
  const targetRef = head.spec.to?.[index]?.targetRef;
  const section = targetRef?.sectionName;
  if (section === undefined || section === '') return [];
  const ports = services.flatMap(({ spec }) => (spec as ServiceWithPorts).ports ?? []);
  if (ports.length === 0 || ports.some((port) => portName(port) === section)) return [];
  const names = [...new Set(ports.map(portName))];
  const meant = ports.find(({ port }) => String(port) === section);
  const close = meant === undefined ? closestName(section, names) : portName(meant);
  return [
    finding(
      'destination-missing',
      `${head.type} ${head.displayName}: the ${targetRef?.kind} ${services[0] && displayNameOf(services[0])} has no port called ${section} (there are: ${names.join(', ')}), so this entry speaks of none of them`,
      close === undefined
        ? 'name a port that exists, or leave sectionName out'
        : `did you mean ${JSON.stringify(close)}?`,
      head.resource,
      `spec.to[${index}].targetRef.sectionName`,
    ),
  ];
}

interface ServiceWithPorts {
  readonly ports?: readonly { readonly name?: string; readonly port: number }[];
}

function missingClients(head: PolicyHead, known: ReadonlySet<string>): Finding[] {
  return (head.spec.from ?? []).flatMap(({ targetRef }, index) => {
    const service = serviceIn(targetRef);
    if (service === undefined || service === '*' || known.has(service)) return [];
    const close = closestName(service, [...known]);
    return finding(
      'client-missing',
      `${head.type} ${head.displayName}: no proxy serves ${service}, so this entry is for no client`,
      close === undefined ? 'name a service that exists' : `did you mean ${JSON.stringify(close)}?`,
      head.resource,
      `spec.from[${index}].targetRef`,
    );
  });
}

function serviceIn({ kind, name, tags }: TargetRef): string | undefined {
  return kind === 'MeshService' || kind === 'MeshServiceSubset' ? name : tags?.[tagNames.service];
}

interface FromEntry {
  readonly head: PolicyHead;
  readonly index: number;
  readonly subset: Subset;
  readonly conf: string;
}

// The last entry that selects a client counts: one whose clients a later entry all selects has no effect.
function shadowedEntries(
  parts: ExplainParts,
  policy: ProxyPolicy,
  mesh: string,
  proxies: readonly DataplaneFacts[],
): Finding[] {
  return proxies.flatMap(({ name }) => {
    const entries = parts.rules.matched.get(policy.name, `${mesh}/${name}`).flatMap(fromEntries);
    return entries.flatMap((entry, position) => {
      const winner = entries.slice(position + 1).findLast((later) => contains(later.subset, entry.subset));
      if (winner === undefined || winner.conf === entry.conf) return [];
      // An exception to a general rule is what narrower policies are for; an exception that a general rule takes back is a mistake.
      if (winner.subset.length >= entry.subset.length) return [];
      const reason = winner.head === entry.head ? 'it stands later in the list' : whyStronger(winner.head, entry.head);
      return finding(
        'entry-shadowed',
        `${policy.name} ${entry.head.displayName}: spec.from[${entry.index}] decides nothing at ${name}, because spec.from[${winner.index}] of ${winner.head.displayName} selects the same clients and wins: ${reason}`,
        'make the policy of this entry the narrower one (targetRef with a name), or take the clients out of the other',
        entry.head.resource,
        `spec.from[${entry.index}]`,
      );
    });
  });
}

function fromEntries(head: PolicyHead): FromEntry[] {
  return (head.spec.from ?? []).flatMap(({ targetRef, default: conf }, index) => {
    const subset = subsetOf(targetRef);
    return subset === undefined ? [] : [{ head, index, subset, conf: JSON.stringify(conf) }];
  });
}
