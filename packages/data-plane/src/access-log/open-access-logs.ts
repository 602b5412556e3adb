// The access logs that go through kuma-dp: Envoy writes lines for TCP addresses into a named pipe, and `/dev/stdout` is a pipe, too.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { proxySocketPath } from '@ursa/resources';
import type { Log } from '../log.ts';
import { type NamedPipe, openNamedPipe } from '../named-pipe.ts';
import { type LineStream, openLineStream } from './line-stream.ts';

/** What logs are opened for. */
export interface AccessLogOptions {
  readonly mesh: string;
  readonly name: string;
  readonly workDir: string;
  readonly log: Log;
  /** Standard output of kuma-dp. */
  readonly write: (text: string) => unknown;
}

/** The open logs. */
export interface AccessLogs {
  /** What Envoy gets as its standard output; undefined where pipes cannot be made. */
  readonly standardOutput: number | undefined;
  close(): Promise<void>;
}

/** Name of the pipe behind Envoy's standard output. */
export const standardOutputName = 'kuma-envoy-stdout';

const lastWords = 50;
const patience = 1000;
/** Addresses that are held at the same time; policies name a few. */
const mostStreams = 64;

/** Opens the pipes. A machine without `mkfifo` has no logs through kuma-dp, and says so. */
export function openAccessLogs({ mesh, name, workDir, log, write }: AccessLogOptions): AccessLogs {
  const streams = new Map<string, LineStream>();
  const streamOf = (address: string): LineStream => {
    const known = streams.get(address);
    if (known !== undefined) return known;
    if (streams.size >= mostStreams) closeOldest(streams);
    const opened = openLineStream(address, log);
    streams.set(address, opened);
    return opened;
  };
  const pipes: NamedPipe[] = [];
  try {
    pipes.push(
      // It is called a socket for the sake of older proxies.
      openNamedPipe(proxySocketPath(workDir, 'kuma-al', { name, mesh }), (line) => {
        const entry = parseEntry(line);
        if (entry === undefined) log.warn('a line of the access log cannot be read', { line: line.slice(0, 200) });
        else streamOf(entry.address).send(entry.line);
      }),
      openNamedPipe(join(workDir, standardOutputName), (line) => void write(`${line}\n`)),
    );
  } catch (cause) {
    log.warn(`access logs to TCP addresses and to /dev/stdout have no effect: ${(cause as Error).message}`);
  }
  return {
    standardOutput: pipes[1]?.writeEnd,
    async close() {
      // What Envoy wrote last is still in the pipes.
      if (pipes.length > 0) await sleep(lastWords);
      for (const pipe of pipes) pipe.close();
      await Promise.all([...streams.values()].map((stream) => stream.close(patience)));
    },
  };
}

function closeOldest(streams: Map<string, LineStream>): void {
  const [oldest] = [...streams].filter(([, stream]) => stream.isIdle()).concat([...streams]);
  if (oldest === undefined) return;
  streams.delete(oldest[0]);
  void oldest[1].close(patience);
}

interface Entry {
  readonly address: string;
  readonly line: string;
}

/** A line of the pipe: whom it is for, and what it says: a text with its newline, or an object. */
function parseEntry(text: string): Entry | undefined {
  try {
    const { address, message } = JSON.parse(text) as { address?: unknown; message?: unknown };
    if (typeof address !== 'string' || message === undefined) return undefined;
    const line = typeof message === 'string' ? message : JSON.stringify(message);
    return { address, line: line.endsWith('\n') ? line : `${line}\n` };
  } catch {
    return undefined;
  }
}
