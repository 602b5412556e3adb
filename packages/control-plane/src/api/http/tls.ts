// How the HTTPS server proves itself, and what it wants of clients, from the settings and the files they name.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsOptions } from 'node:tls';
import { MeshError } from '@ursa/resources';
import type { Settings } from '../../config/settings.ts';
import { tlsLimitsOf } from '../../config/tls-limits.ts';
import type { CertificatePair } from '../../identity/served-certificate.ts';

type ApiServer = Settings['apiServer'];

/**
 * Options of the HTTPS server. Client certificates are asked for when somebody could be
 * known by one; a request without is refused only if `requireClientCert` is on, else its caller is known by other means or not at all.
 * Errors: `MeshError('invalid')` that names the setting and the file.
 */
export function readTlsOptions(settings: ApiServer, { certificate, privateKey }: CertificatePair): TlsOptions {
  const { https, auth, authn } = settings;
  const clientCas = [...readClientCas(auth.clientCertsDir), ...readOptional('tlsCaFile', https.tlsCaFile)];
  const wantsClientCertificate = https.requireClientCert || authn.type === 'adminClientCerts';
  if (wantsClientCertificate && clientCas.length === 0) {
    throw new MeshError(
      'invalid',
      'client certificates are asked for but nothing says which are good: set apiServer.auth.clientCertsDir or apiServer.https.tlsCaFile',
    );
  }
  return {
    cert: certificate,
    key: privateKey,
    ...tlsLimitsOf(https),
    ...(wantsClientCertificate
      ? { ca: clientCas, requestCert: true, rejectUnauthorized: https.requireClientCert }
      : {}),
  };
}

function readClientCas(directory: string): readonly Buffer[] {
  if (directory === '') return [];
  const names = listDirectory(directory).filter((name) => name.endsWith('.pem') || name.endsWith('.crt'));
  return names.map((name) => read('auth.clientCertsDir', join(directory, name)));
}

function listDirectory(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    throw unreadable('auth.clientCertsDir', directory, error);
  }
}

function readOptional(setting: string, path: string): readonly Buffer[] {
  return path === '' ? [] : [read(`https.${setting}`, path)];
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
