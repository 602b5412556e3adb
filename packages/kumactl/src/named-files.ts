// Files that a flag names: read and written so that an error says which flag and why.
import { readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { MeshError } from '@ursa/resources';

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is no folder',
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
};

/** The content of a file that a flag or a setting names. Errors: `not-found` with both. */
export function readNamedFile(flag: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new MeshError('not-found', `${flag}: cannot read ${file}: ${reasonOf(cause)}`, { cause });
  }
}

/**
 * Writes a file whole or not at all, readable as `mode` says even when it was there before. A link stays one, and what is no file (/dev/null, a named
 * pipe) is written to, never replaced.
 */
export function writeWholeFile(flag: string, file: string, content: string | Buffer, mode: number): void {
  try {
    const there = statSync(file, { throwIfNoEntry: false });
    if (there !== undefined && !there.isFile()) writeFileSync(file, content);
    else replaceFile(there === undefined ? file : realpathSync(file), content, mode);
  } catch (cause) {
    throw new MeshError('invalid', `${flag}: cannot write ${file}: ${reasonOf(cause)}`, { cause });
  }
}

function replaceFile(place: string, content: string | Buffer, mode: number): void {
  const temporary = `${place}.${process.pid}.new`;
  try {
    writeFileSync(temporary, content, { mode });
    renameSync(temporary, place);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw cause;
  }
}

function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return reasons[code] ?? (cause instanceof Error ? cause.message : String(cause));
}
