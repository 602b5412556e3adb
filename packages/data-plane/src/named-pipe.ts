// Named pipes that Envoy writes lines to: unlike the sockets that Node gives to its children, Envoy can open them by their path.
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { MeshError } from '@ursa/resources';
import { lineSplitter } from './envoy/log-line.ts';

/** A pipe that is read. */
export interface NamedPipe {
  readonly path: string;
  /** For a child to write to: its standard output, say. */
  readonly writeEnd: number;
  close(): void;
}

/** Makes a pipe and reads its lines, whole ones only. Throws where the machine has no `mkfifo`. */
export function openNamedPipe(path: string, onLine: (line: string) => void): NamedPipe {
  rmSync(path, { force: true });
  try {
    execFileSync('mkfifo', ['-m', '600', path], { stdio: 'pipe' });
  } catch (cause) {
    throw new MeshError('unavailable', `the pipe ${path} could not be made: ${(cause as Error).message}`, { cause });
  }
  // Opened both ways it never blocks, and never ends while writers come and go (fifo(7)).
  const readEnd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const writeEnd = openSync(path, constants.O_RDWR);
  const reader = readerOf(readEnd);
  const lines = lineSplitter(onLine);
  reader.setEncoding('utf8');
  reader.on('data', (chunk: string) => lines.push(chunk));
  // It may fail only when it is closed: whoever waits for lines has gone then.
  reader.on('error', () => undefined);
  return {
    path,
    writeEnd,
    close() {
      reader.destroy();
      // Bun reads a duplicate.
      if (typeof Bun !== 'undefined') closeSync(readEnd);
      closeSync(writeEnd);
      rmSync(path, { force: true });
    },
  };
}

/** What of Bun is used: its sockets do not read a pipe that was opened by its path, its files do. */
declare const Bun: { file(descriptor: number): { stream(): ReadableStream } } | undefined;

function readerOf(descriptor: number): Readable {
  if (typeof Bun !== 'undefined') return Readable.fromWeb(Bun.file(descriptor).stream());
  return new Socket({ fd: descriptor, readable: true, writable: false });
}
