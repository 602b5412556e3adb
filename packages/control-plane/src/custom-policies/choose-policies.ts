// Which policies this control plane serves: the built-in ones that the settings leave on, then the user's own.
import type { ProxyPolicy } from '@ursa/policy';
import { MeshError, suggestionFor } from '@ursa/resources';

/** What the choice is made from. */
export interface PolicyChoice {
  readonly builtin: readonly ProxyPolicy[];
  readonly custom: readonly ProxyPolicy[];
  /** Built-in policies to serve, by any of their names; empty: all. */
  readonly enabled: readonly string[];
}

/** The policies in the order in which they shape a proxy. Errors: `MeshError` for a name that is unknown or taken. */
export function choosePolicies({ builtin, custom, enabled }: PolicyChoice): readonly ProxyPolicy[] {
  const taken = new Map(builtin.map((policy) => [policy.name, 'is a built-in policy']));
  for (const { name } of custom) {
    const reason = taken.get(name);
    if (reason !== undefined)
      throw new MeshError('invalid', `KUMA_PLUGIN_POLICIES_CUSTOM: ${name} ${reason}; give the policy another name`);
    taken.set(name, 'is defined twice');
  }
  if (enabled.length === 0) return [...builtin, ...custom];
  const wanted = new Set(enabled.map((word) => named(builtin, word)));
  return [...builtin.filter((policy) => wanted.has(policy)), ...custom];
}

function named(policies: readonly ProxyPolicy[], word: string): ProxyPolicy {
  const found = policies.find(({ name, resourceType }) =>
    [name, resourceType.path, resourceType.shortName].some((known) => known.toLowerCase() === word.toLowerCase()),
  );
  if (found !== undefined) return found;
  const paths = policies.map(({ resourceType }) => resourceType.path);
  throw new MeshError(
    'invalid',
    `KUMA_PLUGIN_POLICIES_ENABLED: there is no policy ${JSON.stringify(word)}; ${suggestionFor(word, paths)}`,
  );
}
