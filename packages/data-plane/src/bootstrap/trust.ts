// Whom kuma-dp trusts as the control plane, and what to say when a stranger answers.
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { MeshError } from '@ursa/resources';
import type { Settings } from '../settings/definitions.ts';

/** Authorities that verify the control plane. */
export interface Trust {
  /** PEM that the user gave; '' for the machine's own authorities. */
  readonly caCert: string;
  /** Where that PEM came from. */
  readonly source: string;
  /** PEM bundle of the machine; undefined when none was found: the runtime's own list serves then. */
  readonly systemCa: string | undefined;
  readonly skipVerify: boolean;
}

/** Where systems keep the authorities they trust, the commonest first. */
const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** Path of the machine's bundle of authorities; '' when there is none. */
export function findSystemCa(given: string): string {
  return given !== '' ? given : (systemBundles.find((path) => existsSync(path)) ?? '');
}

/** Reads whom to trust. Throws when the given CA is missing or no certificate. */
export function readTrust(settings: Settings): Trust {
  const systemCaPath = findSystemCa(settings.systemCaPath);
  const systemCa = systemCaPath !== '' && existsSync(systemCaPath) ? readFileSync(systemCaPath, 'utf8') : undefined;
  const source = settings.caCert !== '' ? 'KUMA_CONTROL_PLANE_CA_CERT' : '--ca-cert-file';
  const caCert = settings.caCert !== '' ? settings.caCert : readCaFile(settings.caCertFile);
  if (caCert !== '' && !isCertificate(caCert)) {
    const place = settings.caCert !== '' ? source : `${source} ${settings.caCertFile}`;
    throw new MeshError('invalid', `${place} does not hold a PEM certificate ("-----BEGIN CERTIFICATE-----")`);
  }
  return { caCert, source, systemCa, skipVerify: settings.tlsSkipVerify };
}

/** Whether a text is a certificate in PEM. */
export function isCertificate(text: string): boolean {
  try {
    new X509Certificate(text);
    return true;
  } catch {
    return false;
  }
}

/** Authorities as the TLS options of Node take them. */
export function tlsOptions(trust: Trust): { ca?: string; rejectUnauthorized: boolean; minVersion: 'TLSv1.2' } {
  const ca = trust.caCert !== '' ? trust.caCert : trust.systemCa;
  return { ...(ca === undefined ? {} : { ca }), rejectUnauthorized: !trust.skipVerify, minVersion: 'TLSv1.2' };
}

/** A certificate in words: whose it is, who signed it, its SHA-256. */
export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  readonly fingerprint: string;
  readonly names: string;
  readonly validTo: string;
}

/** Looks at the certificate that a server presents, without believing it. Undefined when it presents none. */
export function lookAtCertificate(host: string, port: number): Promise<CertificateFacts | undefined> {
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port,
      rejectUnauthorized: false,
      timeout: 3000,
      ...(/^[\d.:]+$/.test(host) ? {} : { servername: host }),
    });
    const finish = (facts: CertificateFacts | undefined): void => {
      socket.destroy();
      resolve(facts);
    };
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerCertificate();
      if (certificate.raw === undefined) return finish(undefined);
      finish(describeCertificate(new X509Certificate(certificate.raw)));
    });
    socket.once('timeout', () => finish(undefined));
    socket.once('error', () => finish(undefined));
  });
}

/** A certificate in words. */
export function describeCertificate(certificate: X509Certificate): CertificateFacts {
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    fingerprint: certificate.fingerprint256,
    names: (certificate.subjectAltName ?? '').replaceAll(/DNS:|IP Address:/g, ''),
    validTo: certificate.validTo,
  };
}

function readCaFile(path: string): string {
  if (path === '') return '';
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new MeshError('not-found', `--ca-cert-file: ${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ');
}
