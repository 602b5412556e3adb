// When a proxy takes traffic from others: not before it is ready, and no more from the moment it is about to leave (decision 0081). kuma-dp says
// so with `POST /ready` and `POST /drain`. Until it does, or after, the inbounds are not ready, and a label remembers which of them this was done to.
import {
  type DataplaneSpec,
  isProbed,
  labelNames,
  MeshError,
  type Resource,
  type ResourceDraft,
  type ResourceKey,
  type ZoneEgressSpec,
} from '@ursa/resources';
import type { HttpHandler, HttpRequest, HttpResponse } from '../delta/grpc/index.ts';
import type { LiveResources } from '../store/live-resources.ts';
import type { ResourceManager } from '../store/resource-manager.ts';
import { isUnavailable } from '../store/unavailable.ts';
import type { BootstrapRequest } from './bootstrap/request.ts';
import type { ProxyAuthentication } from './proxy-authentication.ts';
import type { StartingProxies } from './starting-proxies.ts';

/** What it works with. */
export interface TakingTrafficOptions {
  readonly live: LiveResources;
  readonly manager: ResourceManager;
  readonly authentication: ProxyAuthentication;
  readonly starting: StartingProxies;
  /** Whether proxies probe their workloads. */
  readonly probing?: boolean;
}

/** Decides which proxies take traffic. */
export interface TakingTraffic {
  /** Answers `POST /ready` and `POST /drain`: 200 when the others are being told, 404 without such a Dataplane, 401 and 403 by its token. */
  readonly ready: HttpHandler;
  readonly drain: HttpHandler;
  /** A proxy gets its bootstrap: if it announces its readiness, its Dataplane is withheld until then. */
  starting(request: BootstrapRequest): Promise<void>;
  /** The Dataplane that a proxy brings along, as it is to be registered. */
  admit(draft: ResourceDraft, stored: Resource | undefined, features: readonly string[]): ResourceDraft;
}

/** Announced by proxies that will post `/ready`. Others take traffic as soon as they are registered. */
export const announcesReadiness = 'feature-announces-readiness';

/** Says which inbounds were made not ready. */
const { withheldPorts, withheldBecause: withheldReason } = labelNames;
const lost = 'lost';
/** Types of the resources behind proxies that take traffic of others. */
const takers: ReadonlySet<string> = new Set(['Dataplane', 'ZoneEgress']);
const longestBody = 64 * 1024;

type Traffic = Pick<ResourceDraft, 'type' | 'labels' | 'spec'>;

/** Whether the Dataplane takes no traffic because its proxy starts or leaves. */
export function isWithheld({ labels }: Pick<Traffic, 'labels'>): boolean {
  return labels[withheldPorts] !== undefined;
}

/** A zone egress has one port, and no state of its own: the label says it all. */
function withEgressLabel<Egress extends Traffic>(egress: Egress): Egress {
  const port = (egress.spec as ZoneEgressSpec).networking?.port ?? 0;
  return { ...egress, labels: { ...egress.labels, [withheldPorts]: String(port) } };
}

/** The proxy's resource with all inbounds that would take traffic made not ready; itself when there are none. */
export function withhold<Dataplane extends Traffic>(dataplane: Dataplane): Dataplane {
  if (dataplane.type === 'ZoneEgress') return withEgressLabel(dataplane);
  const spec = dataplane.spec as DataplaneSpec;
  const inbounds = spec.networking?.inbound ?? [];
  const takesTraffic = ({ state }: (typeof inbounds)[number]): boolean => state === undefined || state === 'Ready';
  const ports = inbounds.filter(takesTraffic).map(({ port }) => port);
  if (ports.length === 0) return dataplane;
  const inbound = inbounds.map((each) => (takesTraffic(each) ? { ...each, state: 'NotReady' as const } : each));
  return {
    ...dataplane,
    labels: { ...dataplane.labels, [withheldPorts]: ports.join('.') },
    spec: { ...spec, networking: { ...spec.networking, inbound } },
  };
}

/** The Dataplane with workloads of which nothing is known until they are probed anew. */
function unproven(dataplane: ResourceDraft): ResourceDraft {
  const spec = dataplane.spec as DataplaneSpec;
  const inbound = (spec.networking?.inbound ?? []).map((each) =>
    isProbed(each) ? { ...each, health: { ready: false } } : each,
  );
  return { ...dataplane, spec: { ...spec, networking: { ...spec.networking, inbound } } };
}

/** The Dataplane of a proxy that was lost, withheld until it comes back. */
export function withholdLost<Dataplane extends Traffic>(dataplane: Dataplane): Dataplane {
  const withheld = withhold(dataplane);
  return { ...withheld, labels: { ...withheld.labels, [withheldReason]: lost } };
}

/** Whether the Dataplane is withheld because its proxy was lost. */
export function isLost({ labels }: Pick<Traffic, 'labels'>): boolean {
  return labels[withheldReason] === lost;
}

/** Whether its proxy starts or has said goodbye: nobody misses it. */
export function isExcused(resource: Pick<Traffic, 'labels'>): boolean {
  return isWithheld(resource) && !isLost(resource);
}

/** The resource of a proxy that says goodbye: withheld, and marked so also when it takes no traffic anyway. */
export function sayGoodbye<Dataplane extends Traffic>(dataplane: Dataplane): Dataplane {
  const withheld = withhold(dataplane);
  const { [withheldReason]: _reason, ...labels } = withheld.labels;
  return { ...withheld, labels: { [withheldPorts]: '', ...labels } };
}

/** The Dataplane as it was before {@link withhold}. */
export function release<Dataplane extends Traffic>(dataplane: Dataplane): Dataplane {
  const { [withheldPorts]: ports = '', [withheldReason]: _reason, ...labels } = dataplane.labels;
  if (dataplane.type === 'ZoneEgress') return { ...dataplane, labels };
  const withheld = new Set(ports.split('.').map(Number));
  const spec = dataplane.spec as DataplaneSpec;
  const inbound = (spec.networking?.inbound ?? []).map((each) => {
    if (each.port === undefined || !withheld.has(each.port) || each.state !== 'NotReady') return each;
    const { state: _, ...rest } = each;
    return rest;
  });
  return { ...dataplane, labels, spec: { ...spec, networking: { ...spec.networking, inbound } } };
}

/** Opens it; nobody is starting. */
export function openTakingTraffic(options: TakingTrafficOptions): TakingTraffic {
  const { live, manager, authentication, starting, probing = false } = options;
  const keyOf = ({ mesh, name, proxyType }: Pick<ProxyWord, 'mesh' | 'name' | 'proxyType'>): ResourceKey =>
    proxyType === 'egress' ? { type: 'ZoneEgress', mesh: '', name } : { type: 'Dataplane', mesh, name };

  const change =
    (apply: (proxy: ProxyWord, dataplane: Resource) => Promise<void>): HttpHandler =>
    async (request: HttpRequest): Promise<HttpResponse> => {
      try {
        const proxy = parseWord(request.body);
        const proven = await authentication.verify(proxy, proxy.dataplaneToken);
        const key = keyOf(proxy);
        const dataplane = proxy.proxyType === 'ingress' ? undefined : live.get(key);
        if (dataplane === undefined) {
          const where = key.mesh === '' ? '' : ` in mesh "${key.mesh}"`;
          return answer(404, `there is no ${key.type} "${key.name}"${where}`);
        }
        proven.check(dataplane);
        await apply(proxy, dataplane);
        return answer(200, 'the others are told');
      } catch (error) {
        if (!(error instanceof MeshError)) throw error;
        return answer(statuses[error.code] ?? 400, error.message);
      }
    };

  return {
    ready: change(async (_, dataplane) => {
      if (isWithheld(dataplane)) await manager.put(release(dataplane), dataplane.version);
      await starting.end(dataplane);
    }),
    drain: change(async (_, dataplane) => {
      if (!isExcused(dataplane)) await manager.put(sayGoodbye(dataplane), dataplane.version);
    }),
    async starting({ mesh: given, name, proxyType, features, dataplaneToken }) {
      // Proxies of a zone belong to no mesh, whatever mesh their kuma-dp was started with.
      const mesh = proxyType === 'dataplane' ? given : '';
      // An ingress takes traffic as long as it is there: were it noted, an egress of the same name would be held for the one that starts.
      if (proxyType === 'ingress') return;
      // Without a token it may be anybody; its word must not count against the proxy of that name.
      if (!features.includes(announcesReadiness) || dataplaneToken === '') return;
      await starting.begin({ mesh, name }).catch((error: unknown) => {
        // A proxy gets its bootstrap without the store, too. It takes traffic as soon as it is connected then.
        if (!isUnavailable(error)) throw error;
      });
    },
    admit(draft, stored, features) {
      if (!takers.has(draft.type) || !features.includes(announcesReadiness)) return draft;
      // Withheld in the store and not starting: it drains and has lost its stream meanwhile. Who was lost is found with this.
      const drains = stored !== undefined && isExcused(stored);
      // What the probe found before may have ended with the machine.
      if (starting.has(draft)) return withhold(probing && draft.type === 'Dataplane' ? unproven(draft) : draft);
      return drains ? sayGoodbye(draft) : draft;
    },
  };
}

const statuses: Readonly<Record<string, number>> = {
  unauthenticated: 401,
  forbidden: 403,
  'precondition-failed': 409,
  unavailable: 503,
};

function answer(status: number, text: string): HttpResponse {
  return { status, contentType: 'text/plain', body: `${text}\n` };
}

type ProxyWord = Pick<BootstrapRequest, 'mesh' | 'name' | 'proxyType' | 'dataplaneToken'>;

function parseWord(body: Uint8Array): ProxyWord {
  let content: unknown;
  try {
    if (body.length > longestBody) throw new Error('too long');
    content = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new MeshError('malformed', 'the body must be a JSON object');
  }
  const { mesh, name, proxyType, dataplaneToken = '' } = (content ?? {}) as Record<string, unknown>;
  if (typeof mesh !== 'string' || typeof name !== 'string' || typeof dataplaneToken !== 'string') {
    throw new MeshError('invalid', 'expected the texts mesh, name, proxyType and dataplaneToken');
  }
  if (proxyType !== 'dataplane' && proxyType !== 'ingress' && proxyType !== 'egress') {
    throw new MeshError('invalid', 'proxyType: expected one of dataplane, ingress, egress');
  }
  return { mesh, name, proxyType, dataplaneToken };
}
