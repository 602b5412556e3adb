// Writes the few kinds of protobuf fields that OTLP is made of (protobuf.dev, "Encoding"). Envoy's generated messages do not have them, and all of
// protobuf would cost kuma-dp more memory than this.

/** Fields of a message, in the order in which they are written. */
export interface MessageWriter {
  text(field: number, value: string): MessageWriter;
  bytes(field: number, value: Buffer): MessageWriter;
  /** For booleans and enums, too. */
  varint(field: number, value: number): MessageWriter;
  double(field: number, value: number): MessageWriter;
  fixed64(field: number, value: bigint): MessageWriter;
  doubles(field: number, values: readonly number[]): MessageWriter;
  fixed64s(field: number, values: readonly bigint[]): MessageWriter;
  message(field: number, value: MessageWriter): MessageWriter;
  finish(): Buffer;
}

const wire = { varint: 0, eightBytes: 1, bytes: 2 } as const;

function varintBytes(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  while (left > 127) {
    bytes.push((left % 128) | 128);
    left = Math.floor(left / 128);
  }
  bytes.push(left);
  return Buffer.from(bytes);
}

function eightBytes<Value>(
  values: readonly Value[],
  write: (buffer: Buffer, value: Value, at: number) => void,
): Buffer {
  const buffer = Buffer.allocUnsafe(values.length * 8);
  for (const [index, value] of values.entries()) write(buffer, value, index * 8);
  return buffer;
}

const doubleBytes = (values: readonly number[]): Buffer =>
  eightBytes(values, (buffer, value, at) => buffer.writeDoubleLE(value, at));
const fixedBytes = (values: readonly bigint[]): Buffer =>
  eightBytes(values, (buffer, value, at) => buffer.writeBigUInt64LE(value, at));

/** A message in the making. */
export function messageWriter(): MessageWriter {
  const parts: Buffer[] = [];
  const put = (field: number, type: number, ...rest: readonly Buffer[]): MessageWriter => {
    parts.push(varintBytes(field * 8 + type), ...rest);
    return writer;
  };
  const bytes = (field: number, value: Buffer): MessageWriter =>
    put(field, wire.bytes, varintBytes(value.length), value);
  const writer: MessageWriter = {
    text: (field, value) => bytes(field, Buffer.from(value, 'utf8')),
    bytes,
    varint: (field, value) => put(field, wire.varint, varintBytes(value)),
    double: (field, value) => put(field, wire.eightBytes, doubleBytes([value])),
    fixed64: (field, value) => put(field, wire.eightBytes, fixedBytes([value])),
    doubles: (field, values) => bytes(field, doubleBytes(values)),
    fixed64s: (field, values) => bytes(field, fixedBytes(values)),
    message: (field, value) => bytes(field, value.finish()),
    finish: () => Buffer.concat(parts),
  };
  return writer;
}
