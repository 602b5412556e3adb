// Who a proxy is: its token is verified, and what the token binds (name, tags, workload) is held against its resource.
import type { ConnectedProxy } from '@ursa/engine';
import { type DataplaneSpec, labelNames, MeshError, type ResourceDraft } from '@ursa/resources';
import type { Settings } from '../config/settings.ts';
import type { DataplaneTokenClaims, Tokens, ZoneTokenClaims } from '../identity/access.ts';

/** The parts of a resource that tokens bind. */
export type BoundResource = Pick<ResourceDraft, 'labels' | 'spec'>;

/** A proxy that has proven who it is. */
export interface ProvenProxy {
  /** Throws `MeshError('forbidden')` when the token may not be used with this resource. */
  check(resource: BoundResource): void;
  /** Calls back once when the token is no longer good, with the reason. */
  watch(onInvalid: (reason: string) => void): { stop(): void };
}

/** Verifies proxies. */
export interface ProxyAuthentication {
  /** `credential` is the token as sent. Throws `MeshError('unauthenticated')` when it is not good for this proxy. */
  verify(
    proxy: Pick<ConnectedProxy, 'mesh' | 'name' | 'proxyType'>,
    credential: string | undefined,
  ): Promise<ProvenProxy>;
}

const anonymous: ProvenProxy = { check: () => undefined, watch: () => ({ stop: () => undefined }) };

/** Authentication as the settings demand: by token, or none. */
export function openProxyAuthentication(settings: Settings, tokens: Tokens): ProxyAuthentication {
  const { dpProxy, zoneProxy } = settings.dpServer.authn;
  const { zone } = settings.multizone;
  return {
    async verify(proxy, credential) {
      const kind = proxy.proxyType === 'dataplane' ? 'dataplane' : 'zone';
      if ((kind === 'dataplane' ? dpProxy.type : zoneProxy.type) === 'none') return anonymous;
      const token = (credential ?? '').replace(/^Bearer /i, '');
      if (token === '') {
        throw new MeshError(
          'unauthenticated',
          `a ${kind} token is required: kumactl generate ${kind}-token > token, then kuma-dp run --dataplane-token-file=token`,
        );
      }
      if (kind === 'dataplane') {
        const claims = await tokens.verifyDataplane(token, proxy.mesh);
        checkDataplaneClaims(claims, proxy);
        return {
          check: (resource) => checkBindings(claims, resource),
          watch: (onInvalid) => tokens.watch('dataplane', claims, onInvalid),
        };
      }
      const claims = await tokens.verifyZone(token);
      checkZoneClaims(claims, proxy.proxyType, zone.name);
      return { check: () => undefined, watch: (onInvalid) => tokens.watch('zone', claims, onInvalid) };
    },
  };
}

function checkDataplaneClaims(
  claims: DataplaneTokenClaims,
  proxy: Pick<ConnectedProxy, 'mesh' | 'name' | 'proxyType'>,
): void {
  if (claims.Mesh !== proxy.mesh) throw forbidden('mesh', proxy.mesh, claims.Mesh);
  if (claims.Name !== undefined && claims.Name !== proxy.name) throw forbidden('name', proxy.name, claims.Name);
  if (claims.Type !== undefined && claims.Type !== proxy.proxyType)
    throw forbidden('type', proxy.proxyType, claims.Type);
}

function checkZoneClaims(claims: ZoneTokenClaims, proxyType: string, zone: string): void {
  if (claims.Zone !== '' && claims.Zone !== zone) throw forbidden('zone', zone, claims.Zone);
  if (!claims.Scope.includes(proxyType)) {
    throw new MeshError(
      'forbidden',
      `the token is for ${claims.Scope.join(', ') || 'nothing'}, not for ${proxyType}; generate one with --scope ${proxyType}`,
    );
  }
}

/** A Dataplane must have every tag of the token, and no other values of these tags than the token allows. */
function checkBindings(claims: DataplaneTokenClaims, resource: BoundResource): void {
  checkWorkload(claims.Workload, resource.labels[labelNames.workload] ?? '');
  const tags = tagsOf(resource.spec as DataplaneSpec);
  for (const [tag, allowed] of Object.entries(claims.Tags ?? {})) {
    const values = tags.get(tag);
    if (values === undefined) {
      throw new MeshError('forbidden', `the Dataplane has no tag "${tag}", which its token demands`);
    }
    for (const value of values) {
      if (!allowed.includes(value)) throw forbidden(`tag ${tag}`, value, allowed.join('", "'));
    }
  }
}

function checkWorkload(bound: string | undefined, workload: string): void {
  if (bound === undefined || bound === workload) return;
  if (workload !== '') throw forbidden('workload', workload, bound);
  throw new MeshError(
    'forbidden',
    `the Dataplane has no label "${labelNames.workload}", which its token demands: expected "${bound}"`,
  );
}

function tagsOf({ networking }: DataplaneSpec): ReadonlyMap<string, ReadonlySet<string>> {
  const tags = new Map<string, Set<string>>();
  const sets = [networking?.gateway?.tags, ...(networking?.inbound ?? []).map((inbound) => inbound.tags)];
  for (const [tag, value] of sets.flatMap((set) => Object.entries(set ?? {}))) {
    const values = tags.get(tag) ?? new Set();
    tags.set(tag, values.add(value));
  }
  return tags;
}

function forbidden(what: string, given: string, bound: string): MeshError {
  return new MeshError('forbidden', `the ${what} of the proxy is "${given}", but its token is for "${bound}"`);
}
