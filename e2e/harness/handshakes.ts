// Mutual TLS as Envoys see it: which certificates they show, and whether a handshake has failed.
import { waitFor } from '../../examples/demo/wait-for.ts';
import type { MeshService, World } from './world.ts';

/** The workload certificate that an Envoy shows. */
export interface ServedCertificate {
  readonly serialNumber: string;
  /** Milliseconds since 1970. */
  readonly notAfter: number;
}

/** The workload certificate that a service's Envoy shows in a handshake now; one of connections that go on is listed beside it. */
export async function servedCertificate(service: MeshService): Promise<ServedCertificate> {
  const { certificates } = JSON.parse(await service.admin('/certs')) as {
    readonly certificates: readonly { readonly cert_chain?: readonly EnvoyCertificate[] }[];
  };
  const [newest] = certificates
    .flatMap(({ cert_chain = [] }) => cert_chain)
    .filter(({ subject_alt_names = [] }) => subject_alt_names.some(({ uri = '' }) => uri.startsWith('spiffe://')))
    .map((found) => ({ serialNumber: found.serial_number, notAfter: Date.parse(found.expiration_time) }))
    .sort((one, other) => other.notAfter - one.notAfter);
  if (newest === undefined) throw new Error(`${service.name} shows no certificate of the mesh`);
  return newest;
}

interface EnvoyCertificate {
  readonly serial_number: string;
  readonly expiration_time: string;
  readonly subject_alt_names?: readonly { readonly uri?: string }[];
}

const failing = 'ssl\\.(connection_error|fail_verify_error|fail_verify_no_cert|fail_verify_san|fail_verify_cert_hash)';

/** Statistics of handshakes that have failed at a service's Envoy, of its listeners and of its clusters; empty when all went well. */
export async function failedHandshakes(service: MeshService): Promise<readonly string[]> {
  const stats = await service.admin(`/stats?usedonly&filter=${encodeURIComponent(failing)}`);
  return stats.split('\n').filter((line) => /: [1-9]\d*$/.test(line));
}

/** Number of handshakes that went well at a service's Envoy. */
export async function handshakes(service: MeshService): Promise<number> {
  const stats = await service.admin('/stats?usedonly&filter=ssl%5C.handshake');
  return [...stats.matchAll(/ssl\.handshake: (\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** Counts of proxies by backend, as the MeshInsight has them. */
export interface MeshBackends {
  readonly issuedBackends: Readonly<Record<string, { readonly online?: number }>>;
  readonly supportedBackends: Readonly<Record<string, { readonly online?: number }>>;
}

/** Waits until all proxies of the mesh `default` are in one of the MeshInsight's lists under a backend, and under which others nobody is. */
export function untilAllProxies(
  { controlPlane }: World,
  list: keyof MeshBackends,
  backend: string,
  count: number,
): Promise<unknown> {
  return waitFor(
    `${list} of the MeshInsight has ${count} proxies for ${backend}`,
    async () => {
      const { json, text } = await controlPlane.request('GET', '/mesh-insights/default');
      const { mTLS } = json as { readonly mTLS?: MeshBackends };
      if (mTLS?.[list][backend]?.online === count) return true;
      throw new Error(text);
    },
    { within: 30_000, every: 100 },
  );
}
