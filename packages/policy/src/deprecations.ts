// Warnings for writers about forms that will go away; the write is accepted. Clients show these texts, so they are the peers' (G3).
import type { PolicySpec } from './policy-spec.ts';

const topLevelAdvice: Readonly<Record<string, string>> = {
  MeshSubset: 'Dataplane with labels',
  MeshService: 'Dataplane with labels',
  MeshServiceSubset: 'Dataplane with labels',
};

/**
 * Warnings about a policy's lists and references, with the policy's own between them. `fromAdvice` says what to use in place of `from`.
 */
export function deprecations(spec: PolicySpec, fromAdvice: string, own: readonly string[]): readonly string[] {
  const { from = [], targetRef } = spec;
  const warnings: string[] = [];
  if (from.length > 0) warnings.push(`'from' field is deprecated${fromAdvice}`);
  warnings.push(...own);
  const advice = topLevelAdvice[targetRef?.kind ?? ''];
  if (advice !== undefined) {
    warnings.push(`${targetRef?.kind} value for 'targetRef.kind' is deprecated, use ${advice} instead`);
  }
  return warnings;
}
