// The extensions of certificates (RFC 5280, 4.2), each as one encoded element.
import { bitString, booleanTrue, contextTag, element, objectIdentifier, octetString, sequence } from './der.ts';

/** Object identifiers of extensions that are written and read. */
export const extensionIds = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;

/** Bits of the key usage, counted from the most significant one. */
export const keyUsageBits = {
  digitalSignature: 0,
  keyEncipherment: 2,
  keyAgreement: 4,
  certSign: 5,
  crlSign: 6,
} as const;

/** Object identifiers of what a certificate's holder may be in TLS. */
export const extendedKeyUsages = { serverAuth: '1.3.6.1.5.5.7.3.1', clientAuth: '1.3.6.1.5.5.7.3.2' } as const;

// Every certificate has the same ones: written once.
const encodedIds = encodeEach(extensionIds);
const encodedUsages = encodeEach(extendedKeyUsages);

/** Names a certificate is for. */
export interface AlternativeNames {
  readonly uris?: readonly string[];
  readonly dnsNames?: readonly string[];
  /** IPv4 or IPv6, in text. */
  readonly addresses?: readonly string[];
}

/** Whether the holder may issue certificates. */
export function basicConstraints(isAuthority: boolean): Buffer {
  return extension('basicConstraints', true, isAuthority ? sequence(booleanTrue) : sequence());
}

/** What the key may be used for. */
export function keyUsage(...usages: readonly (keyof typeof keyUsageBits)[]): Buffer {
  const bits = usages.reduce((byte, usage) => byte | (0x80 >>> keyUsageBits[usage]), 0);
  // DER leaves out trailing zero bits.
  const unused = Math.clz32(bits & -bits) === 32 ? 0 : 31 - Math.clz32(bits & -bits);
  return extension('keyUsage', true, bitString(Buffer.from([bits]), unused));
}

/** What the holder may be in TLS. */
export function extendedKeyUsage(...usages: readonly (keyof typeof extendedKeyUsages)[]): Buffer {
  return extension('extendedKeyUsage', false, sequence(...usages.map((usage) => encodedUsages[usage])));
}

/** Which key the certificate is about. */
export function subjectKeyIdentifier(keyId: Uint8Array): Buffer {
  return extension('subjectKeyIdentifier', false, octetString(keyId));
}

/** Which key signed the certificate. */
export function authorityKeyIdentifier(keyId: Uint8Array): Buffer {
  return extension('authorityKeyIdentifier', false, sequence(element(contextTag.primitive(0), keyId)));
}

/** Critical when the subject is empty, as the standard demands: the names are then all there is. */
export function subjectAltName(names: AlternativeNames, critical: boolean): Buffer {
  const { uris = [], dnsNames = [], addresses = [] } = names;
  return extension(
    'subjectAltName',
    critical,
    sequence(
      ...dnsNames.map((name) => element(contextTag.primitive(2), Buffer.from(name, 'ascii'))),
      ...uris.map((uri) => element(contextTag.primitive(6), Buffer.from(uri, 'ascii'))),
      ...addresses.map((address) => element(contextTag.primitive(7), addressBytes(address))),
    ),
  );
}

// 4 or 16 bytes.
function addressBytes(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const groups = (part: string): number[] =>
    part === ''
      ? []
      : part.split(':').flatMap((group) => (group.includes('.') ? ipv4Groups(group) : [Number.parseInt(group, 16)]));
  const before = groups(head);
  const after = groups(tail ?? '');
  const zeros = Array<number>(8 - before.length - after.length).fill(0);
  return Buffer.from([...before, ...zeros, ...after].flatMap((group) => [group >>> 8, group & 0xff]));
}

function ipv4Groups(address: string): number[] {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  return [a * 256 + b, c * 256 + d];
}

function extension(name: keyof typeof extensionIds, critical: boolean, value: Buffer): Buffer {
  return sequence(encodedIds[name], ...(critical ? [booleanTrue] : []), octetString(value));
}

function encodeEach<Name extends string>(identifiers: Readonly<Record<Name, string>>): Readonly<Record<Name, Buffer>> {
  const encoded = Object.entries<string>(identifiers).map(([name, dotted]) => [name, objectIdentifier(dotted)]);
  return Object.fromEntries(encoded) as Record<Name, Buffer>;
}
