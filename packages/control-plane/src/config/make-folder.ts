// Makes a folder and those above it. Node's own recursive way never returns where a folder can be seen but not made, as under /proc.
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** Makes what is missing of a path, readable by its owner only. Errors: those of the file system. */
export function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}
