// Loads users' own policies from the folders that a setting names. A policy that cannot be loaded stops the start: a mesh that silently lacks a
// policy is worse than one that does not come up.
import { existsSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ProxyPolicy } from '@ursa/policy';
import { MeshError } from '@ursa/resources';
import { provideModules } from './provided-modules.ts';

const setting = 'KUMA_PLUGIN_POLICIES_CUSTOM';
const extensions = ['.ts', '.js', '.mjs'];

/**
 * The policies that the modules at these places export, in the order of the places. A place is a module, or a folder with a module of its own
 * name (`my-policy/my-policy.ts`) or `index`. Errors: `MeshError` that names the place, for what is not there, does not load or exports no policy.
 */
export async function loadCustomPolicies(places: readonly string[]): Promise<readonly ProxyPolicy[]> {
  if (places.length === 0) return [];
  await provideModules();
  const policies: ProxyPolicy[] = [];
  for (const place of places) policies.push(...(await loadPlace(place)));
  return policies;
}

async function loadPlace(place: string): Promise<readonly ProxyPolicy[]> {
  const file = moduleAt(resolve(place));
  if (file === undefined) {
    throw new MeshError(
      'invalid',
      `${setting}: ${place} holds no policy; expected a module, or a folder with ${basename(resolve(place))}.ts or index.ts`,
    );
  }
  let exported: Readonly<Record<string, unknown>>;
  try {
    exported = await import(pathToFileURL(file).href);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MeshError('invalid', `${setting}: ${file} could not be loaded: ${reason}`, { cause });
  }
  const policies = Object.values(exported).filter(isPolicy);
  if (policies.length === 0)
    throw new MeshError('invalid', `${setting}: ${file} exports no policy; export what defineProxyPolicy returns`);
  return policies;
}

function moduleAt(place: string): string | undefined {
  if (!existsSync(place)) return undefined;
  if (!statSync(place).isDirectory()) return place;
  const names = [basename(place), 'index'];
  const files = names.flatMap((name) => extensions.map((extension) => join(place, name + extension)));
  return files.find((file) => existsSync(file));
}

function isPolicy(value: unknown): value is ProxyPolicy {
  if (typeof value !== 'object' || value === null) return false;
  return 'resourceType' in value && 'shape' in value && 'hooks' in value && 'name' in value;
}
