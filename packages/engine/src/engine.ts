// The engine's border: resources and facts about connected proxies in, Envoy configuration out. Pure and synchronous.
import type { Collection, Derivation } from '@ursa/collections';
import type { EnvoyResource, EnvoyType } from '@ursa/envoy';
import type { PolicyHead, ProxyRules } from '@ursa/policy';
import type { Resource, ResourceKey } from '@ursa/resources';
import type { CollectorEnvironment } from './collector-environment.ts';
import type { CollectorRefLookup } from './collector-refs.ts';
import type { Explanation, Question } from './explain/explanation.ts';
import type { LeftOut } from './held-back.ts';
import type { UnusablePolicy } from './left-out.ts';
import type { Finding } from './lint/finding.ts';
import type { UnsentLookup } from './unsent.ts';

/** What a connected proxy said of itself in its xDS node (reference s9), parsed at the border. Key: {@link proxyKeyOf}. */
export interface ConnectedProxy {
  readonly mesh: string;
  readonly name: string;
  readonly proxyType: 'dataplane' | 'ingress' | 'egress';
  /** `feature-…` names. */
  readonly features: readonly string[];
  readonly admin: { readonly port: number; readonly address: string; readonly socketPath?: string };
  readonly readinessPort: number;
  readonly dnsPort: number;
  readonly workdir: string;
  readonly appProbeProxyEnabled: boolean;
  readonly ipv6Enabled: boolean;
  readonly systemCaPath: string;
  readonly metricsCertPath: string;
  readonly metricsKeyPath: string;
  /** Socket of the SPIRE agent on its host; '' where it did not say. */
  readonly spireSocketPath: string;
  readonly dynamicMetadata: Readonly<Record<string, string>>;
  /** Effective transparent proxy configuration sent by kuma-dp; undefined when it was not sent. */
  readonly transparentProxy: TransparentProxy | undefined;
  /** Names of the extensions built into this Envoy (`node.extensions`); empty when it did not say. */
  readonly extensions: readonly string[];
  readonly envoyVersion: string;
  /** Variables of its kuma-dp about OpenTelemetry collectors; absent where there are none. */
  readonly openTelemetry?: CollectorEnvironment;
}

/** What tells proxies apart; `mesh` is '' for those of a zone. */
export type ProxyId = Pick<ConnectedProxy, 'proxyType' | 'mesh' | 'name'>;

/**
 * Key of a proxy among all: `<mesh>/<name>`, of a zone egress `/<name>`, as their resources have it, and of a zone ingress `/ingress:<name>`.
 * An egress and an ingress of a zone may have one name; no name has a colon.
 */
export function proxyKeyOf({ proxyType, mesh, name }: ProxyId): string {
  return proxyType === 'ingress' ? `/ingress:${name}` : `${mesh}/${name}`;
}

/** Where transparent proxying sends packets; ports in host order. */
export interface TransparentProxy {
  /** False when traffic of neither direction is redirected. */
  readonly enabled: boolean;
  readonly inboundPort: number;
  readonly outboundPort: number;
  readonly dnsPort: number;
  readonly dnsEnabled: boolean;
  readonly ipFamilyMode: 'dualstack' | 'ipv4' | 'ipv6';
}

/** A workload certificate, PEM. Key: `<mesh>/<proxy name>`; of a zone egress, which has one for each mesh, `<mesh>//<name>`. */
export interface IssuedIdentity {
  readonly certificateChain: string;
  readonly privateKey: string;
  /** Who issued it: the name of an mTLS backend, or the KRI of a MeshIdentity. */
  readonly backend: string;
  /** RFC 3339. */
  readonly notAfter: string;
}

/** PEM bundle a mesh trusts, all its backends together. Key: mesh. */
export interface TrustBundle {
  readonly certificates: string;
  /** Names of the backends whose roots are in it, sorted. */
  readonly backends: readonly string[];
}

/**
 * A mesh whose mTLS was switched off, while its proxies follow. Servers take TLS as well as plain text all the time; `clients` is what clients
 * speak: TLS until all servers take plain text, then plain text. Key: mesh.
 */
export interface MtlsExit {
  /** Name of the backend that was enabled. */
  readonly backend: string;
  readonly clients: 'tls' | 'plaintext';
}

/** Certificate of Envoy's admin listener and the CA its client (the control plane) must come from, PEM. */
export interface AdminIdentity {
  readonly certificateChain: string;
  readonly privateKey: string;
  readonly clientCa: string;
}

/** What an identity must say: the engine derives it, the control plane issues it. */
export interface IdentityRequest {
  readonly mesh: string;
  readonly proxy: string;
  /** Who issues it: the name of an mTLS backend, or the KRI of a MeshIdentity. */
  readonly backend: string;
  /** Name of the MeshIdentity, where that issues it. */
  readonly meshIdentity?: string;
  /** SAN URIs: one SPIFFE ID of a MeshIdentity; of a backend `spiffe://<mesh>/<service>` for each service, `kuma://<tag>/<value>` for each tag. */
  readonly uris: readonly string[];
}

/** Address of a service known by its tag. Key: `<mesh>/<service>`; of the host of ExternalServices: `<mesh>/~<host>`. */
export interface ServiceVip {
  readonly mesh: string;
  /** '' for hosts. */
  readonly service: string;
  /** Name of a host outside of the mesh under which applications call it. */
  readonly host?: string;
  /** IPv4. */
  readonly address: string;
}

/** Settings that shape configuration. */
export interface EngineSettings {
  readonly zone: string;
  readonly environment: 'universal' | 'kubernetes';
  /** Domain of services known by their tag. */
  readonly dnsDomain: string;
  /** Port under which they are called at their virtual address. */
  readonly serviceVipPort: number;
  /** True when proxies get only the destinations that let them in. */
  readonly autoReachableServices: boolean;
  /** Socket of the SPIRE agent on hosts whose kuma-dp names none. */
  readonly spireSocketPath?: string;
}

/** Everything the engine reads. The same engine over other collections (an overlay) answers "what if". */
export interface EngineInputs {
  /** Resources of one type; key `<mesh>/<name>` (`/<name>` for global types). */
  resources(type: string): Collection<Resource>;
  readonly proxies: Collection<ConnectedProxy>;
  readonly identities: Collection<IssuedIdentity>;
  readonly trust: Collection<TrustBundle>;
  readonly mtlsExits: Collection<MtlsExit>;
  /** IP addresses of the host names that proxies have for an address, by host name; absent where nobody looks them up. */
  readonly hostAddresses?: Pick<Collection<string>, 'get'>;
  /** One entry per proxy that has an admin listener over TCP with TLS; key `<mesh>/<name>`. */
  readonly adminIdentities: Collection<AdminIdentity>;
  /** Virtual addresses that were given to services known by their tag; not read in meshes whose `meshServices.mode` is Exclusive. */
  readonly serviceVips: Collection<ServiceVip>;
  readonly settings: EngineSettings;
}

/** Something wrong that did not stop the configuration: shown on the proxy. */
export interface ConfigWarning {
  readonly message: string;
  /** The policy or resource at fault, as `Type/mesh/name`, when known. */
  readonly resource?: string;
  /** The type of the policies at fault, when their merged rules could not be applied. */
  readonly policyType?: string;
  /** What of the proxy's configuration could not be built, when that is what is wrong. */
  readonly unbuilt?: string;
}

/** All Envoy resources of one proxy, each by name, and what went wrong on the way. */
export interface ProxyConfig {
  readonly resources: Readonly<Record<EnvoyType, ReadonlyMap<string, EnvoyResource>>>;
  readonly warnings: readonly ConfigWarning[];
}

/** What can be asked of an engine. Everything is derived on demand and kept only while somebody watches it. */
export interface Engine {
  /** Configuration of a proxy by its key. Undefined while the proxy's Dataplane or Mesh does not exist. */
  readonly config: Derivation<readonly [proxyKey: string], ProxyConfig | undefined>;
  /** Names of the listeners of its inbounds that insist on mTLS, known without building them. */
  readonly strictInbounds: Derivation<readonly [proxyKey: string], readonly string[]>;
  /**
   * Keys of the certificates that a proxy must have: its own key, or, for a zone egress, one for each mesh with services outside. Derived apart from
   * what the certificates say.
   */
  readonly identityKeys: Derivation<readonly [proxyKey: string], readonly string[]>;
  /** Meshes whose services outside zone egresses serve, each with an identity of its own; sorted. */
  readonly egressMeshes: Derivation<readonly [], readonly string[]>;
  /** What a certificate must say, by its key; undefined when nobody here issues it. */
  readonly identityRequest: Derivation<readonly [identityKey: string], IdentityRequest | undefined>;
  /** The merged rules of a Dataplane by policy type, for all types that apply to it; connected or not. */
  readonly rules: Derivation<readonly [proxyKey: string], ReadonlyMap<string, ProxyRules>>;
  /** The same for a MeshGateway, by its key: the rules of all its listeners together, whether a proxy serves it or not. */
  readonly gatewayRules: Derivation<readonly [key: string], ReadonlyMap<string, ProxyRules>>;
  /** The policies of one type that apply to a Dataplane, the weakest first; connected or not. Shadow policies are left out. */
  readonly matchedPolicies: Derivation<readonly [policyType: string, proxyKey: string], readonly PolicyHead[]>;
  /**
   * The Envoy resources of a proxy when these policies are left out and nothing else is held back; endpoints are not among them. It answers
   * which policies shape a resource: those without which its version is another.
   */
  readonly resourcesWithout: Derivation<readonly [proxyKey: string, without: LeftOut], ProxyConfig['resources']>;
  /** The policies that are held back from a proxy, because Envoy refused what they made or because nothing can be made of them. */
  readonly heldBack: Derivation<readonly [proxyKey: string], LeftOut>;
  /** Those of them of which nothing can be made, and why. */
  readonly unusable: Derivation<readonly [proxyKey: string], readonly UnusablePolicy[]>;
  /** What is wrong with a stored resource by today's rules, by `Type/mesh/name`; undefined where nothing is. */
  faultOf(key: string): string | undefined;
  /** Keys of the Dataplanes that a policy applies to, sorted. */
  readonly affectedDataplanes: Derivation<readonly [policyType: string, mesh: string, name: string], readonly string[]>;
  /** What will become of a request. Reads the derivations above; keeps nothing. */
  explain(question: Question): Explanation;
  /** What in a mesh will not do what its author wanted. */
  findings(mesh: string): readonly Finding[];
  /** Those about the proxies, destinations and clients that one policy refers to. */
  referenceFindings(policy: ResourceKey): readonly Finding[];
  /** Why a policy has no effect on the proxies that it applies to; nothing where it has some. */
  idleFindings(policy: ResourceKey): readonly Finding[];
  /** The collectors that a policy refers to, and which of them are not there. */
  readonly collectorRefs: CollectorRefLookup;
  /** Who sends nothing to a MeshOpenTelemetryBackend, or by a policy, because variables of its kuma-dp are not there. */
  readonly unsentTo: UnsentLookup;
}
