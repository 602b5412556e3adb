// Spans, and OTLP's request for them as protobuf (opentelemetry-proto, collector/trace/v1 and trace/v1).
import { type Attribute, withAttributes } from './attributes.ts';
import { type MessageWriter, messageWriter } from './protobuf-writer.ts';

/** Whose work a span is, as OTLP counts the kinds. */
export const spanKinds = { internal: 1, server: 2, producer: 4 } as const;

/** A piece of work that has ended. */
export interface Span {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: keyof typeof spanKinds;
  /** Milliseconds since 1970, with fractions. */
  readonly start: number;
  readonly end: number;
  readonly attributes: readonly Attribute[];
  /** Why it failed; undefined when it did not. */
  readonly error?: string | undefined;
}

/** Who made spans. */
export interface SpanScope {
  readonly name: string;
  readonly version: string;
}

/** STATUS_CODE_ERROR. */
const failed = 2;

/** An `ExportTraceServiceRequest`; `resource`: attributes of the program. */
export function encodeSpansRequest(spans: readonly Span[], scope: SpanScope, resource: readonly Attribute[]): Buffer {
  const scopeSpans = messageWriter().message(1, messageWriter().text(1, scope.name).text(2, scope.version));
  for (const span of spans) scopeSpans.message(2, spanMessage(span));
  const resourceSpans = messageWriter()
    .message(1, withAttributes(messageWriter(), 1, resource))
    .message(2, scopeSpans);
  return messageWriter().message(1, resourceSpans).finish();
}

function spanMessage(span: Span): MessageWriter {
  const writer = messageWriter().bytes(1, Buffer.from(span.traceId, 'hex')).bytes(2, Buffer.from(span.spanId, 'hex'));
  if (span.parentSpanId !== undefined) writer.bytes(4, Buffer.from(span.parentSpanId, 'hex'));
  writer
    .text(5, span.name)
    .varint(6, spanKinds[span.kind])
    .fixed64(7, nanoseconds(span.start))
    .fixed64(8, nanoseconds(span.end));
  withAttributes(writer, 9, span.attributes);
  if (span.error !== undefined) writer.message(15, messageWriter().text(2, span.error).varint(3, failed));
  return writer;
}

function nanoseconds(milliseconds: number): bigint {
  return BigInt(Math.round(milliseconds * 1000)) * 1000n;
}
