// How kuma-cp and kuma-dp are run: from source, or as the single-file executables.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { bunProgram } from '../../scripts/bun.ts';

/** Commands, each a program with its leading arguments. */
export interface Programs {
  readonly controlPlane: readonly string[];
  readonly dataPlane: readonly string[];
  readonly kumactl: readonly string[];
}

/** What runs them. */
export type Runtime = 'node' | 'bun' | 'dist';

const root = join(import.meta.dirname, '..', '..');

/** The programs of this checkout. Throws when the executables are wanted and not built. */
export function programsOf(runtime: Runtime): Programs {
  if (runtime === 'dist') return programsIn(join(root, 'dist'));
  const interpreter = runtime === 'bun' ? bunProgram : process.execPath;
  const source = (name: string): readonly string[] => [interpreter, join(root, 'packages', name, 'src', 'main.ts')];
  return { controlPlane: source('control-plane'), dataPlane: source('data-plane'), kumactl: source('kumactl') };
}

/** The single-file executables in a folder. Throws when one of them is missing. */
export function programsIn(folder: string): Programs {
  const executable = (name: string): readonly string[] => {
    const path = join(folder, name);
    if (!existsSync(path)) throw new Error(`${path} does not exist; run "npm run build" first`);
    return [path];
  };
  return { controlPlane: executable('kuma-cp'), dataPlane: executable('kuma-dp'), kumactl: executable('kumactl') };
}
