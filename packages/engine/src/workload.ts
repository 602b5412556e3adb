// Whose proxy it is. Kept apart from the class of a proxy, so that only what names the workload is built for each workload.
import type { Derivation, Graph } from '@ursa/collections';
import type { ProxyPolicy, WorkloadFacts } from '@ursa/policy';
import { formatKri, labelNames, tagNames } from '@ursa/resources';
import type { DataplaneFacts } from './dataplane-facts.ts';
import type { RuleSets } from './rule-views.ts';

/** True when one of the policies in force shapes traffic with the workload in view. */
export function namesWorkload(policies: readonly ProxyPolicy[], ruleSets: RuleSets): boolean {
  return policies.some(
    ({ name, hooks }) => hooks.traffic !== undefined && ruleSets.get(name)?.single?.conf !== undefined,
  );
}

function serviceOf({ inbounds, gateway, name }: DataplaneFacts): string {
  const [service] = inbounds.flatMap((inbound) => (inbound.service === '' ? [] : [inbound.service]));
  return gateway?.tags[tagNames.service] ?? service ?? name;
}

function kriOf({ mesh, labels }: DataplaneFacts, zone: string): string {
  const name = labels[labelNames.workload] ?? '';
  if (name === '') return '';
  return formatKri({ type: 'wl', mesh, zone, namespace: labels[labelNames.namespace] ?? '', name, section: '' });
}

/** Finds the workload of a Dataplane. Equal ones are one object. */
export function deriveWorkload(graph: Graph, zone: string): (dataplane: DataplaneFacts) => WorkloadFacts {
  const workload: Derivation<readonly [service: string, kri: string, ipv6: boolean], WorkloadFacts> = graph.derive(
    'workload',
    (service, kri, ipv6) => ({ service, zone, kri: kri === '' ? undefined : kri, ipv6 }),
  );
  return (dataplane) => workload.get(serviceOf(dataplane), kriOf(dataplane, zone), dataplane.address.includes(':'));
}
