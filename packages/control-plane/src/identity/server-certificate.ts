// The certificate of the control plane's servers when none is configured: made once in the work directory, reused at restart.
import { createHash, X509Certificate } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { MeshError } from '@ursa/resources';
import { issueSelfSignedServer } from './certificates/certificate.ts';
import { generateKeys, readPrivateKey } from './certificates/key-pair.ts';
import { type Clock, systemClock } from './clock.ts';

/** What a TLS server is started with. */
export interface ServerCertificate {
  /** PEM chain. The one that is made here is its own authority: clients are given it to trust (`kuma-dp --ca-cert-file`). */
  readonly certificate: string;
  /** PEM. */
  readonly privateKey: string;
  readonly certificateFile: string;
  readonly privateKeyFile: string;
}

/** Names and addresses a server answers under. */
export interface ServerNames {
  readonly dnsNames: readonly string[];
  readonly addresses: readonly string[];
}

const day = 24 * 3600 * 1000;
const lifetime = 10 * 365 * day;
// Early enough that proxies, which connect again after weeks, never meet an expired one.
const renewBefore = 30 * day;
const clockSkew = 3600 * 1000;

/** This machine's host name, the loopback names, and the addresses of all its interfaces. */
export function machineNames(): ServerNames {
  const interfaces = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  // Link-local addresses need the number of an interface beside them, which a certificate cannot say.
  const addresses = interfaces.map(({ address }) => address).filter((address) => !address.startsWith('fe80:'));
  const dnsNames = ['localhost', hostname().toLowerCase()].filter((name) => /^[a-z0-9.-]{1,253}$/.test(name));
  return { dnsNames: [...new Set(dnsNames)], addresses: [...new Set(['127.0.0.1', '::1', ...addresses])] };
}

/**
 * The servers' certificate in `directory`: the one from before when its key fits and it lasts, else a new one (P-256, ten years). The key's file
 * is readable by its owner only. Errors: `MeshError('unavailable')` when the directory cannot be written.
 */
export async function openServerCertificate(
  directory: string,
  names: ServerNames = machineNames(),
  clock: Clock = systemClock,
): Promise<ServerCertificate> {
  const certificateFile = join(directory, 'kuma-cp.crt');
  const privateKeyFile = join(directory, 'kuma-cp.key');
  const found = await readPair(certificateFile, privateKeyFile);
  if (found !== undefined && isUsable(found.certificate, found.privateKey, clock.now())) {
    return { ...found, certificateFile, privateKeyFile };
  }
  const made = await makePair(names, clock.now());
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    // The key first: a certificate without its key would be taken for broken, and replaced, at the next start.
    await replaceFile(privateKeyFile, made.privateKey, 0o600);
    await replaceFile(certificateFile, made.certificate, 0o644);
  } catch (cause) {
    const message = `cannot write the servers' certificate to ${directory}: make it writable, set KUMA_GENERAL_WORK_DIR to another directory, or set KUMA_GENERAL_TLS_CERT_FILE and KUMA_GENERAL_TLS_KEY_FILE`;
    throw new MeshError('unavailable', message, { cause });
  }
  return { ...made, certificateFile, privateKeyFile };
}

/**
 * Reads a configured certificate and key. Errors: `MeshError('invalid')` naming the file that is missing, is no PEM, or does not fit the other.
 */
export async function readServerCertificate(
  certificateFile: string,
  privateKeyFile: string,
): Promise<ServerCertificate> {
  const [certificate, privateKey] = await Promise.all([readText(certificateFile), readText(privateKeyFile)]);
  const parsed = parseCertificate(certificate);
  if (parsed === undefined) throw new MeshError('invalid', `${certificateFile}: expected a certificate in PEM`);
  const key = readPrivateKey(privateKey);
  if (key === undefined)
    throw new MeshError('invalid', `${privateKeyFile}: expected an unencrypted private key in PEM`);
  if (!parsed.checkPrivateKey(key)) {
    throw new MeshError(
      'invalid',
      `${privateKeyFile} is not the key of the certificate in ${certificateFile}: give the pair that belongs together`,
    );
  }
  return { certificate, privateKey, certificateFile, privateKeyFile };
}

/** SHA-256 of a PEM certificate's DER as lower-case hex: what a client can pin. */
export function certificateFingerprint(pem: string): string {
  return createHash('sha256').update(new X509Certificate(pem).raw).digest('hex');
}

interface Pair {
  readonly certificate: string;
  readonly privateKey: string;
}

async function makePair(names: ServerNames, now: number): Promise<Pair> {
  const keys = await generateKeys({ kind: 'p256' });
  const privateKey = readPrivateKey(keys.privateKey);
  if (privateKey === undefined) throw new MeshError('internal', 'a key that was just generated cannot be read');
  const certificate = await issueSelfSignedServer({
    commonName: 'kuma-cp',
    names,
    publicKey: keys.publicKey,
    privateKey,
    validity: { notBefore: now - clockSkew, notAfter: now + lifetime },
  });
  return { certificate, privateKey: keys.privateKey };
}

async function readPair(certificateFile: string, privateKeyFile: string): Promise<Pair | undefined> {
  try {
    return { certificate: await readFile(certificateFile, 'utf8'), privateKey: await readFile(privateKeyFile, 'utf8') };
  } catch {
    return undefined;
  }
}

function isUsable(certificate: string, privateKey: string, now: number): boolean {
  const parsed = parseCertificate(certificate);
  const key = readPrivateKey(privateKey);
  if (parsed === undefined || key === undefined) return false;
  return parsed.checkPrivateKey(key) && Date.parse(parsed.validTo) > now + renewBefore;
}

function parseCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new MeshError('invalid', `cannot read ${file}: check the path and its permissions`, { cause });
  }
}

// Written beside and renamed, so that a crash leaves the old file or the new one, never half of one.
async function replaceFile(file: string, content: string, mode: number): Promise<void> {
  const temporary = `${file}.${process.pid}.new`;
  const handle = await open(temporary, 'w', mode);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}
