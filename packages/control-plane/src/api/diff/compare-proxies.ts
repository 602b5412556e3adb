// Two configurations of every proxy, compared by class: what is the same object is the same, each pair of resources is looked at once, and
// proxies to which the same happens are one group.
import type { Collection } from '@ursa/collections';
import type { ConfigWarning, Engine, ProxyConfig } from '@ursa/engine';
import type { EnvoyResource, EnvoyType } from '@ursa/envoy';
import { takeTurns } from '../../turns.ts';

/** One Envoy resource as it is and as it would be; undefined where it is not there. */
export interface ResourcePair {
  readonly type: EnvoyType;
  /** Addresses of its own proxy as `*`. */
  readonly name: string;
  readonly before: EnvoyResource | undefined;
  readonly after: EnvoyResource | undefined;
}

/** Proxies to which the same would happen; the pairs are those of the first of them. */
export interface ProxyGroup {
  readonly proxies: readonly string[];
  readonly resources: readonly ResourcePair[];
}

/** What a change would do to proxies. */
export interface ProxyComparison {
  readonly compared: number;
  readonly groups: readonly ProxyGroup[];
  /** Warnings that the change would cause, with the keys of their proxies. */
  readonly warnings: ReadonlyMap<string, readonly string[]>;
}

const types: readonly EnvoyType[] = ['listener', 'route', 'cluster', 'endpoint', 'secret', 'runtime'];

/** Compares what all connected proxies have with what they would have. */
export async function compareProxies(
  proxies: Pick<Collection<unknown>, 'keys'>,
  now: Pick<Engine, 'config'>,
  then: Pick<Engine, 'config'>,
): Promise<ProxyComparison> {
  const signatures = createSignatures();
  const groups = new Map<string, { proxies: string[]; resources: readonly ResourcePair[] }>();
  const warnings = new Map<string, string[]>();
  const keys = proxies.keys();
  const turn = takeTurns();
  for (const key of keys) {
    await turn();
    const [before, after] = [now.config.get(key), then.config.get(key)];
    for (const message of newWarnings(before?.warnings ?? [], after?.warnings ?? [])) {
      warnings.set(message, [...(warnings.get(message) ?? []), key]);
    }
    const resources = changedResources(before, after);
    if (resources.length === 0) continue;
    const signature = resources.map((pair) => signatures.of(pair)).join('\n');
    const group = groups.get(signature);
    if (group === undefined) groups.set(signature, { proxies: [key], resources });
    else group.proxies.push(key);
  }
  const sorted = [...groups.values()].sort((one, other) => other.proxies.length - one.proxies.length);
  return { compared: keys.length, groups: sorted, warnings };
}

function newWarnings(before: readonly ConfigWarning[], after: readonly ConfigWarning[]): readonly string[] {
  const known = new Set(before.map(({ message }) => message));
  return after.map(({ message }) => message).filter((message) => !known.has(message));
}

function changedResources(before: ProxyConfig | undefined, after: ProxyConfig | undefined): readonly ResourcePair[] {
  if (before === after) return [];
  return types.flatMap((type) => {
    const old = before?.resources[type] ?? new Map<string, EnvoyResource>();
    const now = after?.resources[type] ?? new Map<string, EnvoyResource>();
    if (old === now) return [];
    const pairs: ResourcePair[] = [];
    for (const [name, resource] of now) {
      const known = old.get(name);
      if (known !== resource) pairs.push({ type, name: withoutAddress(name), before: known, after: resource });
    }
    for (const [name, resource] of old) {
      if (!now.has(name)) pairs.push({ type, name: withoutAddress(name), before: resource, after: undefined });
    }
    return pairs;
  });
}

/** An inbound carries its proxy's own address in its name. */
function withoutAddress(name: string): string {
  return name.replace(/^(inbound):(?:[\d.]+|\[[\da-f:.]+\]|[\da-f:]+:[\da-f:]+)(?=:\d+$)/, '$1:*');
}

/** Says what happens to a resource, alike for all proxies to which the same happens. */
interface Signatures {
  of(pair: ResourcePair): string;
}

function createSignatures(): Signatures {
  const known = new WeakMap<EnvoyResource, Map<EnvoyResource, string>>();
  const differenceOf = (before: EnvoyResource, after: EnvoyResource): string => {
    const byAfter = known.get(before) ?? new Map<EnvoyResource, string>();
    known.set(before, byAfter);
    const found = byAfter.get(after) ?? byteDifference(before.bytes, after.bytes);
    byAfter.set(after, found);
    return found;
  };
  return {
    of({ type, name, before, after }) {
      const difference = before === undefined ? 'added' : after === undefined ? 'removed' : differenceOf(before, after);
      return `${type} ${name} ${difference}`;
    },
  };
}

/** The bytes that one message has in place of the other's, lengths of what they lie in included. Cheaper by far than to decode both. */
function byteDifference(before: Uint8Array, after: Uint8Array): string {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < shorter - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  const cut = (bytes: Uint8Array) => Buffer.from(bytes.subarray(start, bytes.length - end)).toString('base64');
  return `${cut(before)} ${cut(after)}`;
}
