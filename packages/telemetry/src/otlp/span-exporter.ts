// Sends spans to a collector, many at once and soon. It never holds anybody up and never keeps more than a fixed number of spans: with a collector
// that is slow or gone, spans are dropped and counted.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attribute } from './attributes.ts';
import { type Collector, deliver } from './deliver.ts';
import { encodeSpansRequest, type Span, type SpanScope } from './spans.ts';

/** How spans are sent. */
export interface SpanExporterOptions {
  readonly collector: Collector;
  readonly scope: SpanScope;
  /** What is told of the program. */
  readonly resource: readonly Attribute[];
  /** Told of spans that arrived, and of those that were dropped. */
  readonly onSpans: (outcome: 'exported' | 'dropped', count: number) => void;
  /** Told once of each trouble, and with undefined when it is over. */
  readonly onTrouble: (message: string | undefined) => void;
  /** Milliseconds that spans wait for others. Default: 1 s. */
  readonly delay?: number;
}

/** Takes spans. */
export interface SpanExporter {
  add(span: Span): void;
  /** Sends what is there, once, and takes nothing any more. */
  stop(): Promise<void>;
}

const mostWaiting = 2048;
const mostAtOnce = 512;
const longestPause = 30_000;
const farewellMilliseconds = 2000;

/** Opens nothing before there is a span. */
export function openSpanExporter(options: SpanExporterOptions): SpanExporter {
  const { collector, scope, resource, onSpans, onTrouble, delay = 1000 } = options;
  let waiting: Span[] = [];
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> | undefined;
  let failures = 0;
  let trouble: string | undefined;
  let stopped = false;

  const schedule = (): void => {
    if (timer !== undefined || sending !== undefined || stopped || waiting.length === 0) return;
    const pause = failures === 0 ? delay : Math.min(longestPause, delay * 2 ** failures);
    timer = setTimeout(() => {
      timer = undefined;
      sending = send().finally(() => {
        sending = undefined;
        schedule();
      });
    }, pause).unref();
  };
  const send = async (): Promise<void> => {
    const batch = waiting.slice(0, mostAtOnce);
    try {
      await deliver(collector, 'traces', encodeSpansRequest(batch, scope, resource));
      waiting = waiting.slice(batch.length);
      failures = 0;
      onSpans('exported', batch.length);
      if (trouble !== undefined) onTrouble(undefined);
      trouble = undefined;
    } catch (cause) {
      failures += 1;
      const { message } = cause as Error;
      if (message !== trouble) onTrouble(message);
      trouble = message;
    }
  };

  const sendRest = async (): Promise<void> => {
    await sending;
    for (let before = -1; waiting.length > 0 && waiting.length !== before; ) {
      before = waiting.length;
      await send();
    }
  };

  return {
    add(span) {
      if (stopped || waiting.length >= mostWaiting) {
        onSpans('dropped', 1);
        return;
      }
      waiting.push(span);
      schedule();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      // A collector that is slow now must not hold up the end.
      await Promise.race([sendRest(), sleep(farewellMilliseconds, undefined, { ref: false })]);
      if (waiting.length > 0) onSpans('dropped', waiting.length);
      waiting = [];
    },
  };
}
