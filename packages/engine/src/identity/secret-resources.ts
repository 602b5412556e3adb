// The secrets of a proxy: its certificate and what it trusts, as far as they are there. Where an agent hands them out, the way to it.
import type { Derivation, Graph } from '@ursa/collections';
import {
  buildCluster,
  type EnvoyResource,
  encodeResource,
  identitySecret,
  pipeAddress,
  staticCluster,
  type TlsSecrets,
  trustDomainsSecret,
  trustSecret,
  upstreamHttp,
} from '@ursa/envoy';
import type { Secret } from '@ursa/envoy/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts';
import type { EngineInputs } from '../engine.ts';
import type { Subject } from '../proxy-parts.ts';
import { sameResources } from '../resource-set.ts';
import { attempt, type Built } from '../unbuilt.ts';
import { agentCluster, meshTlsOf, type ProxyTls } from './proxy-tls.ts';
import type { TrustDomains } from './trust-domains.ts';

/** What secrets are read from. */
export interface SecretSources {
  readonly inputs: EngineInputs;
  readonly trustDomains: TrustDomains;
}

/** What they are derived from. */
export interface SecretOptions extends SecretSources {
  readonly graph: Graph;
}

/** What secrets need of a proxy: what it serves and calls, and how, does not make them anew. */
interface SecretHolder {
  readonly mesh: string;
  readonly tls: ProxyTls;
  readonly secrets: TlsSecrets;
  readonly spireSocketPath: string | undefined;
}

/** The secrets of a proxy by its key. What all proxies of a mesh trust is encoded once. */
export function deriveSecrets(
  options: SecretOptions,
  subject: Derivation<readonly [proxyKey: string], Subject | undefined>,
): Derivation<readonly [proxyKey: string], readonly Built[]> {
  const { graph, inputs } = options;
  const { spireSocketPath: socketOfAll = usualSocket } = inputs.settings;
  const holder = graph.derive('holder of secrets', (proxyKey: string): SecretHolder | undefined => {
    const found = subject.get(proxyKey);
    if (found === undefined) return undefined;
    const { mesh, connected, proxyClass } = found;
    const { tls, names } = proxyClass;
    if (tls === undefined) return undefined;
    const { secrets } = meshTlsOf(mesh.name, tls, names);
    return { mesh: mesh.name, tls, secrets, spireSocketPath: connected.spireSocketPath };
  });
  const trust = graph.derive('trust', (mesh: string, name: string, byDomain: boolean): EnvoyResource | undefined => {
    const secret = trustOf(options, mesh, name, byDomain);
    return secret && encodeResource('secret', secret, 'secrets');
  });
  const resourcesOf = (proxyKey: string, { mesh, tls, secrets, spireSocketPath }: SecretHolder): EnvoyResource[] => {
    if (tls.agent !== undefined) return [wayToAgent(spireSocketPath || socketOfAll)];
    const identity = inputs.identities.get(proxyKey);
    // Of a proxy that has moved, the former certificate is nobody's any more.
    const isCurrent = identity !== undefined && (tls.issuer === undefined || identity.backend === tls.issuer);
    const trusted = trust.get(mesh, secrets.trust, tls.issuer !== undefined);
    const common = trusted === undefined ? [] : [trusted];
    if (!isCurrent) return common;
    const own = identitySecret(secrets.identity, identity.certificateChain, identity.privateKey);
    return [encodeResource('secret', own, 'secrets'), ...common];
  };
  return graph.derive(
    'secrets',
    (proxyKey: string): readonly Built[] => {
      const found = holder.get(proxyKey);
      return found === undefined ? [] : attempt({ origin: 'secrets' }, () => resourcesOf(proxyKey, found));
    },
    { equals: sameResources },
  );
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
