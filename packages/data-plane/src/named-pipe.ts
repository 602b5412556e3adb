// Named pipes that Envoy writes lines to: unlike the sockets that Node gives to its children, Envoy can open them by their path.
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
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
  const reader = new Socket({
    fd: openSync(path, constants.O_RDWR | constants.O_NONBLOCK),
    readable: true,
    writable: false,
  });
  const writeEnd = openSync(path, constants.O_RDWR);
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
      closeSync(writeEnd);
      rmSync(path, { force: true });
    },
  };
}
