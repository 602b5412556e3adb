// Writes a tar archive (POSIX ustar) of small files in memory: regular files, readable by everybody's tar.
const block = 512;

/** A file of the archive. */
export interface ArchiveFile {
  /** Relative, with `/`; at most 100 bytes, or 255 where it can be split at a `/`. */
  readonly path: string;
  readonly content: Buffer;
}

/** The archive; `time` of all files in milliseconds since 1970. Errors: `Error` for a path that does not fit. */
export function writeTar(files: readonly ArchiveFile[], time: number): Buffer {
  const parts = files.flatMap(({ path, content }) => [header(path, content.length, time), content, padding(content)]);
  // Two empty blocks are the end.
  return Buffer.concat([...parts, Buffer.alloc(2 * block)]);
}

function padding({ length }: Buffer): Buffer {
  return Buffer.alloc((block - (length % block)) % block);
}

function header(path: string, size: number, time: number): Buffer {
  const { prefix, name } = split(path);
  const bytes = Buffer.alloc(block);
  const octal = (value: number, at: number, length: number): void => {
    bytes.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
  };
  bytes.write(name, 0, 100, 'utf8');
  octal(0o600, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(Math.floor(time / 1000), 136, 12);
  bytes.write('        0', 148, 'latin1');
  bytes.write('ustar\x0000', 257, 'latin1');
  bytes.write(prefix, 345, 155, 'utf8');
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return bytes;
}

function split(path: string): { readonly prefix: string; readonly name: string } {
  if (Buffer.byteLength(path) <= 100) return { prefix: '', name: path };
  for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(name) <= 100) return { prefix, name };
  }
  throw new Error(`the path ${path} is too long for an archive`);
}
