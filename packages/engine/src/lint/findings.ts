// All findings about one mesh, from the derivations of its configurations.
import { dataplanesIn, type ExplainParts } from '../explain/explain-parts.ts';
import { entryFindings } from './entry-findings.ts';
import { type Finding, finding } from './finding.ts';
import { meshFindings } from './mesh-findings.ts';
import { routesWithoutServices } from './older-route-findings.ts';
import { protocolFindings } from './protocol-findings.ts';
import { reachFindings } from './reach-findings.ts';
import { routeFindings } from './route-findings.ts';
import { selectionFindings } from './selection-findings.ts';

/** The findings, each once, those about one resource together. */
export function findingsOf(parts: ExplainParts, mesh: string): readonly Finding[] {
  const proxies = dataplanesIn(parts, mesh);
  const found = [
    ...meshFindings(parts, mesh, proxies),
    ...parts.policies.flatMap((policy) => [
      ...selectionFindings(parts, policy, mesh, proxies),
      ...entryFindings(parts, policy, mesh, proxies),
      ...protocolFindings(parts, policy, mesh, proxies),
    ]),
    ...routeFindings(parts, proxies),
    ...routesWithoutServices(parts, mesh),
    ...reachFindings(parts, mesh, proxies),
    ...proxies.flatMap(({ name }) =>
      (parts.config.get(`${mesh}/${name}`)?.warnings ?? [])
        .filter(({ message }) => !message.includes('so it gets no traffic'))
        .map(({ message }) =>
          finding('unhealthy-config', `${name}: ${message}`, 'correct the policy that it names', {
            type: 'Dataplane',
            mesh,
            name,
          }),
        ),
    ),
  ];
  return [...new Map(found.map((item) => [JSON.stringify(item), item])).values()];
}
