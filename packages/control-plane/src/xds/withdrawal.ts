// Takes a proxy that is about to leave out of the endpoints of the others, while it still serves: `POST /drain` of kuma-dp. Without it, others
// would send to a proxy until its connection breaks. Its inbounds become not ready, and a label remembers which; the next start undoes it.
import { type DataplaneSpec, MeshError, type Resource, type ResourceKey } from '@ursa/resources';
import type { HttpHandler } from '../delta/grpc/index.ts';
import type { LiveResources } from '../store/live-resources.ts';
import type { ResourceManager } from '../store/resource-manager.ts';
import type { BootstrapRequest } from './bootstrap/request.ts';
import type { ProxyAuthentication } from './proxy-authentication.ts';

/** What withdrawals work with. */
export interface WithdrawalOptions {
  readonly live: LiveResources;
  readonly manager: ResourceManager;
  readonly authentication: ProxyAuthentication;
}

/** Withdraws proxies and takes them back. */
export interface Withdrawal {
  /** Answers `POST /drain`: 200 when the others are being told, 404 when there is no such Dataplane, 403 when the token is not good for it. */
  readonly handler: HttpHandler;
  /** A proxy starts: if it was withdrawn before, it takes traffic again. Throws `MeshError('unauthenticated')` without a good token. */
  takeBack(request: Pick<BootstrapRequest, 'mesh' | 'name' | 'proxyType' | 'dataplaneToken'>): Promise<void>;
}

/** Ports of the inbounds that were made not ready, with dots between. */
const withdrawnPorts = 'kuma.io/withdrawn-ports';
const longestBody = 64 * 1024;

/** Whether the Dataplane is withdrawn: it must stay so while its proxy drains, even when that one connects anew. */
export function isWithdrawn(resource: Pick<Resource, 'labels'>): boolean {
  return resource.labels[withdrawnPorts] !== undefined;
}

/** The Dataplane with all inbounds that take traffic made not ready. */
export function withdraw(dataplane: Resource): Resource {
  const spec = dataplane.spec as DataplaneSpec;
  const inbounds = spec.networking?.inbound ?? [];
  const takesTraffic = ({ state }: (typeof inbounds)[number]): boolean => state === undefined || state === 'Ready';
  const taken = inbounds.filter(takesTraffic).map(({ port }) => port);
  const inbound = inbounds.map((each) => (takesTraffic(each) ? { ...each, state: 'NotReady' as const } : each));
  return {
    ...dataplane,
    labels: { ...dataplane.labels, [withdrawnPorts]: taken.join('.') },
    spec: { ...spec, networking: { ...spec.networking, inbound } },
  };
}

/** The Dataplane as it was before {@link withdraw}. */
export function restore(dataplane: Resource): Resource {
  const { [withdrawnPorts]: ports = '', ...labels } = dataplane.labels;
  const taken = new Set(ports.split('.').map(Number));
  const spec = dataplane.spec as DataplaneSpec;
  const inbound = (spec.networking?.inbound ?? []).map((each) => {
    if (each.port === undefined || !taken.has(each.port) || each.state !== 'NotReady') return each;
    const { state: _, ...rest } = each;
    return rest;
  });
  return { ...dataplane, labels, spec: { ...spec, networking: { ...spec.networking, inbound } } };
}

/** Opens withdrawals. */
export function openWithdrawal({ live, manager, authentication }: WithdrawalOptions): Withdrawal {
  const keyOf = ({ mesh, name }: { readonly mesh: string; readonly name: string }): ResourceKey => ({
    type: 'Dataplane',
    mesh,
    name,
  });
  return {
    async handler({ body }) {
      try {
        const proxy = parseRequest(body);
        const proven = await authentication.verify(proxy, proxy.dataplaneToken);
        const dataplane = proxy.proxyType === 'dataplane' ? live.get(keyOf(proxy)) : undefined;
        if (dataplane === undefined)
          return answer(404, `there is no Dataplane "${proxy.name}" in mesh "${proxy.mesh}" to withdraw`);
        proven.check(dataplane);
        if (!isWithdrawn(dataplane)) await manager.put(withdraw(dataplane), dataplane.version);
        return answer(200, 'withdrawn');
      } catch (error) {
        if (!(error instanceof MeshError)) throw error;
        return answer(statuses[error.code] ?? 400, error.message);
      }
    },
    async takeBack(request) {
      const dataplane = live.get(keyOf(request));
      if (dataplane === undefined || request.proxyType !== 'dataplane' || !isWithdrawn(dataplane)) return;
      const proven = await authentication.verify(request, request.dataplaneToken);
      proven.check(dataplane);
      await manager.put(restore(dataplane), dataplane.version);
    },
  };
}

const statuses: Readonly<Record<string, number>> = {
  unauthenticated: 401,
  forbidden: 403,
  'precondition-failed': 409,
  unavailable: 503,
};

function answer(status: number, text: string) {
  return { status, contentType: 'text/plain', body: `${text}\n` };
}

function parseRequest(body: Uint8Array): Pick<BootstrapRequest, 'mesh' | 'name' | 'proxyType' | 'dataplaneToken'> {
  let content: unknown;
  try {
    if (body.length > longestBody) throw new Error('too long');
    content = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new MeshError('malformed', 'the body of a drain request must be a JSON object');
  }
  const { mesh, name, proxyType, dataplaneToken = '' } = (content ?? {}) as Record<string, unknown>;
  if (typeof mesh !== 'string' || typeof name !== 'string' || typeof dataplaneToken !== 'string') {
    throw new MeshError('invalid', 'a drain request has the texts mesh, name, proxyType and dataplaneToken');
  }
  if (proxyType !== 'dataplane' && proxyType !== 'ingress' && proxyType !== 'egress') {
    throw new MeshError('invalid', 'proxyType: expected one of dataplane, ingress, egress');
  }
  return { mesh, name, proxyType, dataplaneToken };
}
