// The proxy's token and the authority that verifies the control plane, as files that Envoy reads again when they change (SDS from files), in
// place of what the bootstrap says for good. With it goes Envoy's own gRPC client, which knows several addresses.
import { parse, stringify } from 'yaml';

/** Files in Envoy's form, by what they hold; undefined for what stays as the bootstrap says. */
export interface SecretFiles {
  readonly token: string | undefined;
  readonly authority: string | undefined;
}

interface Bootstrap {
  readonly dynamicResources?: { readonly adsConfig?: GrpcSource };
  readonly hdsConfig?: GrpcSource;
  readonly staticResources?: { readonly clusters?: readonly Cluster[]; secrets?: readonly Secret[] };
}

interface GrpcSource {
  readonly grpcServices?: readonly GrpcService[];
}

interface GrpcService {
  readonly envoyGrpc?: { readonly clusterName?: string };
  initialMetadata?: readonly { readonly key?: string }[];
}

interface Cluster {
  readonly name?: string;
  readonly transportSocket?: {
    readonly typedConfig?: {
      readonly commonTlsContext?: {
        readonly validationContextSdsSecretConfig?: { readonly name?: string; sdsConfig?: object };
      };
    };
  };
  typedExtensionProtocolOptions?: Record<string, { httpFilters?: readonly object[] }>;
}

interface Secret {
  readonly name?: string;
  readonly validationContext?: { readonly trustedCa?: object };
}

const tokenSecret = 'cp_token';
const authoritySecret = 'cp_validation_ctx';
const httpOptions = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const type = (name: string): string => `type.googleapis.com/${name}`;

/** What a bootstrap says of the control plane's verification, beside the authority itself. */
export type VerificationContext = Readonly<Record<string, unknown>>;

/** A bootstrap whose secrets are in files. */
export interface ReloadableBootstrap {
  readonly yaml: string;
  /** Undefined where the bootstrap has no such context. */
  readonly verification: VerificationContext | undefined;
}

/** Puts references to the files into a bootstrap. One that reaches the control plane by Google's client stays as it is: that reads the token itself. */
export function withSecretFiles(yaml: string, files: SecretFiles): ReloadableBootstrap {
  const bootstrap: Bootstrap | null = parse(yaml);
  const services = [bootstrap?.dynamicResources?.adsConfig, bootstrap?.hdsConfig].flatMap(
    (source) => source?.grpcServices ?? [],
  );
  const own = services.filter(({ envoyGrpc }) => envoyGrpc !== undefined);
  const names = new Set(own.map(({ envoyGrpc }) => envoyGrpc?.clusterName));
  const clusters = (bootstrap?.staticResources?.clusters ?? []).filter(({ name }) => names.has(name));
  const context = bootstrap?.staticResources?.secrets?.find(({ name }) => name === authoritySecret)?.validationContext;
  if (bootstrap === null || clusters.length === 0) return { yaml, verification: undefined };
  if (files.token !== undefined) {
    for (const service of own) {
      service.initialMetadata = (service.initialMetadata ?? []).filter(({ key }) => key !== 'authorization');
    }
    for (const cluster of clusters) injectToken(cluster, files.token);
  }
  if (files.authority !== undefined && context !== undefined) {
    for (const { transportSocket } of clusters) {
      const reference = transportSocket?.typedConfig?.commonTlsContext?.validationContextSdsSecretConfig;
      if (reference?.name === authoritySecret) reference.sdsConfig = fileSource(files.authority);
    }
  }
  return { yaml: stringify(bootstrap, { lineWidth: 0, aliasDuplicateObjects: false }), verification: context };
}

/** The file that holds a token, in Envoy's form. */
export function tokenFile(token: string): string {
  return secretFile({ name: tokenSecret, genericSecret: { secret: { inlineString: token } } });
}

/** The file that holds the authority, PEM, in Envoy's form. */
export function authorityFile(verification: VerificationContext, pem: string): string {
  const trustedCa = { inlineBytes: Buffer.from(pem).toString('base64') };
  return secretFile({ name: authoritySecret, validationContext: { ...verification, trustedCa } });
}

function secretFile(secret: object): string {
  const resource = { '@type': type('envoy.extensions.transport_sockets.tls.v3.Secret'), ...secret };
  return JSON.stringify({ resources: [resource] });
}

function fileSource(path: string): object {
  return { resourceApiVersion: 'V3', pathConfigSource: { path } };
}

/** Every request to the cluster gets the token as it is when the request is made. */
function injectToken(cluster: Cluster, path: string): void {
  const injector = {
    name: 'envoy.filters.http.credential_injector',
    typedConfig: {
      '@type': type('envoy.extensions.filters.http.credential_injector.v3.CredentialInjector'),
      overwrite: true,
      credential: {
        name: 'envoy.http.injected_credentials.generic',
        typedConfig: {
          '@type': type('envoy.extensions.http.injected_credentials.generic.v3.Generic'),
          credential: { name: tokenSecret, sdsConfig: fileSource(path) },
          header: 'authorization',
        },
      },
    },
  };
  const codec = {
    name: 'envoy.filters.http.upstream_codec',
    typedConfig: { '@type': type('envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec') },
  };
  const options = cluster.typedExtensionProtocolOptions?.[httpOptions];
  if (options !== undefined) options.httpFilters = [injector, codec];
}
