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
  const lines = lineSplitter(onLine);
  const reader = readPipe(openSync(path, constants.O_RDWR | constants.O_NONBLOCK), (text) => lines.push(text));
  const writeEnd = openSync(path, constants.O_RDWR);
  return {
    path,
    writeEnd,
    close() {
      reader.close();
      closeSync(writeEnd);
      rmSync(path, { force: true });
    },
  };
}

/** What of Bun is used: its sockets do not read a pipe that was opened by its path, its files do. */
declare const Bun: { file(descriptor: number): { stream(): ReadableStream<Uint8Array> } } | undefined;

function readPipe(descriptor: number, onText: (text: string) => void): { close(): void } {
  if (typeof Bun !== 'undefined') {
    // It reads a duplicate.
    const duplicate = readStream(Bun.file(descriptor).stream(), onText);
    return {
      close() {
        duplicate.close();
        closeSync(descriptor);
      },
    };
  }
  const reader = new Socket({ fd: descriptor, readable: true, writable: false });
  reader.setEncoding('utf8');
  reader.on('data', onText);
  // It may fail only when it is closed: whoever waits for lines has gone then.
  reader.on('error', () => undefined);
  return { close: () => void reader.destroy() };
}

function readStream(stream: ReadableStream<Uint8Array>, onText: (text: string) => void): { close(): void } {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  const follow = async (): Promise<void> => {
    for (let part = await reader.read(); !part.done; part = await reader.read())
      onText(decoder.decode(part.value, { stream: true }));
  };
  // As above: it fails only when it is closed.
  follow().catch(() => undefined);
  return { close: () => void reader.cancel().catch(() => undefined) };
}
