// Why a policy has no effect where it applies: what a writer should hear whose change reaches no proxy.
import type { ResourceKey } from '@ursa/resources';
import type { ExplainParts } from '../explain/explain-parts.ts';
import type { Finding, FindingCode } from './finding.ts';
import { protocolFindings } from './protocol-findings.ts';
import { routeFindings } from './route-findings.ts';

const idleCodes: ReadonlySet<FindingCode> = new Set(['overridden', 'wrong-protocol', 'route-overridden']);
// Each is looked at with all that it calls, and what none of these says is hardly said by the thousandth.
const proxiesLookedAt = 20;

/** Stronger policies that override all that this one says, and protocols that it is not for. `affected` has keys of Dataplanes that it applies to. */
export function idleFindings(
  parts: ExplainParts,
  { type, mesh, name }: ResourceKey,
  affected: readonly string[],
): readonly Finding[] {
  const policy = parts.policies.find((each) => each.name === type);
  if (policy === undefined) return [];
  const connected = affected.filter((key) => parts.inputs.proxies.get(key) !== undefined);
  const proxies = connected.slice(0, proxiesLookedAt).flatMap((key) => parts.dataplane.get(key) ?? []);
  const found =
    policy.routing === undefined ? protocolFindings(parts, policy, mesh, proxies) : routeFindings(parts, proxies);
  const own = found.filter(
    ({ code, resource }) =>
      idleCodes.has(code) && resource?.type === type && resource.mesh === mesh && resource.name === name,
  );
  return [...new Map(own.map((item) => [item.message, item])).values()];
}
