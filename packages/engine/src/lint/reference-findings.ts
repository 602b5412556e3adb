// Findings about what one policy refers to: what a writer should hear before anything else of its mesh is looked at.
import { policyHead } from '@ursa/policy';
import type { ResourceKey } from '@ursa/resources';
import { dataplanesIn, type ExplainParts } from '../explain/explain-parts.ts';
import { missingReferences } from './entry-findings.ts';
import type { Finding } from './finding.ts';
import { selectionOf } from './selection-findings.ts';

/** The proxies that a policy does not select, the destinations and clients that are not there. Costs a look at each Dataplane of the mesh. */
export function referenceFindings(parts: ExplainParts, { type, mesh, name }: ResourceKey): readonly Finding[] {
  if (!parts.policies.some((policy) => policy.name === type)) return [];
  const resource = parts.inputs.resources(type).get(`${mesh}/${name}`);
  if (resource === undefined) return [];
  const head = policyHead(resource);
  const proxies = dataplanesIn(parts, mesh);
  return [...selectionOf(parts, head, proxies), ...missingReferences(parts, [head], proxies)];
}
