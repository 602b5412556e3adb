// How the HTTPS server proves itself, and what it wants of clients, from the settings and the files they name.
import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsOptions } from 'node:tls';
import { MeshError } from '@ursa/resources';
import type { Settings } from '../../config/settings.ts';
import { tlsLimitsOf } from '../../config/tls-limits.ts';
import type { CertificatePair } from '../../identity/served-certificate.ts';

type ApiServer = Settings['apiServer'];

/** Where the authorities of clients are, for who follows them: the folder, and every file, the folder's as they are now. */
export function clientCaFiles({ https, auth }: ApiServer): readonly string[] {
  return [...folderAndFiles(auth.clientCertsDir), ...(https.tlsCaFile === '' ? [] : [https.tlsCaFile])];
}

/** True when callers may have to show a certificate, or may be known by one. */
export function wantsClientCertificate({ https, authn }: Pick<ApiServer, 'https' | 'authn'>): boolean {
  return https.enabled && (https.requireClientCert || authn.type === 'adminClientCerts');
}

/**
 * Options of the HTTPS server. Client certificates are asked for when somebody could be
 * known by one; a request without is refused only if `requireClientCert` is on, else its caller is known by other means or not at all.
 * Errors: `MeshError('invalid')` that names the setting and the file.
 */
export function readTlsOptions(settings: ApiServer, { certificate, privateKey }: CertificatePair): TlsOptions {
  const { https, auth } = settings;
  const clientCas = [...readClientCas(auth.clientCertsDir), ...readOptional('tlsCaFile', https.tlsCaFile)];
  const wantsThem = wantsClientCertificate(settings);
  if (wantsThem && clientCas.length === 0) {
    throw new MeshError(
      'invalid',
      'client certificates are asked for but nothing says which are good: set apiServer.auth.clientCertsDir or apiServer.https.tlsCaFile',
    );
  }
  return {
    cert: certificate,
    key: privateKey,
    ...tlsLimitsOf(https),
    ...(wantsThem ? { ca: clientCas, requestCert: true, rejectUnauthorized: https.requireClientCert } : {}),
  };
}

function readClientCas(directory: string): readonly Buffer[] {
  const [, ...files] = folderAndFiles(directory);
  return files.map((file) => readAuthorities('auth.clientCertsDir', file));
}

function folderAndFiles(directory: string): readonly string[] {
  if (directory === '') return [];
  const names = listDirectory(directory).filter((name) => name.endsWith('.pem') || name.endsWith('.crt'));
  return [directory, ...names.map((name) => join(directory, name))];
}

function listDirectory(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    throw unreadable('auth.clientCertsDir', directory, error);
  }
}

function readOptional(setting: string, path: string): readonly Buffer[] {
  return path === '' ? [] : [readAuthorities(`https.${setting}`, path)];
}

/** OpenSSL passes over what it cannot read: whoever meant it to count would be locked out without a word. */
function readAuthorities(setting: string, path: string): Buffer {
  const content = read(setting, path);
  try {
    new X509Certificate(content);
    return content;
  } catch (error) {
    throw unreadable(setting, path, error);
  }
}

function read(setting: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw unreadable(setting, path, error);
  }
}

function unreadable(setting: string, path: string, error: unknown): MeshError {
  const reason = error instanceof Error ? error.message : String(error);
  return new MeshError('invalid', `apiServer.${setting}: cannot read ${JSON.stringify(path)}: ${reason}`, {
    cause: error,
  });
}
