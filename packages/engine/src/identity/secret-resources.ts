// The secrets of a proxy: its certificate and what it trusts, as far as they are there. Where an agent hands them out, the way to it.
import {
  buildCluster,
  type EnvoyResource,
  encodeResource,
  identitySecret,
  pipeAddress,
  staticCluster,
  trustDomainsSecret,
  trustSecret,
  upstreamHttp,
} from '@ursa/envoy';
import type { Secret } from '@ursa/envoy/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts';
import type { ConnectedProxy, EngineInputs } from '../engine.ts';
import type { ProxyClass } from '../proxy-class.ts';
import { agentCluster, meshTlsOf } from './proxy-tls.ts';
import type { TrustDomains } from './trust-domains.ts';

/** What secrets are read from. */
export interface SecretSources {
  readonly inputs: EngineInputs;
  readonly trustDomains: TrustDomains;
}

/** Whose secrets. */
export interface SecretHolder {
  readonly key: string;
  readonly mesh: { readonly name: string };
  readonly connected: ConnectedProxy;
  readonly proxyClass: ProxyClass;
}

/** The secrets of a proxy. */
export function secretResources(sources: SecretSources, holder: SecretHolder): EnvoyResource[] {
  const { inputs } = sources;
  const { key, mesh, connected, proxyClass } = holder;
  const { tls, names } = proxyClass;
  if (tls === undefined) return [];
  const { secrets } = meshTlsOf(mesh.name, tls, names);
  if (tls.agent !== undefined) {
    const { spireSocketPath = usualSocket } = inputs.settings;
    return [wayToAgent(connected.spireSocketPath || spireSocketPath)];
  }
  const identity = inputs.identities.get(key);
  // Of a proxy that has moved, the former certificate is nobody's any more.
  const isCurrent = identity !== undefined && (tls.issuer === undefined || identity.backend === tls.issuer);
  const trust = trustOf(sources, mesh.name, secrets.trust, tls.issuer !== undefined);
  const own = isCurrent ? [identitySecret(secrets.identity, identity.certificateChain, identity.privateKey)] : [];
  return [...own, ...(trust === undefined ? [] : [trust])].map((secret) => encodeResource('secret', secret, 'secrets'));
}

/**
 * What a proxy trusts. Where there are several trust domains the CA of one must not vouch for workloads of another, so that Envoy looks at
 * the domain in each certificate.
 */
export function trustOf(
  { inputs, trustDomains }: SecretSources,
  mesh: string,
  name: string,
  byDomain = false,
): Secret | undefined {
  if (byDomain || trustDomains.several.get(mesh)) {
    const domains = trustDomains.bundles.get(mesh);
    return domains.length === 0 ? undefined : trustDomainsSecret(name, domains);
  }
  const trust = inputs.trust.get(mesh);
  return trust && trustSecret(name, trust.certificates);
}

const usualSocket = '/tmp/spire-agent/public/api.sock';

function wayToAgent(path: string): EnvoyResource {
  const draft = staticCluster({ name: agentCluster, altStatName: false }, [pipeAddress(path)]);
  return encodeResource('cluster', buildCluster({ ...draft, httpOptions: upstreamHttp(2) }), 'secrets');
}
