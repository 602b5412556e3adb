// The folder where a proxy's sockets and generated files live.
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { MeshError } from '@ursa/resources';

/** A work directory, and how to leave it. */
export interface WorkDir {
  readonly path: string;
  /** Removes the folder if it was made for this run. */
  remove(): void;
}

/** The kernel holds 108 bytes for the path of a Unix socket, the last of them 0 (unix(7)). */
const socketPathLimit = 107;

/** Opens the given folder, or a new temporary one that only this user may read. `socketNames` have to fit into socket paths. */
export function openWorkDir(path: string, socketNames: readonly string[]): WorkDir {
  const temporary = path === '';
  const folder = temporary ? mkdtempSync(join(tmpdir(), 'kuma-dp-')) : resolve(path);
  const remove = (): void => {
    if (temporary) rmSync(folder, { recursive: true, force: true });
  };
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (temporary) chmodSync(folder, 0o700);
  } catch (cause) {
    throw new MeshError('invalid', `--work-dir: ${folder} cannot be used: ${(cause as Error).message}`, { cause });
  }
  const longest = Math.max(...socketNames.map((name) => Buffer.byteLength(join(folder, name))));
  if (longest > socketPathLimit) {
    remove();
    const origin = temporary ? 'TMPDIR' : '--work-dir';
    throw new MeshError(
      'invalid',
      `${origin}: ${folder} is too long for Unix sockets by ${longest - socketPathLimit} characters; give a shorter --work-dir`,
    );
  }
  return { path: folder, remove };
}
