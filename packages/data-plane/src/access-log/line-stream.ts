// Sends lines to a TCP address, in order and whole. It connects again and again; meanwhile it keeps the newest lines, as far as they fit.
import { connect, type Socket } from 'node:net';
import type { Log } from '../log.ts';

/** A stream of lines. */
export interface LineStream {
  /** Takes a line with its newline. */
  send(line: string): void;
  /** True when nothing waits. */
  isIdle(): boolean;
  /** Sends what waits, within the patience (milliseconds), and ends. */
  close(patience: number): Promise<void>;
}

/** What a stream may use; the defaults fit a proxy. */
export interface StreamLimits {
  /** Bytes that may wait for the address. */
  readonly waiting: number;
  /** Milliseconds before another try to connect: at first, and at most. */
  readonly retry: { readonly first: number; readonly longest: number };
}

const usualLimits: StreamLimits = { waiting: 4 << 20, retry: { first: 100, longest: 5000 } };
const batchSize = 64 << 10;

/** Opens a stream to `host:port`. It connects with the first line. */
export function openLineStream(address: string, log: Log, limits: StreamLimits = usualLimits): LineStream {
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
  const waiting: string[] = [];
  let waitingSize = 0;
  let lost = 0;
  let socket: Socket | undefined;
  let connected = false;
  /** Lines that were handed to the connection, until it has taken them: they are sent again over the next one. */
  let sending: string[] = [];
  let delay = limits.retry.first;
  let retry: NodeJS.Timeout | undefined;
  let closed = false;
  let onIdle = (): void => undefined;

  const size = (line: string): number => Buffer.byteLength(line);
  const flush = (): void => {
    if (socket === undefined || !connected || sending.length > 0) return;
    if (waiting.length === 0) {
      onIdle();
      return;
    }
    let bytes = 0;
    let count = 0;
    while (count < waiting.length && bytes < batchSize) bytes += size(waiting[count++] ?? '');
    sending = waiting.splice(0, count);
    waitingSize -= bytes;
    const current = socket;
    current.write(sending.join(''), (error) => {
      if (error !== undefined && error !== null) return;
      if (current !== socket) return;
      sending = [];
      flush();
    });
  };
  const open = (): void => {
    retry = undefined;
    const current = connect({ host, port: Number(port) });
    socket = current;
    current.setNoDelay(true);
    current.on('connect', () => {
      connected = true;
      delay = limits.retry.first;
      log.info(`access log is sent to ${address}`);
      if (lost > 0) log.warn(`${lost} lines of the access log for ${address} were lost: nobody took them in time`);
      lost = 0;
      flush();
    });
    // Nothing is expected to come back.
    current.resume();
    let reason = 'the connection was closed';
    current.on('error', (error) => {
      reason = error.message;
    });
    current.on('close', () => {
      if (current !== socket) return;
      if (connected || delay === limits.retry.first) log.warn(`access log cannot be sent to ${address}: ${reason}`);
      socket = undefined;
      connected = false;
      waiting.unshift(...sending);
      waitingSize += sending.reduce((sum, line) => sum + size(line), 0);
      sending = [];
      if (closed) return onIdle();
      retry = setTimeout(open, delay);
      retry.unref();
      delay = Math.min(delay * 2, limits.retry.longest);
    });
  };
  return {
    send(line) {
      waiting.push(line);
      waitingSize += size(line);
      while (waitingSize > limits.waiting) {
        waitingSize -= size(waiting.shift() ?? '');
        lost += 1;
      }
      if (socket === undefined && retry === undefined) open();
      else flush();
    },
    isIdle: () => waiting.length === 0 && sending.length === 0,
    async close(patience) {
      closed = true;
      clearTimeout(retry);
      if (socket !== undefined && (waiting.length > 0 || sending.length > 0)) {
        const idle = new Promise<void>((resolve) => {
          onIdle = resolve;
        });
        await Promise.race([idle, new Promise((resolve) => setTimeout(resolve, patience))]);
      }
      const current = socket;
      socket = undefined;
      current?.end();
      current?.unref();
    },
  };
}
