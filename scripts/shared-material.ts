// Material that CI has beside the checkout and a user's clone has not: recorded behaviour of the peer and the benchmark.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { root, run } from './process.ts';

/** The folder beside the checkout. */
export const sharedFolder = join(root, '..', 'shared');

export const conformanceFolder = join(sharedFolder, 'conformance');
export const benchFolder = join(sharedFolder, 'bench', 'meshload');

/** Where built tools are kept between runs, outside the clone. */
export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'ursa');
}

/**
 * Builds a Go program of the shared material and gives the path of its executable. Kept by the hash of its sources, so that the second
 * run costs nothing.
 */
export function buildGoTool(folder: string, name: string, packagePath = '.'): string {
  const hash = createHash('sha256');
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    if (/\.go$|go\.(mod|sum)$/.test(file)) hash.update(file).update(readFileSync(join(folder, file)));
  }
  const target = join(cacheFolder(), 'tools', `${name}-${hash.digest('hex').slice(0, 16)}`);
  const executable = join(target, name);
  if (existsSync(executable)) return executable;
  const sources = join(target, 'src');
  mkdirSync(target, { recursive: true });
  cpSync(folder, sources, { recursive: true, mode: 0 });
  const code = run('go', ['build', '-o', executable, packagePath], {
    cwd: sources,
    env: { ...process.env, GOFLAGS: '-mod=mod' },
  });
  if (code !== 0) throw new Error(`go build of ${name} failed; it needs Go 1.25 or newer on the PATH`);
  return executable;
}
