// Findings about routes of an older form: destinations that nothing serves. A service known by its tag need not exist to be named.
import { tagNames } from '@ursa/resources';
import type { DataplaneFacts } from '../dataplane-facts.ts';
import type { Destination } from '../destinations.ts';
import type { ExplainParts } from '../explain/explain-parts.ts';
import { instancesOf, nameOf } from '../explain/find-outbound.ts';
import type { Outbound } from '../outbounds.ts';
import { destinationsOf } from '../traffic-path.ts';
import { type Finding, finding } from './finding.ts';

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
