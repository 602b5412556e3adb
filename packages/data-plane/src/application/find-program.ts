// Whether the application of `kuma-dp exec` can be started at all: asked before anything else happens, and a join code is used up.
import { accessSync, constants, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Why a program cannot be started. `code` is what a shell ends with: 127 for one that is not there, 126 for one that must not be executed. */
export interface UnusableProgram {
  readonly code: 126 | 127;
  readonly reason: string;
}

/** Undefined when it can be started. `program` is a name, found by PATH, or a path from the working folder. */
export function whyUnusable(
  program: string,
  { environment, workingFolder }: { readonly environment: NodeJS.ProcessEnv; readonly workingFolder: string },
): UnusableProgram | undefined {
  const isPath = program.includes('/');
  const path = environment.PATH;
  // Without PATH the shell has folders of its own.
  if (path === undefined && !isPath) return undefined;
  // An empty entry of PATH is the working folder.
  const folders = isPath || path === undefined ? [''] : path.split(':');
  const found = folders
    .map((folder) => resolve(workingFolder, join(folder, program)))
    .map((file) => ({ file, kind: kindOf(file) }));
  if (found.some(({ kind }) => kind === 'executable')) return undefined;
  const hindered = found.find(({ kind }) => kind === 'hindered');
  if (hindered !== undefined)
    return { code: 126, reason: `${hindered.file} is no executable file: "chmod +x" makes it one` };
  const searched = isPath ? `there is no file ${found[0]?.file}` : `it is in no folder of PATH (${path})`;
  return { code: 127, reason: `program "${program}" was not found: ${searched}` };
}

function kindOf(file: string): 'executable' | 'hindered' | undefined {
  try {
    if (!statSync(file).isFile()) return undefined;
  } catch {
    return undefined;
  }
  try {
    accessSync(file, constants.X_OK);
    return 'executable';
  } catch {
    return 'hindered';
  }
}
