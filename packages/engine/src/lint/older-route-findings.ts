// Findings about routes of an older form: those without effect, and destinations that nothing serves. A service known by its tag need not exist to be named.
import { olderRouteTypes } from '@ursa/policy';
import { tagNames } from '@ursa/resources';
import type { DataplaneFacts } from '../dataplane-facts.ts';
import type { Destination } from '../destinations.ts';
import { policiesIn } from '../explain/applied-policies.ts';
import type { ExplainParts } from '../explain/explain-parts.ts';
import { instancesOf, nameOf } from '../explain/find-outbound.ts';
import type { Outbound } from '../outbounds.ts';
import { destinationsOf } from '../traffic-path.ts';
import { type Finding, finding } from './finding.ts';

/** Those that can have no effect in a mesh, because all of its services are resources. */
export function routesWithoutServices(parts: ExplainParts, mesh: string): readonly Finding[] {
  if (parts.meshFacts.get(mesh)?.meshServices !== 'Exclusive') return [];
  const heads = olderRouteTypes(parts.policies).flatMap((type) => policiesIn(parts, type, mesh));
  return heads.map(({ type, displayName, resource }) => {
    const message = `${type} ${displayName} has no effect while meshServices.mode of the mesh ${mesh} is Exclusive: it speaks of services by their tag, and calls go to MeshServices`;
    return finding('older-policy', message, 'say it in a newer route, or remove it', resource);
  });
}

/** The findings about an outbound of a proxy. */
export function olderRouteFindings(
  parts: ExplainParts,
  { mesh, name }: DataplaneFacts,
  { destination }: Outbound,
): readonly Finding[] {
  const traffic = parts.traffic.get(destination, parts.rules.outboundRules.get(`${mesh}/${name}`));
  if (traffic.older === undefined || traffic.kind === 'direct') return [];
  const { type, displayName, resource } = traffic.older.head;
  return destinationsOf(destination, traffic)
    .filter((each) => each.outside === undefined && instancesOf(parts, each).length === 0)
    .map((each) => {
      const message = `${type} ${displayName}: nothing has the tags ${tagsOf(each)}, so its share of the calls to ${nameOf(destination)} fails`;
      return finding('backend-missing', message, 'correct the tags, or start what should have them', resource, 'conf');
    });
}

function tagsOf(destination: Destination): string {
  const { source } = destination;
  const tags = source.kind === 'service' ? { [tagNames.service]: source.service, ...source.tags } : {};
  return Object.entries(tags)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ');
}
