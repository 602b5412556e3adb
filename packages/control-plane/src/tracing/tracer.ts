// Traces requests to the API, and carries the place in the trace to what they cause.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Attribute, Span } from '@ursa/telemetry';
import { below, newTrace, parseTraceParent, type TraceContext } from './trace-context.ts';

/** A request to be traced. */
export interface TracedRequest {
  readonly method: string;
  /** Path of the route with its parameters in braces. */
  readonly route: string;
  /** The caller's header. */
  readonly traceParent: string | undefined;
}

/** Makes spans. */
export interface Tracer {
  /** Does the work of a request in a span of its own. What `work` throws goes on to the caller. */
  request<Answer extends { readonly status: number }>(
    request: TracedRequest,
    work: () => Promise<Answer>,
  ): Promise<Answer>;
  /** The place of the work that runs now; undefined outside of requests, and where the trace is not recorded. */
  current(): TraceContext | undefined;
  /** Does work that is nobody's: what it sets going is not in the trace of whoever happens to run. */
  outside<Result>(work: () => Result): Result;
  /** Records work below a place; gives its own place. `error`: why it failed. */
  record(span: RecordedSpan): TraceContext;
  /** Now, as spans count time: milliseconds since 1970, with fractions. */
  now(): number;
}

/** Work that has ended, and whose it was. */
export interface RecordedSpan extends Pick<Span, 'name' | 'start' | 'end' | 'attributes' | 'error'> {
  readonly parent: TraceContext;
  /** The span's own place, when something was recorded below it before. */
  readonly place?: TraceContext;
  readonly kind?: Span['kind'];
}

/** How a tracer works. */
export interface TracerOptions {
  /** Gets spans as they end. Must not throw or wait. */
  readonly add: (span: Span) => void;
  /** How many of a hundred traces are recorded that no caller has decided on. */
  readonly samplingPercent: number;
}

/** A tracer. */
export function openTracer({ add, samplingPercent }: TracerOptions): Tracer {
  const places = new AsyncLocalStorage<TraceContext | undefined>();
  const now = (): number => performance.timeOrigin + performance.now();

  const record: Tracer['record'] = ({ parent, place = below(parent), kind = 'internal', ...span }) => {
    add({ traceId: place.traceId, spanId: place.spanId, parentSpanId: parent.spanId, kind, ...span });
    return place;
  };

  return {
    async request({ method, route, traceParent }, work) {
      const caller = parseTraceParent(traceParent);
      const place = caller === undefined ? newTrace(samplingPercent) : below(caller);
      if (!place.sampled) return await work();
      const start = now();
      const end = (attributes: readonly Attribute[], error: string | undefined): void =>
        add({
          traceId: place.traceId,
          spanId: place.spanId,
          parentSpanId: caller?.spanId,
          name: `${method} ${route}`,
          kind: 'server',
          start,
          end: now(),
          attributes: [['http.request.method', method], ['http.route', route], ...attributes],
          error,
        });
      try {
        const answer = await places.run(place, work);
        end(
          [['http.response.status_code', answer.status]],
          answer.status < 500 ? undefined : `it answers ${answer.status}`,
        );
        return answer;
      } catch (error) {
        // Only the kind of error: a message may quote what was sent.
        end([], error instanceof Error ? error.name : 'failed');
        throw error;
      }
    },
    current: () => places.getStore(),
    outside: (work) => places.run(undefined, work),
    record,
    now,
  };
}
