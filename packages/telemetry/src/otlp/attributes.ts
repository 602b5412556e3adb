// Attributes of OTLP: names with values of a few kinds (opentelemetry-proto, common/v1).
import { type MessageWriter, messageWriter } from './protobuf-writer.ts';

/** What an attribute may be. Numbers that are whole go as integers. */
export type AttributeValue = string | number | boolean;

/** Name and value. */
export type Attribute = readonly [name: string, value: AttributeValue];

/** Adds attributes to a message, each as a `KeyValue` in the field. */
export function withAttributes(writer: MessageWriter, field: number, attributes: readonly Attribute[]): MessageWriter {
  for (const [key, value] of attributes) {
    writer.message(field, messageWriter().text(1, key).message(2, anyValue(value)));
  }
  return writer;
}

function anyValue(value: AttributeValue): MessageWriter {
  if (typeof value === 'string') return messageWriter().text(1, value);
  if (typeof value === 'boolean') return messageWriter().varint(2, value ? 1 : 0);
  return Number.isSafeInteger(value) && value >= 0
    ? messageWriter().varint(3, value)
    : messageWriter().double(4, value);
}
