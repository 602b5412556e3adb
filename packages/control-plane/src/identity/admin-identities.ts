// Certificates of the proxies' admin listeners: only the control plane, which holds the other end's certificate, may ask there.
import { isIP } from 'node:net';
import type { Collection, Followable, Graph, Source } from '@ursa/collections';
import type { AdminIdentity, ConnectedProxy } from '@ursa/engine';
import type { Resource } from '@ursa/resources';
import { keyInType, type LiveResources } from '../store/live-resources.ts';
import type { AuthorityPair } from './authorities/authority.ts';
import type { LeafRequest } from './authorities/define-authority.ts';
import { openLocalAuthority } from './authorities/local-authority.ts';
import type { Clock } from './clock.ts';
import { orderForConnected } from './connected-orders.ts';
import { openIssuing } from './issuing.ts';
import { secretData } from './tokens/token-keys.ts';

/** GlobalSecret with the authority of the admin listeners: base64 of its certificate and its key, both PEM. */
export const adminAuthoritySecret = 'envoy-admin-ca';

interface AdminOrder extends Omit<LeafRequest, 'issuedAt'> {
  readonly authority: AuthorityPair;
}

const year = 365 * 24 * 3600 * 1000;

export interface AdminIdentitiesInputs {
  readonly graph: Graph;
  readonly live: LiveResources;
  readonly clock: Clock;
  readonly proxies: Collection<ConnectedProxy> & Followable;
  /** Filled here. */
  readonly adminIdentities: Source<AdminIdentity>;
  readonly onFailure: (proxyKey: string, error: unknown) => void;
}

export interface AdminIdentities {
  /** Resolves when a connected proxy has its admin certificate, or cannot get one. */
  settled(proxyKey: string): Promise<void>;
  stop(): void;
}

/** The authority that a stored `envoy-admin-ca` holds; undefined when it holds none. */
export function readAdminAuthority(secret: Resource | undefined): AuthorityPair | undefined {
  if (secret === undefined) return undefined;
  const content = Buffer.from(secretData(secret), 'base64').toString('utf8');
  const certificate = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----\n?/.exec(content)?.[0];
  const privateKey = /-----BEGIN ([A-Z ]*)PRIVATE KEY-----[^-]*-----END \1PRIVATE KEY-----\n?/.exec(content)?.[0];
  return certificate === undefined || privateKey === undefined ? undefined : { certificate, privateKey };
}

/** Opens the issuing of admin certificates: one for each connected proxy, for the address the control plane reaches it at. */
export function openAdminIdentities({
  graph,
  live,
  clock,
  proxies,
  adminIdentities,
  onFailure,
}: AdminIdentitiesInputs): AdminIdentities {
  const authority = graph.derive('admin-authority', () =>
    readAdminAuthority(live.resources('GlobalSecret').get(keyInType({ mesh: '', name: adminAuthoritySecret }))),
  );
  const orderOf = graph.derive('admin-order', (proxyKey: string): AdminOrder | undefined => {
    const pair = authority.get();
    const proxy = proxies.get(proxyKey);
    if (pair === undefined || proxy === undefined) return undefined;
    const { host } = adminAddressOf(live, proxy);
    return { authority: pair, names: namesOf(host), usages: ['serverAuth'], lifetime: year };
  });
  // Reading a key costs more than signing with it.
  const open = new WeakMap<AuthorityPair, ReturnType<typeof openLocalAuthority>>();
  const issuing = openIssuing<AdminOrder>({
    clock,
    authorityOf: () => adminAuthoritySecret,
    async make({ authority: pair, ...request }, issuedAt) {
      const opened = open.get(pair) ?? openLocalAuthority(pair);
      open.set(pair, opened);
      return await opened.issue({ ...request, issuedAt }, new AbortController().signal);
    },
    onFailure,
    deliver(issued) {
      const clientCa = authority.get()?.certificate ?? '';
      graph.batch(() => {
        for (const [key, { certificate, privateKey }] of issued) {
          adminIdentities.set(key, { certificateChain: certificate, privateKey, clientCa });
        }
      });
    },
  });
  const orders = orderForConnected(graph, {
    proxies,
    keysOf: graph.derive('admin-identities/keys', (proxyKey: string) => [proxyKey]),
    orderOf,
    issuing,
    onGone: (proxyKey) => adminIdentities.delete(proxyKey),
  });
  return {
    settled: (proxyKey) => issuing.settled(proxyKey),
    stop() {
      orders.stop();
      issuing.stop();
    },
  };
}

const typesByProxy = { dataplane: 'Dataplane', ingress: 'ZoneIngress', egress: 'ZoneEgress' } as const;

/** Where the control plane reaches a proxy's admin listener; port 0: it has none. */
export function adminAddressOf(
  live: LiveResources,
  proxy: ConnectedProxy,
): { readonly host: string; readonly port: number } {
  const mesh = proxy.proxyType === 'dataplane' ? proxy.mesh : '';
  const resource = live.resources(typesByProxy[proxy.proxyType]).get(keyInType({ mesh, name: proxy.name }));
  const { networking } = (resource?.spec ?? {}) as AdminSpec;
  return {
    host: networking?.address ?? proxy.admin.address,
    port: networking?.admin?.port ?? proxy.admin.port,
  };
}

interface AdminSpec {
  readonly networking?: { readonly address?: string; readonly admin?: { readonly port?: number } };
}

function namesOf(host: string): AdminOrder['names'] {
  return isIP(host) === 0 ? { dnsNames: [host] } : { addresses: [host] };
}
