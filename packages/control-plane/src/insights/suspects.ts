// Whose fault a refused Envoy resource is: a policy shapes a resource when the resource would be another without it, which the engine can
// tell. Which of several is at fault only Envoy knows: they are left out one at a time, then together, until it takes what is left. Pure.
import { type Engine, leftOut, type RefusedResource } from '@ursa/engine';
import type { PolicyHead } from '@ursa/policy';

// A proxy has few policies that shape one resource; what is looked through is bounded all the same.
const mostExamined = 60;
const mostSuspects = 8;

/** The policies that shape any of the resources of a proxy, the one that was changed last first: a refusal follows a change. */
export function suspectsFor(
  engine: Pick<Engine, 'rules' | 'resourcesWithout'>,
  proxyKey: string,
  heldBack: readonly string[],
  resources: readonly RefusedResource[],
): readonly PolicyHead[] {
  const changed = ({ resource }: PolicyHead): number => Date.parse(resource.modificationTime) || 0;
  const applied = [...engine.rules.get(proxyKey).values()].flatMap(({ matched }) => matched);
  const newestFirst = [...new Map(applied.map((policy) => [policy.key, policy])).values()]
    .sort((left, right) => changed(right) - changed(left))
    .slice(0, mostExamined);
  const now = engine.resourcesWithout.get(proxyKey, leftOut(heldBack));
  const shapes = ({ key }: PolicyHead): boolean => {
    const without = engine.resourcesWithout.get(proxyKey, leftOut([...heldBack, key]));
    return resources.some(({ type, name }) => without[type].get(name) !== now[type].get(name));
  };
  const suspects: PolicyHead[] = [];
  for (const policy of newestFirst) {
    if (suspects.length === mostSuspects) break;
    if (shapes(policy)) suspects.push(policy);
  }
  return suspects;
}

/** What to leave out, one attempt after another: each alone, then the first two together, the first three, and so on. */
export function attemptsOf<Suspect>(suspects: readonly Suspect[]): readonly (readonly Suspect[])[] {
  return [
    ...suspects.map((suspect) => [suspect]),
    ...suspects.slice(1).map((_, index) => suspects.slice(0, index + 2)),
  ];
}
