// The certificates by which clients of the API are known, while it runs: read again when their files change. What makes administrators must be possible
// to take back without a restart.
import type { TlsOptions } from 'node:tls';
import type { Settings } from '../../config/settings.ts';
import { followFiles } from '../../identity/follow-files.ts';
import type { CertificatePair, RenewalLog } from '../../identity/served-certificate.ts';
import { clientCaFiles, readTlsOptions, wantsClientCertificate } from './tls.ts';

/**
 * Follows the folder and the file of the settings; a no-op where no client is known by a certificate. Files that cannot be read, or a folder without
 * any, change nothing and are said in the log: a folder that is being filled must not lock everybody out.
 */
export function followClientAuthorities(
  settings: Settings['apiServer'],
  current: () => CertificatePair,
  log: RenewalLog,
  onChange: (tls: TlsOptions) => void,
): { stop(): void } {
  if (!wantsClientCertificate(settings)) return { stop() {} };
  const folder = settings.auth.clientCertsDir;
  let known = fingerprintOf(readTlsOptions(settings, current()));
  let files = clientCaFiles(settings);
  let watch = followFiles(files, read);
  function read(): void {
    try {
      const found = clientCaFiles(settings);
      if (found.join('\n') !== files.join('\n')) {
        watch.stop();
        files = found;
        watch = followFiles(files, read);
      }
      const tls = readTlsOptions(settings, current());
      const fingerprint = fingerprintOf(tls);
      if (fingerprint === known) return;
      onChange(tls);
      known = fingerprint;
      log.info('changed authorities of client certificates are in use', { folder, files: files.length });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.warn('changed authorities of client certificates cannot be used; those before stay', { folder, reason });
    }
  }
  return { stop: () => watch.stop() };
}

function fingerprintOf({ ca }: TlsOptions): string {
  return [ca ?? []].flat().map(String).join('\n');
}
