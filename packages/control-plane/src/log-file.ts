// A log file that starts anew when it is full: the old one is renamed with the time, old ones are removed by age and number.
import { closeSync, fstatSync, openSync, readdirSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { MeshError } from '@ursa/resources';
import { makeFolder } from './config/make-folder.ts';
import type { LogOutput } from './log.ts';

/** When a log file is rotated and what is kept of old ones. */
export interface LogRotation {
  readonly maxBytes: number;
  /** Old files that are older go. Days; 0: no limit. */
  readonly maxAgeDays: number;
  /** Old files that are more than this many go. 0: no limit. */
  readonly maxRetainedFiles: number;
}

const day = 24 * 3600 * 1000;

/**
 * Opens a log file for appending. `/var/log/kuma.log` is renamed to `/var/log/kuma-2021-06-07T09-15-18.265.log` when it is full.
 * Errors: `MeshError('unavailable')` when it cannot be opened. Lines that cannot be written (full disk) are dropped: a control plane
 * does not stop because of its log.
 */
export function openLogFile(file: string, rotation: LogRotation, now: () => Date = () => new Date()): LogOutput {
  let descriptor: number;
  let size: number;
  try {
    makeFolder(dirname(file));
    descriptor = openSync(file, 'a', 0o640);
    size = fstatSync(descriptor).size;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MeshError('unavailable', `--log-output-path: cannot open ${file}: ${reason}`, { cause });
  }

  function rotate(): void {
    closeSync(descriptor);
    renameSync(file, rotatedName(file, now()));
    descriptor = openSync(file, 'a', 0o640);
    size = 0;
    removeOld(file, rotation, now());
  }

  return {
    write(line) {
      try {
        if (size > 0 && size + line.length > rotation.maxBytes) rotate();
        size += writeSync(descriptor, line);
      } catch {
        // Nowhere to tell it: the log itself is what failed.
      }
    },
  };
}

function rotatedName(file: string, time: Date): string {
  const ending = extname(file);
  const stamp = time.toISOString().replace('Z', '').replaceAll(':', '-');
  return join(dirname(file), `${basename(file, ending)}-${stamp}${ending}`);
}

function removeOld(file: string, { maxAgeDays, maxRetainedFiles }: LogRotation, now: Date): void {
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
