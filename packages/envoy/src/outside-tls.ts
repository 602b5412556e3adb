// TLS towards servers outside of the mesh: what is checked of them, and what is shown to them.
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type DataSourceSchema,
  type TransportSocket,
  TransportSocketSchema,
} from '../gen/envoy/config/core/v3/base_pb.ts';
import {
  type CertificateValidationContext,
  CertificateValidationContextSchema,
  type SubjectAltNameMatcher,
  SubjectAltNameMatcher_SanType,
  SubjectAltNameMatcherSchema,
  TlsParameters_TlsProtocol,
} from '../gen/envoy/extensions/transport_sockets/tls/v3/common_pb.ts';
import {
  type CommonTlsContext,
  CommonTlsContextSchema,
  UpstreamTlsContextSchema,
} from '../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts';
import { inlineText, pack } from './messages.ts';
import type { TlsLimits } from './tls.ts';

/** A certificate or key: PEM, or a file on the proxy's host. */
export type PemSource = { readonly pem: string } | { readonly file: string };

/** A name that a server's certificate may have, for a host or an IP address. */
export interface NameMatch {
  readonly kind: 'exact' | 'prefix';
  readonly value: string;
}

/** How to speak TLS with a server outside of the mesh. */
export interface OutsideTls {
  /** '' where the server is asked for by an IP address. */
  readonly serverName: string;
  readonly allowRenegotiation: boolean;
  /** Authorities that may have signed the server's certificate; undefined when it is not checked. */
  readonly trusted: PemSource | undefined;
  /** One of them must be in its certificate; empty when its names are not checked. Without authorities they are never checked. */
  readonly names: readonly NameMatch[];
  /** What the proxy shows of itself. */
  readonly client: { readonly certificate: PemSource; readonly key: PemSource } | undefined;
  readonly versions: Pick<TlsLimits, 'minimum' | 'maximum'>;
}

function sourceOf(source: PemSource): MessageInitShape<typeof DataSourceSchema> {
  return 'pem' in source ? inlineText(source.pem) : { specifier: { case: 'filename', value: source.file } };
}

function matchersOf(names: readonly NameMatch[]): SubjectAltNameMatcher[] {
  const matcher = (type: 'DNS' | 'IP_ADDRESS' | 'URI', { kind, value }: NameMatch): SubjectAltNameMatcher =>
    create(SubjectAltNameMatcherSchema, {
      sanType: SubjectAltNameMatcher_SanType[type],
      matcher: { matchPattern: { case: kind, value } },
    });
  const isUri = ({ value }: NameMatch): boolean => value.includes('://');
  const hosts = names.filter((name) => !isUri(name));
  return [
    ...hosts.map((name) => matcher('DNS', name)),
    ...hosts.map((name) => matcher('IP_ADDRESS', name)),
    ...names.filter(isUri).map((name) => matcher('URI', name)),
  ];
}

function validationOf({ trusted, names }: OutsideTls): CertificateValidationContext | undefined {
  if (trusted === undefined) return undefined;
  return create(CertificateValidationContextSchema, {
    trustedCa: sourceOf(trusted),
    matchTypedSubjectAltNames: matchersOf(names),
  });
}

/** Nothing when all is left to Envoy. */
function commonOf(tls: OutsideTls): CommonTlsContext | undefined {
  const { client, versions } = tls;
  const validation = validationOf(tls);
  const limited = versions.minimum !== undefined || versions.maximum !== undefined;
  if (client === undefined && validation === undefined && !limited) return undefined;
  // Left to itself, a client of Envoy's goes up to TLS 1.2 only.
  const maximum = versions.maximum ?? (versions.minimum === 'TLSv1_3' ? 'TLSv1_3' : undefined);
  return create(CommonTlsContextSchema, {
    ...(client === undefined
      ? {}
      : { tlsCertificates: [{ certificateChain: sourceOf(client.certificate), privateKey: sourceOf(client.key) }] }),
    ...(validation === undefined
      ? {}
      : { validationContextType: { case: 'validationContext' as const, value: validation } }),
    ...(limited
      ? {
          tlsParams: {
            tlsMinimumProtocolVersion: TlsParameters_TlsProtocol[versions.minimum ?? 'TLS_AUTO'],
            tlsMaximumProtocolVersion: TlsParameters_TlsProtocol[maximum ?? 'TLS_AUTO'],
          },
        }
      : {}),
  });
}

/** The transport socket. */
export function outsideTlsSocket(tls: OutsideTls): TransportSocket {
  const common = commonOf(tls);
  const context = create(UpstreamTlsContextSchema, {
    sni: tls.serverName,
    allowRenegotiation: tls.allowRenegotiation,
    ...(common === undefined ? {} : { commonTlsContext: common }),
  });
  return create(TransportSocketSchema, {
    name: 'envoy.transport_sockets.tls',
    configType: { case: 'typedConfig', value: pack(UpstreamTlsContextSchema, context) },
  });
}
