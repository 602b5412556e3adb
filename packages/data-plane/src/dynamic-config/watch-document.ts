// Follows a document of the dynamic configuration, which Envoy serves on a Unix socket. Entity tags make asking again cost next to nothing.
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { httpGet } from '../http/get.ts';
import type { Log } from '../log.ts';

/** A document that is followed. */
export interface WatchOptions {
  /** Envoy's socket; it is there once the control plane has something to say. */
  readonly socketPath: string;
  readonly path: string;
  /** Milliseconds between two questions. */
  readonly interval: number;
  /** Keep what is known while Envoy cannot be reached, for what must outlive a restart of Envoy. Otherwise a missing listener means: no document. */
  readonly keepsUnreachable?: boolean;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Called with each new text; undefined when the document is gone. */
  readonly onChange: (text: string | undefined) => void;
}

const limits = { within: 3000, size: 8 << 20 };

/** A document that is being followed. */
export interface WatchedDocument {
  /** Asks without waiting for the interval. Never throws. */
  askNow(): Promise<void>;
  /** After the signal, when nothing runs any more. */
  readonly ended: Promise<void>;
}

/** Follows the document until the signal. Trouble is logged once, until it is over; what was known stays until something else is. */
export function watchDocument(options: WatchOptions): WatchedDocument {
  const { path, interval, log, signal, keepsUnreachable = false } = options;
  const state: Known = { tag: '', text: undefined };
  let trouble = '';
  // Without a document there is no listener, and before its first configuration Envoy has none.
  const unreachable = (): void => {
    trouble = '';
    if (!keepsUnreachable) forget(options, state);
  };
  const ask = async (): Promise<void> => {
    // A request that finds no socket costs many times what looking costs, and most proxies have no document.
    if (!existsSync(options.socketPath)) return unreachable();
    try {
      await askOnce(options, state);
      trouble = '';
    } catch (cause) {
      const { message, code } = cause as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ECONNREFUSED') return unreachable();
      if (message !== trouble) log.warn(`cannot read the dynamic configuration ${path}: ${message}`);
      trouble = message;
    }
  };
  let running: Promise<void> | undefined;
  const askNow = (): Promise<void> => {
    running ??= ask().finally(() => {
      running = undefined;
    });
    return running;
  };
  const follow = async (): Promise<void> => {
    while (!signal.aborted) {
      await askNow();
      await sleep(interval, undefined, { signal, ref: false }).catch(() => undefined);
    }
    await running;
  };
  return { askNow, ended: follow() };
}

interface Known {
  tag: string;
  text: string | undefined;
}

async function askOnce(options: WatchOptions, known: Known): Promise<void> {
  const headers = known.tag === '' ? {} : { 'if-none-match': known.tag };
  const { status, body, entityTag } = await httpGet({ socketPath: options.socketPath }, options.path, limits, headers);
  if (status === 304) return;
  if (status === 404) {
    forget(options, known);
    return;
  }
  if (status !== 200) throw new Error(`Envoy answers ${status}`);
  known.tag = entityTag;
  if (body === known.text) return;
  known.text = body;
  options.onChange(body);
}

function forget({ onChange }: WatchOptions, known: Known): void {
  const had = known.text !== undefined;
  known.tag = '';
  known.text = undefined;
  if (had) onChange(undefined);
}
