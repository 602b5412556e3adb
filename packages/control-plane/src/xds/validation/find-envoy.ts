// Finds the Envoy that judges drafts: the path the setting gives, then PATH, then the newest copy that a build has fetched.
import { accessSync, constants, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { homeFolder } from '@ursa/resources';

/** Path of an Envoy that can be run; undefined when there is none. A setting with a slash is a path, else a name in PATH. */
export function findEnvoy(setting: string, environment: NodeJS.ProcessEnv): string | undefined {
  if (setting.includes('/')) return isExecutable(setting) ? setting : undefined;
  const folders = (environment.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...folders.map((folder) => join(folder, setting)), ...fetchedEnvoys(environment)].find(isExecutable);
}

function fetchedEnvoys(environment: NodeJS.ProcessEnv): string[] {
  const { XDG_CACHE_HOME: cache = '' } = environment;
  const folder = join(cache === '' ? join(homeFolder(environment, homedir), '.cache') : cache, 'ursa', 'envoy');
  try {
    const versions = readdirSync(folder).sort((first, second) => second.localeCompare(first, 'en', { numeric: true }));
    return versions.map((version) => join(folder, version, 'envoy'));
  } catch {
    return [];
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
