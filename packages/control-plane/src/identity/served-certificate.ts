// The certificate of a server while it runs: read again when its files change, so that it is renewed without a restart. Connections that are open
// stay as they are; new ones are shown the new certificate.
import { followFiles } from './follow-files.ts';
import { certificateFingerprint, readServerCertificate, type ServerCertificate } from './server-certificate.ts';

/** Certificate with its chain, and key; PEM. */
export type CertificatePair = Pick<ServerCertificate, 'certificate' | 'privateKey'>;

/** A certificate that may be renewed. */
export interface ServedCertificate {
  /** The pair in force. */
  current(): CertificatePair;
  /** Calls back with each pair that follows it. */
  follow(onRenewal: (pair: CertificatePair) => void): { stop(): void };
}

/** Where it is told what became of a renewal. */
export interface RenewalLog {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Follows the files of a certificate while somebody follows it. A pair that cannot be used changes nothing. */
export function followCertificate(first: ServerCertificate, log: RenewalLog): ServedCertificate {
  let current: ServerCertificate = first;
  let watch: { stop(): void } | undefined;
  const followers = new Set<(pair: CertificatePair) => void>();
  const { certificateFile, privateKeyFile } = first;
  const read = async (): Promise<void> => {
    try {
      const found = await readServerCertificate(certificateFile, privateKeyFile);
      if (found.certificate === current.certificate && found.privateKey === current.privateKey) return;
      current = found;
      for (const tell of followers) tell(found);
      log.info('a renewed certificate is in use', {
        file: certificateFile,
        fingerprint: certificateFingerprint(found.certificate),
      });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.warn('a renewed certificate cannot be used; the one before stays', { file: certificateFile, reason });
    }
  };
  return {
    current: () => current,
    follow(onRenewal) {
      followers.add(onRenewal);
      watch ??= followFiles([certificateFile, privateKeyFile], () => void read());
      return {
        stop() {
          followers.delete(onRenewal);
          if (followers.size > 0) return;
          watch?.stop();
          watch = undefined;
        },
      };
    },
  };
}

/** A certificate that stays as it is. */
export function fixedCertificate(pair: CertificatePair): ServedCertificate {
  return { current: () => pair, follow: () => ({ stop() {} }) };
}
