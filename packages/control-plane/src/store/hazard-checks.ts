// Refuses policies that do what the operator does not want of policies, and says which setting lets them be written.
import { type HazardKind, hazardKinds, type ProxyPolicy } from '@ursa/policy';
import { MeshError, type ResourceDraft } from '@ursa/resources';
import { withCheck } from './checked-manager.ts';
import type { ResourceManager } from './resource-manager.ts';

const setting = 'policies.refusedHazards (KUMA_POLICIES_REFUSED_HAZARDS)';

/** The manager behind the check. `refused` are kinds of hazards. Errors at the start: `MeshError('invalid')` for a kind that there is not. */
export function withHazardChecks(
  manager: ResourceManager,
  policies: readonly ProxyPolicy[],
  refused: readonly string[],
): ResourceManager {
  const kinds = new Set(refused.map(parseKind));
  if (kinds.size === 0) return manager;
  const hazardsOf = new Map(policies.flatMap(({ name, hazards }) => (hazards === undefined ? [] : [[name, hazards]])));
  return withCheck(manager, async (drafts) => {
    for (const draft of drafts) requireHarmless(draft, hazardsOf.get(draft.type), kinds);
  });
}

function requireHarmless(draft: ResourceDraft, hazards: ProxyPolicy['hazards'], kinds: ReadonlySet<HazardKind>): void {
  const violations = (hazards?.(draft.spec as never) ?? [])
    .filter(({ kind }) => kinds.has(kind))
    .map(({ kind, field, what }) => ({
      field: `spec.${field}`,
      message: `${JSON.stringify(what.slice(0, 100))} ${hazardKinds[kind]}, which this control plane does not let policies do; take "${kind}" out of ${setting} to allow it`,
    }));
  const [first] = violations;
  if (first !== undefined) throw new MeshError('invalid', `${first.field}: ${first.message}`, { violations });
}

function parseKind(text: string): HazardKind {
  const kind = (Object.keys(hazardKinds) as HazardKind[]).find((known) => known === text);
  if (kind !== undefined) return kind;
  throw new MeshError(
    'invalid',
    `${setting}: ${JSON.stringify(text)} is not one of ${Object.keys(hazardKinds).join(', ')}`,
  );
}
