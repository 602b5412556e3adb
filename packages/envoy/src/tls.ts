// TLS of the mesh: what a server asks of its clients and what a client expects of a server; the secrets both refer to.
import { create, toBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { type TransportSocket, TransportSocketSchema } from '../gen/envoy/config/core/v3/base_pb.ts';
import {
  ApiConfigSource_ApiType,
  ApiVersion,
  type ConfigSource,
  ConfigSourceSchema,
} from '../gen/envoy/config/core/v3/config_source_pb.ts';
import {
  CertificateValidationContextSchema,
  type SubjectAltNameMatcher,
  SubjectAltNameMatcher_SanType,
  SubjectAltNameMatcherSchema,
  TlsParameters_TlsProtocol,
  TlsParametersSchema,
} from '../gen/envoy/extensions/transport_sockets/tls/v3/common_pb.ts';
import {
  type SdsSecretConfig,
  SdsSecretConfigSchema,
  type Secret,
  SecretSchema,
} from '../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts';
import {
  CommonTlsContextSchema,
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from '../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts';
import { SPIFFECertValidatorConfigSchema } from '../gen/envoy/extensions/transport_sockets/tls/v3/tls_spiffe_validator_config_pb.ts';
import { aggregatedSource, durationOf, inlineText, pack } from './messages.ts';

/** Protocol by which proxies of one mesh recognise each other in the TLS handshake. */
export const meshAlpn = 'kuma';

/** Names of the secrets that a TLS context refers to. */
export interface TlsSecrets {
  readonly identity: string;
  readonly trust: string;
  /** Who has them, where it is not the control plane. */
  readonly agent?: SecretAgent;
}

/** An agent on the proxy's host that Envoy asks for secrets itself. */
export interface SecretAgent {
  /** Cluster that leads to it. */
  readonly cluster: string;
  /** How long a listener or cluster waits for its answer, in milliseconds; then it goes on without. */
  readonly timeout: number;
}

function secretByName(name: string, agent: SecretAgent | undefined): SdsSecretConfig {
  return create(SdsSecretConfigSchema, { name, sdsConfig: agent ? agentSource(agent) : aggregatedSource() });
}

function agentSource({ cluster, timeout }: SecretAgent): ConfigSource {
  return create(ConfigSourceSchema, {
    resourceApiVersion: ApiVersion.V3,
    initialFetchTimeout: durationOf(timeout),
    configSourceSpecifier: {
      case: 'apiConfigSource',
      value: {
        apiType: ApiConfigSource_ApiType.GRPC,
        transportApiVersion: ApiVersion.V3,
        grpcServices: [{ targetSpecifier: { case: 'envoyGrpc', value: { clusterName: cluster } } }],
      },
    },
  });
}

function sanMatcher(kind: 'exact' | 'prefix', value: string, type: 'URI' | 'DNS'): SubjectAltNameMatcher {
  return create(SubjectAltNameMatcherSchema, {
    sanType: SubjectAltNameMatcher_SanType[type],
    matcher: { matchPattern: { case: kind, value } },
  });
}

function socketOf(typedConfig: ReturnType<typeof pack>): TransportSocket {
  return create(TransportSocketSchema, {
    name: 'envoy.transport_sockets.tls',
    configType: { case: 'typedConfig', value: typedConfig },
  });
}

function meshContext(
  { identity, trust, agent }: TlsSecrets,
  sans: readonly SubjectAltNameMatcher[],
  alpnProtocols: readonly string[],
) {
  return create(CommonTlsContextSchema, {
    alpnProtocols: [...alpnProtocols],
    tlsCertificateSdsSecretConfigs: [secretByName(identity, agent)],
    validationContextType: {
      case: 'combinedValidationContext',
      value: {
        defaultValidationContext: { matchTypedSubjectAltNames: [...sans] },
        validationContextSdsSecretConfig: secretByName(trust, agent),
      },
    },
  });
}

/** Mutual TLS of a proxy: what it proves itself with, and whose workloads it takes. */
export interface MeshTls {
  readonly secrets: TlsSecrets;
  readonly trustDomains: readonly string[];
}

function workloadsOf(trustDomains: readonly string[]): SubjectAltNameMatcher[] {
  return trustDomains.map((domain) => sanMatcher('prefix', `spiffe://${domain}/`, 'URI'));
}

/** TLS of an inbound: any workload of the trust domains may connect, everyone else is refused in the handshake. */
export function meshServerTls({ trustDomains, secrets }: MeshTls): TransportSocket {
  const context = create(DownstreamTlsContextSchema, {
    requireClientCertificate: true,
    commonTlsContext: meshContext(secrets, workloadsOf(trustDomains), []),
  });
  return socketOf(pack(DownstreamTlsContextSchema, context));
}

/**
 * TLS towards a service of the mesh: the server must be one of the identities, or any workload of the trust domains while none is known.
 * `sni` tells zone proxies where to send it.
 */
export function meshClientTls(
  { trustDomains, secrets }: MeshTls,
  identities: readonly string[],
  sni: string,
): TransportSocket {
  const known = identities.toSorted().map((identity) => sanMatcher('exact', identity, 'URI'));
  const sans = known.length > 0 ? known : workloadsOf(trustDomains);
  const context = create(UpstreamTlsContextSchema, { sni, commonTlsContext: meshContext(secrets, sans, [meshAlpn]) });
  return socketOf(pack(UpstreamTlsContextSchema, context));
}

/** Versions and ciphers that a TLS context is held to. What is left out is Envoy's choice. */
export interface TlsLimits {
  readonly minimum?: keyof typeof TlsParameters_TlsProtocol;
  readonly maximum?: keyof typeof TlsParameters_TlsProtocol;
  readonly ciphers?: readonly string[];
}

/** Holds the TLS of a listener or cluster to limits. A transport socket that is not TLS stays as it is. */
export function limitTls(socket: TransportSocket | undefined, { minimum, maximum, ciphers = [] }: TlsLimits): void {
  const packed = socket?.configType.case === 'typedConfig' ? socket.configType.value : undefined;
  if (packed === undefined) return;
  for (const schema of [DownstreamTlsContextSchema, UpstreamTlsContextSchema]) {
    const context = anyUnpack(packed, schema);
    if (context === undefined) continue;
    context.commonTlsContext ??= create(CommonTlsContextSchema);
    context.commonTlsContext.tlsParams = create(TlsParametersSchema, {
      tlsMinimumProtocolVersion: TlsParameters_TlsProtocol[minimum ?? 'TLS_AUTO'],
      tlsMaximumProtocolVersion: TlsParameters_TlsProtocol[maximum ?? 'TLS_AUTO'],
      cipherSuites: [...ciphers],
    });
    packed.value = toBinary(schema, context);
  }
}

/** TLS towards a server outside of the mesh. It encrypts; nothing says which authorities to trust, so the certificate is not checked. */
export function unverifiedTls(serverName: string): TransportSocket {
  const context = create(UpstreamTlsContextSchema, { sni: serverName, commonTlsContext: {} });
  return socketOf(pack(UpstreamTlsContextSchema, context));
}

/** TLS of a server whose certificate lies in files on the proxy's host; clients need none. */
export function fileServerTls(certificate: string, key: string): TransportSocket {
  const file = (filename: string) => ({ specifier: { case: 'filename' as const, value: filename } });
  const context = create(DownstreamTlsContextSchema, {
    commonTlsContext: { tlsCertificates: [{ certificateChain: file(certificate), privateKey: file(key) }] },
  });
  return socketOf(pack(DownstreamTlsContextSchema, context));
}

/** TLS of the admin listener, PEM: only the control plane gets in. */
export function adminServerTls(certificateChain: string, privateKey: string, clientCa: string): TransportSocket {
  const context = create(DownstreamTlsContextSchema, {
    requireClientCertificate: true,
    commonTlsContext: {
      tlsCertificates: [{ certificateChain: inlineText(certificateChain), privateKey: inlineText(privateKey) }],
      validationContextType: {
        case: 'validationContext',
        value: create(CertificateValidationContextSchema, {
          trustedCa: inlineText(clientCa),
          matchTypedSubjectAltNames: [sanMatcher('exact', 'kuma-cp', 'DNS')],
        }),
      },
    },
  });
  return socketOf(pack(DownstreamTlsContextSchema, context));
}

/** A certificate with its key, PEM, as a secret. */
export function identitySecret(name: string, certificateChain: string, privateKey: string): Secret {
  const value = { certificateChain: inlineText(certificateChain), privateKey: inlineText(privateKey) };
  return create(SecretSchema, { name, type: { case: 'tlsCertificate', value } });
}

/** A bundle of CA certificates, PEM, as a secret. */
export function trustSecret(name: string, certificates: string): Secret {
  return create(SecretSchema, {
    name,
    type: { case: 'validationContext', value: { trustedCa: inlineText(certificates) } },
  });
}

/** A trust domain and the CA certificates by which its workloads are recognized, PEM. */
export interface TrustDomain {
  readonly name: string;
  readonly certificates: string;
}

/** CA certificates by trust domain as a secret: each vouches for workloads of its own domain and for no others. */
export function trustDomainsSecret(name: string, domains: readonly TrustDomain[]): Secret {
  const config = create(SPIFFECertValidatorConfigSchema, {
    trustDomains: domains.map((domain) => ({ name: domain.name, trustBundle: inlineText(domain.certificates) })),
  });
  const customValidatorConfig = {
    name: 'envoy.tls.cert_validator.spiffe',
    typedConfig: pack(SPIFFECertValidatorConfigSchema, config),
  };
  return create(SecretSchema, { name, type: { case: 'validationContext', value: { customValidatorConfig } } });
}
