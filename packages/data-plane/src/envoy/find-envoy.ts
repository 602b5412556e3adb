// Finds Envoy's executable: the path the user gave, then PATH, then the copy that the build fetched.
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { MeshError } from '@ursa/resources';
import { cachedEnvoyPath } from './release.ts';

const remedy =
  'give its path with --binary-path, or fetch it once with "node scripts/fetch-envoy.ts" in a checkout of this project';

/**
 * Absolute path of the Envoy to run. `binaryPath` with a slash is taken as a path; a bare name is looked up in PATH and then, for the
 * name `envoy`, in the cache of fetched Envoys. Throws `not-found` when there is none and `invalid` when it cannot be executed.
 */
export function findEnvoy(binaryPath: string, environment: NodeJS.ProcessEnv, workingFolder: string): string {
  if (binaryPath.includes('/')) {
    const path = isAbsolute(binaryPath) ? binaryPath : resolve(workingFolder, binaryPath);
    const state = executableState(path);
    if (state === 'missing') throw new MeshError('not-found', `--binary-path: there is no Envoy at ${path}; ${remedy}`);
    if (state !== 'executable') throw new MeshError('invalid', `--binary-path: ${path} ${state}`);
    return path;
  }
  const folders = (environment.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const folder of folders) {
    const path = join(folder, binaryPath);
    if (executableState(path) === 'executable') return path;
  }
  const cached = cachedEnvoyPath(environment);
  if (binaryPath === 'envoy' && executableState(cached) === 'executable') return cached;
  throw new MeshError('not-found', `Envoy was not found: no "${binaryPath}" in PATH and none at ${cached}; ${remedy}`);
}

function executableState(
  path: string,
): 'executable' | 'missing' | 'is a folder, not an executable' | 'is not executable: run "chmod +x" on it' {
  try {
    if (statSync(path).isDirectory()) return 'is a folder, not an executable';
    accessSync(path, constants.X_OK);
    return 'executable';
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EACCES' ? 'is not executable: run "chmod +x" on it' : 'missing';
  }
}
