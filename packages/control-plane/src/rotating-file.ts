// A file of lines that starts anew when it is full: the old one is renamed with the time, old ones are removed by age and number.
import { closeSync, fstatSync, openSync, readdirSync, renameSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { makeFolder } from './config/make-folder.ts';

/** When a file is rotated and what is kept of old ones. */
export interface FileRotation {
  readonly maxBytes: number;
  /** Old files that are older go. Days; 0: no limit. */
  readonly maxAgeDays: number;
  /** Old files that are more than this many go. 0: no limit. */
  readonly maxRetainedFiles: number;
}

/** A file that lines are added to. */
export interface RotatingFile {
  /** Throws what the file system says; the next line is tried anew, on a file opened anew. */
  append(line: string): void;
}

const day = 24 * 3600 * 1000;

/**
 * Opens a file for appending, with the rights `mode`. `/var/log/kuma.log` is renamed to `/var/log/kuma-2021-06-07T09-15-18.265.log` when it is
 * full. Several processes may append to one. Throws what the file system says.
 */
export function openRotatingFile(
  file: string,
  rotation: FileRotation,
  { mode = 0o640, now = () => new Date() }: { readonly mode?: number; readonly now?: () => Date } = {},
): RotatingFile {
  let descriptor: number | undefined;
  let size = 0;
  /** The end of the last line did not fit: the next one must not be glued to it. */
  let isTorn = false;

  function open(): number {
    makeFolder(dirname(file));
    const opened = openSync(file, 'a', mode);
    size = fstatSync(opened).size;
    descriptor = opened;
    return opened;
  }

  function close(): void {
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
  }

  function rotate(current: number): number {
    const isOurs = statSync(file, { throwIfNoEntry: false })?.ino === fstatSync(current).ino;
    close();
    // Else another process has renamed it already.
    if (isOurs) {
      renameSync(file, rotatedName(file, now()));
      removeOld(file, rotation, now());
    }
    return open();
  }

  open();
  return {
    append(line) {
      try {
        let current = descriptor ?? open();
        if (size > 0 && size + line.length > rotation.maxBytes) current = rotate(current);
        const bytes = Buffer.from(isTorn ? `\n${line}` : line);
        const written = writeSync(current, bytes);
        size += written;
        isTorn = written > 0 && written < bytes.length;
        if (written < bytes.length) throw new Error('no space is left for the whole line');
      } catch (error) {
        close();
        throw error;
      }
    },
  };
}

function rotatedName(file: string, time: Date): string {
  const ending = extname(file);
  const stamp = time.toISOString().replace('Z', '').replaceAll(':', '-');
  return join(dirname(file), `${basename(file, ending)}-${stamp}${ending}`);
}

function removeOld(file: string, { maxAgeDays, maxRetainedFiles }: FileRotation, now: Date): void {
  const ending = extname(file);
  const prefix = `${basename(file, ending)}-`;
  const old = readdirSync(dirname(file))
    .filter((name) => name.startsWith(prefix) && name.endsWith(ending) && timeIn(name, prefix, ending) !== undefined)
    .sort()
    .reverse();
  for (const [position, name] of old.entries()) {
    const age = now.getTime() - (timeIn(name, prefix, ending) ?? 0);
    const tooMany = maxRetainedFiles > 0 && position >= maxRetainedFiles;
    const tooOld = maxAgeDays > 0 && age > maxAgeDays * day;
    if (tooMany || tooOld) unlinkSync(join(dirname(file), name));
  }
}

/** The time in a rotated file's name, in milliseconds since 1970. */
function timeIn(name: string, prefix: string, ending: string): number | undefined {
  const stamp = name.slice(prefix.length, ending === '' ? undefined : -ending.length);
  const time = Date.parse(stamp.replace(/T(\d\d)-(\d\d)-/, 'T$1:$2:').concat('Z'));
  return Number.isNaN(time) ? undefined : time;
}
