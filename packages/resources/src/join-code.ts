// Join codes: what a host needs to become part of a mesh, in one word. Written by the control plane, read by kuma-dp.
import { MeshError } from './error.ts';

/** What a code carries. */
export interface JoinCode {
  /** Names the code where it is written down: in the store, in logs. Tells nothing of the secret. */
  readonly id: string;
  /** Whoever shows it gets a token, once. */
  readonly secret: string;
  /** SHA-256 of the authority that signed the control plane's certificate, in lower-case hex. */
  readonly authority: string;
  /** URLs of the control plane's server for proxies, the best one first. */
  readonly addresses: readonly string[];
}

const prefix = 'kj1_';
const longestCode = 4096;
const checkLength = 8;

/** The code as one word of letters, digits, `-` and `_`, which no shell takes apart. */
export function formatJoinCode({ id, secret, authority, addresses }: JoinCode): string {
  const content = toBase64Url(JSON.stringify([id, secret, authority, ...addresses]));
  return `${prefix}${content}${checksum(content)}`;
}

/** Reads a code. Errors: `MeshError('invalid')` that says what became of it; they never quote it. */
export function parseJoinCode(text: string): JoinCode {
  const code = text.trim();
  if (!code.startsWith(prefix)) throw notACode(`it does not begin with ${prefix}`);
  if (code.length > longestCode) throw notACode('it is too long');
  const content = code.slice(prefix.length, -checkLength);
  if (content === '' || checksum(content) !== code.slice(-checkLength))
    throw notACode('it is not whole: a part of it was cut off or changed');
  const [id, secret, authority, ...addresses] = readContent(content);
  const isWhole = isWord(id) && isWord(secret) && isWord(authority) && /^[0-9a-f]{64}$/.test(authority);
  if (!isWhole || addresses.length === 0 || !addresses.every(isAddress))
    throw notACode('its content is not known here');
  return { id, secret, authority, addresses };
}

function readContent(content: string): readonly unknown[] {
  try {
    const parsed: unknown = JSON.parse(atob(content.replaceAll('-', '+').replaceAll('_', '/')));
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    throw notACode('its content is not known here');
  }
}

function isWord(value: unknown): value is string {
  return typeof value === 'string' && /^[\w-]{1,128}$/.test(value);
}

function isAddress(value: unknown): value is string {
  return typeof value === 'string' && URL.parse(value)?.protocol === 'https:';
}

function notACode(reason: string): MeshError {
  return new MeshError(
    'invalid',
    `this is no join code: ${reason}. Copy the whole line that "kumactl generate join-code" prints`,
  );
}

/** All that is written is ASCII: addresses are URLs. */
function toBase64Url(text: string): string {
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** Finds what was lost in copying (FNV-1a, 32 bits); against forgery the secret stands. */
function checksum(text: string): string {
  let hash = 0x811c9dc5;
  for (const letter of text) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash.toString(16).padStart(checkLength, '0');
}
