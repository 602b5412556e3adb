// Files that hold secrets.
import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes a file that only this user may read, and gives its path. */
export function writePrivate(folder: string, name: string, text: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  chmodSync(path, 0o600);
  return path;
}

/** The same, at once: whoever reads it meanwhile sees the text before or this one. */
export function replacePrivate(folder: string, name: string, text: string): void {
  renameSync(writePrivate(folder, `.${name}.new`, text), join(folder, name));
}
