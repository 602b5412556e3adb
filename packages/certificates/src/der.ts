// Writes DER (ITU-T X.690): the few forms that certificates need. Each function gives one encoded element.

/** Tags of context-specific elements that certificates use (RFC 5280). */
export const contextTag = {
  constructed: (number: number): number => 0xa0 | number,
  primitive: (number: number): number => 0x80 | number,
};

/** An element of any tag, of the given contents one after the other. */
export function element(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const length = contents.reduce((sum, content) => sum + content.length, 0);
  return Buffer.concat([Buffer.from([tag, ...lengthOctets(length)]), ...contents]);
}

/** A sequence. */
export const sequence = (...contents: readonly Uint8Array[]): Buffer => element(0x30, ...contents);

/** A set. */
export const set = (...contents: readonly Uint8Array[]): Buffer => element(0x31, ...contents);

/** An octet string. */
export const octetString = (content: Uint8Array): Buffer => element(0x04, content);

/** A text. */
export const utf8String = (text: string): Buffer => element(0x0c, Buffer.from(text, 'utf8'));

/** The boolean true; false is never written, it is the default wherever it may stand. */
export const booleanTrue: Buffer = element(0x01, Buffer.from([0xff]));

/** Null, the parameters of RSA signatures. */
export const nothing: Buffer = element(0x05);

/** Non-negative integer from its big-endian bytes. */
export function integer(bytes: Uint8Array): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const shortest = first < 0 ? Buffer.from([0]) : bytes.subarray(first);
  const looksNegative = (shortest[0] ?? 0) >= 0x80;
  return looksNegative ? element(0x02, Buffer.from([0]), shortest) : element(0x02, shortest);
}

/** A bit string; the last `unused` bits of its content do not count. */
export function bitString(content: Uint8Array, unused = 0): Buffer {
  return element(0x03, Buffer.from([unused]), content);
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
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return [0x80 | octets.length, ...octets];
}

function base128(value: number): readonly number[] {
  const octets = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) octets.unshift((rest & 0x7f) | 0x80);
  return octets;
}
