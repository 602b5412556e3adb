// SQLite's error codes in our words: which of them mean "not now", and what the user can do.
import { MeshError } from '@ursa/resources';

/** Primary result codes (sqlite.org/rescode.html); extended codes carry them in the low byte. */
const sqliteCodes = {
  busy: 5,
  locked: 6,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
};

/** What SQLite said, as a `MeshError` that names the file. Anything unknown stays `unavailable` with SQLite's own text. */
export function storeFileError(file: string, action: string, error: unknown): MeshError {
  const text = error instanceof Error ? error.message : String(error);
  const advice = adviceFor(primaryCode(error), text);
  return new MeshError('unavailable', `${action} ${file}: ${advice}`, { cause: error });
}

function adviceFor(code: number | undefined, text: string): string {
  switch (code) {
    case sqliteCodes.full:
      return 'the disk is full; free some space, writing goes on by itself then';
    case sqliteCodes.busy:
    case sqliteCodes.locked:
      return 'another process has it open; stop that one, or give this one another KUMA_GENERAL_WORK_DIR';
    case sqliteCodes.readOnly:
      return 'it cannot be written; check its owner and mode, and that the file system is not mounted read-only';
    case sqliteCodes.corrupt:
    case sqliteCodes.notADatabase:
      return 'it is not a store file, or it is damaged; put a backup in its place, or move it away to start empty';
    case sqliteCodes.cannotOpen:
      return `it cannot be opened; check that its folder exists and can be written (${text})`;
    default:
      return text;
  }
}

function primaryCode(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const code: unknown = Reflect.get(error, 'errcode');
  return typeof code === 'number' ? code & 0xff : undefined;
}
