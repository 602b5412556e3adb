// Which policies are left out of a proxy's configuration: those that are held back because Envoy refused what they made, and those of which nothing
// can be made, because they hold what today's rules would not let in, or because they fail. One such policy must cost only what it says itself.
import type { Derivation, Graph } from '@ursa/collections';
import { olderRouteTypes, type PolicyHead, type ProxyPolicy } from '@ursa/policy';
import type { EngineInputs } from './engine.ts';
import type { Faults } from './faults.ts';
import { type LeftOut, leftOut, policiesOf } from './held-back.ts';
import type { BuiltMaps } from './resource-set.ts';
import type { RuleDerivations } from './rules.ts';
import type { Unbuilt } from './unbuilt.ts';

/** A policy of which nothing can be made, and why. */
export interface UnusablePolicy {
  /** `Type/mesh/name`. */
  readonly key: string;
  readonly problem: string;
}

/** What is left out. */
export interface LeftOutDerivations {
  /** All of it, by proxy key. */
  readonly leftOut: Derivation<readonly [proxyKey: string], LeftOut>;
  readonly unusable: Derivation<readonly [proxyKey: string], readonly UnusablePolicy[]>;
}

/** What it is derived from. */
export interface LeftOutParts {
  readonly graph: Graph;
  readonly inputs: EngineInputs;
  readonly policies: readonly ProxyPolicy[];
  readonly rules: Pick<RuleDerivations, 'ruleSets'>;
  readonly faults: Faults;
  readonly heldBack: Derivation<readonly [proxyKey: string], LeftOut>;
  /** What comes of a proxy's configuration without some policies; it must not throw. */
  readonly builtWithout: (proxyKey: string, without: LeftOut) => BuiltMaps;
}

const none: readonly UnusablePolicy[] = [];

/** Derives what is left out. A proxy of which all can be built is looked at once, and no further. */
export function deriveLeftOut(parts: LeftOutParts): LeftOutDerivations {
  const { graph, inputs, policies, rules, faults, heldBack, builtWithout } = parts;
  // Without a policy that guards access a proxy could be open: what it guards is closed instead.
  const candidates = policies.filter(({ guardsAccess }) => guardsAccess !== true);

  const suspectsOf = (proxyKey: string, without: LeftOut, unbuilt: readonly Unbuilt[]): readonly string[] => {
    const types = unbuilt.map(({ policyType }) => policyType);
    const possible = types.includes(undefined) ? candidates : candidates.filter(({ name }) => types.includes(name));
    const possibleTypes = [...possible.map(({ name }) => name), ...olderRouteTypes(possible)];
    return possibleTypes.flatMap((type) => matchedOf(type, proxyKey, without).map(({ key }) => key));
  };
  const matchedOf = (type: string, proxyKey: string, without: LeftOut): readonly Pick<PolicyHead, 'key'>[] => {
    try {
      return rules.ruleSets.get(proxyKey, without).get(type)?.matched ?? [];
    } catch {
      // Where not even the rules can be told, whatever is in the mesh may be the cause.
      const mesh = inputs.proxies.get(proxyKey)?.mesh ?? '';
      const left = policiesOf(without);
      return inputs
        .resources(type)
        .index('mesh', (resource) => [resource.mesh])
        .get(mesh)
        .map((key) => ({ key: `${type}/${key}` }))
        .filter(({ key }) => !left.includes(key));
    }
  };

  const unusable = graph.derive('unusable policies', (proxyKey: string): readonly UnusablePolicy[] => {
    const refused = heldBack.get(proxyKey);
    const { unbuilt } = builtWithout(proxyKey, refused);
    if (unbuilt.length === 0) return none;
    const suspects = suspectsOf(proxyKey, refused, unbuilt);
    if (suspects.length === 0) return none;
    const failuresWithout = (keys: readonly string[]): number =>
      builtWithout(proxyKey, leftOut([...policiesOf(refused), ...keys])).unbuilt.length;
    // What fails without all of them is not their fault.
    const unavoidable = failuresWithout(suspects);
    if (unavoidable >= unbuilt.length) return none;
    const isEnough = (keys: readonly string[]): boolean => failuresWithout(keys) <= unavoidable;
    const atFault = smallestSet(suspects, (key) => faults.of(key) !== undefined, isEnough);
    const [first] = unbuilt;
    return atFault.map((key) => ({ key, problem: faults.of(key) ?? first?.problem ?? '' }));
  });

  return {
    unusable,
    leftOut: graph.derive('left out', (proxyKey: string): LeftOut => {
      const refused = heldBack.get(proxyKey);
      const others = unusable.get(proxyKey);
      return others.length === 0 ? refused : leftOut([...policiesOf(refused), ...others.map(({ key }) => key)]);
    }),
  };
}

/** As few of the suspects as it takes. Those that are wrong in themselves are tried first; then whole types are put back, then single policies. */
function smallestSet(
  suspects: readonly string[],
  isWrong: (key: string) => boolean,
  isEnough: (keys: readonly string[]) => boolean,
): readonly string[] {
  const wrong = suspects.filter(isWrong);
  if (wrong.length > 0 && isEnough(wrong)) return wrong;
  const typeOf = (key: string): string => key.slice(0, key.indexOf('/'));
  const groups = [...Map.groupBy(suspects, typeOf).values()];
  const withoutNeedless = (keys: readonly string[], portions: readonly (readonly string[])[]): readonly string[] =>
    portions.reduce((left, portion) => {
      const fewer = left.filter((key) => !portion.includes(key));
      return isEnough(fewer) ? fewer : left;
    }, keys);
  const ofTypes = withoutNeedless(suspects, groups);
  return withoutNeedless(
    ofTypes,
    ofTypes.map((key) => [key]),
  );
}
