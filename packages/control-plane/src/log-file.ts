// The log in a file that is rotated.
import { MeshError } from '@ursa/resources';
import type { LogOutput } from './log.ts';
import { type FileRotation, openRotatingFile, type RotatingFile } from './rotating-file.ts';

/**
 * Opens a log file for appending. Errors: `MeshError('unavailable')` when it cannot be opened. Lines that cannot be written (full disk) are
 * dropped: a control plane does not stop because of its log.
 */
export function openLogFile(file: string, rotation: FileRotation, now: () => Date = () => new Date()): LogOutput {
  let opened: RotatingFile;
  try {
    opened = openRotatingFile(file, rotation, { now });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MeshError('unavailable', `--log-output-path: cannot open ${file}: ${reason}`, { cause });
  }
  return {
    write(line) {
      try {
        opened.append(line);
      } catch {
        // Nowhere to tell it: the log itself is what failed.
      }
    },
  };
}
