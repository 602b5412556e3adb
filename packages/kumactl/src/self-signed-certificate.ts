// A certificate that signs itself (RFC 5280), for a server or a client of the control plane.
import { createHash, generateKeyPair, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import { bitString, booleanTrue, element, integer, objectIdentifier, octetString, sequence, time } from './der.ts';

/** What the certificate is for. */
export interface CertificateRequest {
  readonly type: 'server' | 'client';
  /** Host names and addresses; the first one is the common name. */
  readonly names: readonly string[];
  readonly keyType: 'rsa' | 'ecdsa';
  /** Milliseconds since 1970. */
  readonly now: number;
}

const validYears = 10;
/** A verifier whose clock is a little behind must accept a certificate that was made just now. */
const clockSkewMilliseconds = 5 * 60_000;
/** Longest common name (RFC 5280, ub-common-name). */
const longestCommonName = 64;

const signatureAlgorithms = {
  rsa: sequence(objectIdentifier('1.2.840.113549.1.1.11'), element(0x05)),
  ecdsa: sequence(objectIdentifier('1.2.840.10045.4.3.2')),
} as const;
/** Bits of the key usage extension: digital signature and certificate signing; RSA keys may encipher too. */
const keyUsageBits = { rsa: 0b1010_0100, ecdsa: 0b1000_0100 } as const;
const purposes = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;

/** Makes a key and its certificate, both PEM. It stands as its own CA: whoever trusts it trusts it alone. */
export async function issueSelfSigned(request: CertificateRequest): Promise<{ certificate: string; key: string }> {
  const { privateKey, publicKey } = await makeKeys(request.keyType);
  const algorithm = signatureAlgorithms[request.keyType];
  const content = contentOf(request, publicKey.export({ type: 'spki', format: 'der' }));
  const certificate = sequence(content, algorithm, bitString(sign('sha256', content, privateKey)));
  return {
    certificate: pem('CERTIFICATE', certificate),
    key: pem('PRIVATE KEY', privateKey.export({ type: 'pkcs8', format: 'der' })),
  };
}

function makeKeys(keyType: CertificateRequest['keyType']): Promise<{ privateKey: KeyObject; publicKey: KeyObject }> {
  const generate = promisify(generateKeyPair);
  return keyType === 'rsa' ? generate('rsa', { modulusLength: 2048 }) : generate('ec', { namedCurve: 'P-256' });
}

function contentOf({ type, names, keyType, now }: CertificateRequest, publicKey: Buffer): Buffer {
  const name = commonName((names[0] ?? 'kumactl').slice(0, longestCommonName));
  const end = new Date(now).setUTCFullYear(new Date(now).getUTCFullYear() + validYears);
  const serial = randomBytes(16);
  serial[0] = 0x40 | ((serial[0] ?? 0) & 0x3f);
  const extensions = [
    extension('2.5.29.19', true, sequence(booleanTrue)),
    extension('2.5.29.15', true, bitString(Buffer.from([keyUsageBits[keyType]]), 2)),
    extension('2.5.29.37', false, sequence(objectIdentifier(purposes[type]))),
    extension('2.5.29.14', false, octetString(createHash('sha256').update(publicKey).digest().subarray(0, 20))),
    ...(names.length === 0 ? [] : [extension('2.5.29.17', false, sequence(...names.map(alternativeName)))]),
  ];
  return sequence(
    element(0xa0, integer(Buffer.from([2]))),
    integer(serial),
    signatureAlgorithms[keyType],
    name,
    sequence(time(now - clockSkewMilliseconds), time(end)),
    name,
    publicKey,
    element(0xa3, sequence(...extensions)),
  );
}

function commonName(text: string): Buffer {
  return sequence(element(0x31, sequence(objectIdentifier('2.5.4.3'), element(0x0c, Buffer.from(text)))));
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(objectIdentifier(id), ...(critical ? [booleanTrue] : []), octetString(value));
}

function alternativeName(name: string): Buffer {
  const bytes = addressBytes(name);
  return bytes === undefined ? element(0x82, Buffer.from(name)) : element(0x87, bytes);
}

/** An IP address as bytes; undefined when it is a host name. */
function addressBytes(name: string): Buffer | undefined {
  if (isIP(name) === 4) return Buffer.from(name.split('.').map(Number));
  if (isIP(name) !== 6) return undefined;
  // The URL parser writes an IPv4 ending in hexadecimal, so that only groups are left.
  const [head = '', tail] = new URL(`http://[${name}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string): readonly string[] => (text === '' ? [] : text.split(':'));
  const [before, behind] = [groups(head), groups(tail ?? '')];
  const missing = tail === undefined ? 0 : 8 - before.length - behind.length;
  const all = [...before, ...Array.from({ length: missing }, () => '0'), ...behind];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

function pem(label: string, content: Buffer): string {
  const lines = content.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
