// Which trace a piece of work belongs to, as W3C's header `traceparent` carries it between programs.
import { randomBytes } from 'node:crypto';

/** A place in a trace: what begins under it names it as its parent. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** Whether the trace is recorded. */
  readonly sampled: boolean;
}

const form = /^(?!ff)[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?:-.*)?$/;

/** The context that a caller sent; undefined when there is none, or one that breaks the rules. */
export function parseTraceParent(header: string | undefined): TraceContext | undefined {
  const [, traceId = '', spanId = '', flags = ''] = form.exec(header?.trim() ?? '') ?? [];
  if (/^0*$/.test(traceId) || /^0*$/.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** The root of a new trace, one of `percent` of which are recorded: by the trace's id, so that all who see it decide alike. */
export function newTrace(percent: number): TraceContext {
  const traceId = randomBytes(16).toString('hex');
  const share = Number.parseInt(traceId.slice(-8), 16) / 2 ** 32;
  return { traceId, spanId: newSpanId(), sampled: share * 100 < percent };
}

/** A place below another one. */
export function below({ traceId, sampled }: TraceContext): TraceContext {
  return { traceId, spanId: newSpanId(), sampled };
}

function newSpanId(): string {
  return randomBytes(8).toString('hex');
}
