// Certificates and keys in PEM, looked at as far as it takes to know that Envoy can read them. Pure, because this package runs in browsers too:
// signatures, names and curves are for those who use a certificate.

const block = /-----BEGIN ([A-Z0-9 ]+)-----([\s\S]*?)-----END \1-----/g;
const certificateLabels: readonly string[] = ['CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE'];
const keyLabels: readonly string[] = ['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY'];
/** Tags of DER (ITU-T X.690). */
const der = { integer: 0x02, bitString: 0x03, sequence: 0x30, version: 0xa0 } as const;

/** What a text should hold. */
export type PemContent = 'certificates' | 'private key';

/** Why Envoy could not read it, for people; undefined when nothing was found. */
export function pemProblem(text: string, wanted: PemContent): string | undefined {
  const labels = wanted === 'certificates' ? certificateLabels : keyLabels;
  const all = [...text.matchAll(block)];
  if (wanted === 'private key' && /ENCRYPTED/.test(text)) return 'is an encrypted key: Envoy has no password for it';
  const found = all.filter(([, label = '']) => labels.includes(label));
  if (found.length === 0) return `is no PEM: expected text with -----BEGIN ${labels[0]}-----`;
  const isRight = wanted === 'certificates' ? isCertificate : isKey;
  const wrong = found.findIndex(([, , content = '']) => !isRight(decode(content)));
  if (wrong < 0) return undefined;
  return wanted === 'certificates'
    ? `has no certificate in part ${wrong + 1} that can be read`
    : 'has no key that can be read';
}

function decode(content: string): Uint8Array {
  try {
    return Uint8Array.from(atob(content.replaceAll(/\s/g, '')), (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** The elements that bytes consist of; undefined when they are cut off, or are none. */
function elements(bytes: Uint8Array): readonly Element[] | undefined {
  const found: Element[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at] ?? 0;
    let length = bytes[at + 1] ?? 0;
    at += 2;
    if (length >= 0x80) {
      const octets = length - 0x80;
      if (octets === 0 || octets > 4) return undefined;
      length = bytes.subarray(at, at + octets).reduce((sum, octet) => sum * 256 + octet, 0);
      at += octets;
    }
    if (at + length > bytes.length) return undefined;
    found.push({ tag, content: bytes.subarray(at, at + length) });
    at += length;
  }
  return found;
}

function inSequence(bytes: Uint8Array): readonly Element[] {
  const [outer, ...more] = elements(bytes) ?? [];
  return outer?.tag === der.sequence && more.length === 0 ? (elements(outer.content) ?? []) : [];
}

/** RFC 5280, section 4.1: what is signed, how, and the signature; of what is signed the number and five sequences from the algorithm to the key. */
function isCertificate(bytes: Uint8Array): boolean {
  const [signed, algorithm, signature, ...more] = inSequence(bytes);
  if (signed?.tag !== der.sequence || algorithm?.tag !== der.sequence || signature?.tag !== der.bitString) return false;
  const parts = (elements(signed.content) ?? []).filter(({ tag }) => tag !== der.version);
  const expected = [der.integer, der.sequence, der.sequence, der.sequence, der.sequence, der.sequence];
  return more.length === 0 && expected.every((tag, position) => parts[position]?.tag === tag);
}

/** PKCS #8, PKCS #1 and SEC 1 all begin with a version. */
function isKey(bytes: Uint8Array): boolean {
  const [version, ...more] = inSequence(bytes);
  return version?.tag === der.integer && more.length > 0;
}
