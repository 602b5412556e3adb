// Reads the parts of a certificate that node:crypto does not show: its names as bytes, and its extensions.
import { MeshError } from '@ursa/resources';

/** What is read out of a certificate's DER. */
export interface CertificateParts {
  /** DER of the subject: the issuer of what it signs must be these bytes. */
  readonly subject: Buffer;
  /** DER of the public key (SubjectPublicKeyInfo). */
  readonly publicKey: Buffer;
  /** Values of the extensions by dotted object identifier. */
  readonly extensions: ReadonlyMap<string, Buffer>;
}

interface Element {
  readonly tag: number;
  readonly content: Buffer;
  /** The element with its tag and length. */
  readonly whole: Buffer;
}

/** Takes a DER certificate apart. Errors: `MeshError('invalid')` when it is not one. */
export function readCertificate(der: Buffer): CertificateParts {
  const [tbs] = children(only(der));
  if (tbs === undefined) throw malformed();
  const fields = children(tbs);
  // The version comes first, but only when it is not the oldest.
  const shift = fields[0]?.tag === 0xa0 ? 1 : 0;
  const subject = fields[4 + shift];
  const publicKey = fields[5 + shift];
  if (subject === undefined || publicKey === undefined) throw malformed();
  const extensions = fields.find((field) => field.tag === 0xa3);
  return {
    subject: subject.whole,
    publicKey: publicKey.whole,
    extensions: new Map(extensions === undefined ? [] : children(only(extensions.content)).map(readExtension)),
  };
}

/** Content of the one element that `der` is. */
export function contentOf(der: Buffer): Buffer {
  return only(der).content;
}

function readExtension(extension: Element): readonly [string, Buffer] {
  const parts = children(extension);
  const identifier = parts[0];
  const value = parts.at(-1);
  if (identifier === undefined || value === undefined) throw malformed();
  return [dotted(identifier.content), value.content];
}

function only(der: Buffer): Element {
  const { element, end } = readElement(der, 0);
  if (end !== der.length) throw malformed();
  return element;
}

function children(parent: Element): readonly Element[] {
  const found: Element[] = [];
  for (let position = 0; position < parent.content.length; ) {
    const { element, end } = readElement(parent.content, position);
    found.push(element);
    position = end;
  }
  return found;
}

function readElement(der: Buffer, start: number): { readonly element: Element; readonly end: number } {
  const tag = der[start];
  const short = der[start + 1];
  if (tag === undefined || short === undefined) throw malformed();
  let length = short;
  let position = start + 2;
  if (short >= 0x80) {
    const octets = short & 0x7f;
    // Four octets of length are 4 GiB: no certificate has more.
    if (octets === 0 || octets > 4 || position + octets > der.length) throw malformed();
    length = der.readUIntBE(position, octets);
    position += octets;
  }
  const end = position + length;
  if (end > der.length) throw malformed();
  return { element: { tag, content: der.subarray(position, end), whole: der.subarray(start, end) }, end };
}

function dotted(content: Buffer): string {
  const numbers: number[] = [];
  let value = 0;
  for (const octet of content) {
    value = value * 128 + (octet & 0x7f);
    if (octet < 0x80) {
      numbers.push(value);
      value = 0;
    }
  }
  const [joined = 0, ...others] = numbers;
  const first = Math.min(2, Math.floor(joined / 40));
  return [first, joined - first * 40, ...others].join('.');
}

function malformed(): MeshError {
  return new MeshError('invalid', 'not a well-formed X.509 certificate; expected a certificate in PEM');
}
