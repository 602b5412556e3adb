// Writes DER (ITU-T X.690): the few forms that a self-signed certificate needs. Each function gives one encoded element.

/** An element of any tag, of the given contents one after the other. */
export function element(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag, ...lengthOctets(content.length)]), content]);
}

/** A sequence. */
export const sequence = (...contents: readonly Uint8Array[]): Buffer => element(0x30, ...contents);

/** An octet string. */
export const octetString = (content: Uint8Array): Buffer => element(0x04, content);

/** A bit string; the last `unused` bits of its content do not count. */
export const bitString = (content: Uint8Array, unused = 0): Buffer => element(0x03, Buffer.from([unused]), content);

/** The boolean true. */
export const booleanTrue: Buffer = element(0x01, Buffer.from([0xff]));

/** Positive integer from its bytes, the highest first. */
export function integer(bytes: Uint8Array): Buffer {
  return (bytes[0] ?? 0) >= 0x80 ? element(0x02, Buffer.from([0]), bytes) : element(0x02, bytes);
}

/** Object identifier from its dotted form. */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...others] = dotted.split('.').map(Number);
  return element(0x06, Buffer.from([first * 40 + second, ...others.flatMap(base128)]));
}

/** Time to the second: UTCTime until 2049, GeneralizedTime after (RFC 5280, 4.1.2.5). */
export function time(milliseconds: number): Buffer {
  const date = new Date(milliseconds);
  const digits = `${date.toISOString().replaceAll(/[-:T]|\.\d+Z$/g, '')}Z`;
  return date.getUTCFullYear() < 2050
    ? element(0x17, Buffer.from(digits.slice(2)))
    : element(0x18, Buffer.from(digits));
}

function lengthOctets(length: number): readonly number[] {
  if (length < 0x80) return [length];
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 8) octets.unshift(rest & 0xff);
  return [0x80 | octets.length, ...octets];
}

function base128(value: number): readonly number[] {
  const octets = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) octets.unshift((rest & 0x7f) | 0x80);
  return octets;
}
