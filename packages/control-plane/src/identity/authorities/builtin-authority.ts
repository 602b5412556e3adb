// The built-in authority of a mesh: made by the control plane when a Mesh names a backend of type `builtin`, kept in two Secrets.
import { MeshError } from '@ursa/resources';
import { issueAuthority } from '../certificates/certificate.ts';
import { generateKeys, type KeyKind, readPrivateKey } from '../certificates/key-pair.ts';
import { type AuthorityPair, validateAuthorityPair } from './authority.ts';
import { defineCertificateAuthority } from './define-authority.ts';
import { parseLifetime } from './lifetime.ts';
import { openLocalAuthority, prepareLocalAuthority } from './local-authority.ts';

/** Names of the Secrets that hold a built-in authority. */
export function builtinAuthoritySecrets(
  mesh: string,
  backend: string,
): { readonly certificate: string; readonly key: string } {
  return { certificate: `${mesh}.ca-builtin-cert-${backend}`, key: `${mesh}.ca-builtin-key-${backend}` };
}

/** The type `builtin`. Its Secrets are made after the Mesh is written (`identity-secrets.ts`), so nothing is asked for at the write. */
export const builtinAuthority = defineCertificateAuthority({
  type: 'builtin',
  sources(_conf, { mesh, backend }) {
    const names = builtinAuthoritySecrets(mesh, backend);
    return { cert: { secret: names.certificate }, key: { secret: names.key } };
  },
  prepare(_conf, { cert = '', key = '' }) {
    const pair = { certificate: cert, privateKey: key };
    const [violation] = validateAuthorityPair(pair);
    return violation === undefined
      ? prepareLocalAuthority(pair)
      : { fault: `${violation.field}: ${violation.message}` };
  },
  open: openLocalAuthority,
});

const day = 24 * 3600 * 1000;
const defaultLifetime = 10 * 365 * day;
// Hosts of a mesh do not agree on the time to the minute.
const clockSkew = 10 * 60 * 1000;

/**
 * Makes an authority for a mesh at `now` (milliseconds since 1970). P-256 and ten years unless the backend's `conf.caCert` asks for RSA
 * (`RSAbits`) or another lifetime (`expiration`).
 */
export async function createBuiltinAuthority(mesh: string, conf: unknown, now: number): Promise<AuthorityPair> {
  const { keys, lifetime } = readBuiltinConf(conf);
  const pair = await generateKeys(keys);
  return await selfSigned(mesh, [`spiffe://${mesh}`], pair, now, lifetime);
}

/** Makes an authority of the control plane's own, by name: P-256, ten years. */
export async function createControlPlaneAuthority(name: string, now: number): Promise<AuthorityPair> {
  return await selfSigned(name, [], await generateKeys({ kind: 'p256' }), now, defaultLifetime);
}

async function selfSigned(
  name: string,
  uris: readonly string[],
  keys: { readonly privateKey: string; readonly publicKey: Buffer },
  now: number,
  lifetime: number,
): Promise<AuthorityPair> {
  const privateKey = readPrivateKey(keys.privateKey);
  if (privateKey === undefined) throw new MeshError('internal', 'a key that was just generated cannot be read');
  const certificate = await issueAuthority({
    // The standard ends common names at 64 characters; the URI says the whole name.
    commonName: name.slice(0, 64),
    uris,
    publicKey: keys.publicKey,
    privateKey,
    validity: { notBefore: now - clockSkew, notAfter: now + lifetime },
  });
  return { certificate, privateKey: keys.privateKey };
}

function readBuiltinConf(conf: unknown): { readonly keys: KeyKind; readonly lifetime: number } {
  const caCert = field(conf, 'caCert');
  const bits = field(caCert, 'RSAbits') ?? field(caCert, 'rsaBits');
  const expiration = field(caCert, 'expiration');
  return {
    keys: typeof bits === 'number' && bits > 0 ? { kind: 'rsa', bits } : { kind: 'p256' },
    lifetime: (typeof expiration === 'string' ? parseLifetime(expiration) : undefined) ?? defaultLifetime,
  };
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
