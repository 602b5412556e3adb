// What Envoys say of TLS: handshakes that failed, and certificates in use that are no longer valid.
import type { ServiceHost } from './service-host.ts';

/** Handshakes that failed between applications so far, over all proxies. Those with the control plane are not counted: it is killed on purpose. */
export async function failedHandshakes(services: readonly ServiceHost[]): Promise<number> {
  const pages = await Promise.all(
    services.map((service) => service.admin('/stats?filter=ssl%5C.(connection_error|fail_)')),
  );
  let failed = 0;
  for (const line of pages.join('\n').split('\n')) {
    const [, name = '', count] = line.match(/^(.+): (\d+)$/) ?? [];
    if (!name.includes('ads_cluster')) failed += Number(count ?? 0);
  }
  return failed;
}

interface CertificatePage {
  readonly certificates?: readonly { readonly cert_chain?: readonly { readonly expiration_time?: string }[] }[];
}

/** Proxies that present a certificate that has expired. */
export async function expiredCertificates(services: readonly ServiceHost[]): Promise<number> {
  const pages = await Promise.all(services.map((service) => service.admin('/certs')));
  return pages.filter((page) => {
    const { certificates = [] }: CertificatePage = JSON.parse(page);
    const times = certificates.flatMap(({ cert_chain: chain = [] }) => chain.map((each) => each.expiration_time ?? ''));
    return times.some((time) => Date.parse(time) < Date.now());
  }).length;
}
