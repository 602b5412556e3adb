// MeshExternalService: a destination outside the mesh, with TLS settings of its own.
import { type Static, Type } from 'typebox';
import { isDnsName, isIp } from '../addresses.ts';
import { defineType } from '../define-type.ts';
import { pemProblem } from '../pem.ts';
import { closed, generatedAddress, hostnameGeneratorStatus, optionalText } from '../schema/shapes.ts';
import { checkTlsVersions, tlsVersions } from '../schema/tls-version.ts';
import { collectViolations, type ViolationList } from '../violations.ts';
import { requireNameLength, serviceNameWarnings } from './service-name.ts';

const port = Type.Integer({ minimum: 1, maximum: 65535 });

/** Where a certificate or key comes from, in the newer types. */
const source = closed({
  secret: optionalText,
  inline: Type.Optional(Type.String({ format: 'byte' })),
  inlineString: optionalText,
});

const verification = closed({
  mode: Type.Optional(Type.Enum(['SkipSAN', 'SkipCA', 'Secured', 'SkipAll'], { default: 'Secured' })),
  serverName: optionalText,
  subjectAltNames: Type.Optional(
    Type.Array(
      closed({ type: Type.Optional(Type.Enum(['Exact', 'Prefix'], { default: 'Exact' })), value: Type.String() }),
    ),
  ),
  caCert: Type.Optional(source),
  clientCert: Type.Optional(source),
  clientKey: Type.Optional(source),
});

const meshExternalServiceSpec = closed({
  match: closed({
    type: Type.Optional(Type.Enum(['HostnameGenerator'], { default: 'HostnameGenerator' })),
    port,
    protocol: Type.Optional(Type.Enum(['tcp', 'grpc', 'http', 'http2'], { default: 'tcp' })),
  }),
  extension: Type.Optional(closed({ type: optionalText, config: Type.Optional(Type.Unknown()) })),
  endpoints: Type.Optional(
    Type.Array(
      closed({
        address: Type.String({ minLength: 1 }),
        port: Type.Optional(port),
        priority: Type.Optional(Type.Integer({ minimum: 0 })),
      }),
    ),
  ),
  tls: Type.Optional(
    closed({
      enabled: Type.Optional(Type.Boolean({ default: false })),
      version: Type.Optional(tlsVersions),
      allowRenegotiation: Type.Optional(Type.Boolean({ default: false })),
      verification: Type.Optional(verification),
    }),
  ),
});
/** What matches, and where the traffic goes. */
export type MeshExternalServiceSpec = Static<typeof meshExternalServiceSpec>;

const meshExternalServiceStatus = closed({
  vip: Type.Optional(closed({ ip: optionalText })),
  addresses: Type.Optional(Type.Array(generatedAddress)),
  hostnameGenerators: Type.Optional(Type.Array(hostnameGeneratorStatus)),
});
/** Virtual address and host names. */
export type MeshExternalServiceStatus = Static<typeof meshExternalServiceStatus>;

/** Resource type of services outside the mesh. */
export const meshExternalService = defineType({
  name: 'MeshExternalService',
  shortName: 'extsvc',
  specForm: 'nested',
  spec: meshExternalServiceSpec,
  status: meshExternalServiceStatus,
  emptyStatus: { vip: {} },
  validate(spec: MeshExternalServiceSpec, context) {
    const violations = collectViolations();
    requireNameLength(violations, context);
    if (spec.extension === undefined) {
      checkEndpoints(spec, violations);
      checkTls(spec, violations);
    } else if (spec.extension.type === undefined || spec.extension.type === '') {
      violations.add('spec.extension.type', 'must not be empty');
    }
    return violations.all;
  },
  warn: (spec: MeshExternalServiceSpec, context) => [
    ...serviceNameWarnings('MeshExternalService', [spec.match], context),
    ...nearbyWarnings(spec),
    ...pemWarnings(spec),
    ...withoutEffect(spec),
  ],
});

/** What is written and does nothing. */
function withoutEffect({ tls }: MeshExternalServiceSpec): readonly string[] {
  const { mode, caCert, subjectAltNames } = tls?.verification ?? {};
  const isPlain = tls?.enabled !== true && (tls?.verification !== undefined || tls?.version !== undefined);
  const unchecked = mode === 'SkipAll' || mode === 'SkipCA';
  const ignored = [
    ...(unchecked && caCert !== undefined ? ['caCert'] : []),
    ...((unchecked || mode === 'SkipSAN') && subjectAltNames !== undefined ? ['subjectAltNames'] : []),
  ];
  return [
    ...(isPlain
      ? ['spec.tls: enabled is not true, so that nothing of it counts: servers are called in plain text']
      : []),
    ...ignored.map(
      (field) => `spec.tls.verification.${field}: it has no effect, as the mode ${mode} does not look at it`,
    ),
  ];
}

/** Addresses that mean another machine for every proxy: mostly a mistake, sometimes a way to credentials. */
function nearbyWarnings({ endpoints = [] }: MeshExternalServiceSpec): readonly string[] {
  return endpoints.flatMap(({ address }, index) => {
    const where = `spec.endpoints[${index}].address: ${address}`;
    if (/^(?:127\.|::1$|localhost\.?$)/i.test(address)) return [`${where} is the host of whichever proxy sends there`];
    if (/^(?:169\.254\.|fe[89ab][0-9a-f]:|metadata\.google\.internal\.?$)/i.test(address)) {
      return [
        `${where} is near whichever proxy sends there: at cloud providers it hands out credentials of the machine`,
      ];
    }
    return [];
  });
}

/** Certificates and keys that Envoy cannot read: the destination has no servers then. What stands in a Secret is not known here. */
function pemWarnings({ tls }: MeshExternalServiceSpec): readonly string[] {
  const { caCert, clientCert, clientKey } = tls?.verification ?? {};
  return Object.entries({ caCert, clientCert, clientKey }).flatMap(([field, source]) => {
    const form = source?.inlineString === undefined ? 'inline' : 'inlineString';
    const text = source?.inlineString ?? (source?.inline === undefined ? undefined : atob(source.inline));
    const problem =
      text === undefined ? undefined : pemProblem(text, field === 'clientKey' ? 'private key' : 'certificates');
    if (problem === undefined) return [];
    const encoded = form === 'inline' ? ', in base64' : '';
    return [`spec.tls.verification.${field}.${form} ${problem}${encoded}: proxies do not connect`];
  });
}

function checkEndpoints(spec: MeshExternalServiceSpec, violations: ViolationList): void {
  for (const [index, endpoint] of (spec.endpoints ?? []).entries()) {
    const field = `spec.endpoints[${index}]`;
    const isSocket = /^unix:\/\/(\/[^/\0]+)+\/?$/.test(endpoint.address);
    if (isIp(endpoint.address)) {
      if (endpoint.port === undefined) violations.add(`${field}.port`, 'must be defined when endpoint is an IP');
    } else if (isSocket) {
      if (endpoint.port !== undefined)
        violations.add(`${field}.port`, 'must not be defined when endpoint is a unix path');
    } else if (isDnsName(endpoint.address)) {
      if (endpoint.port === undefined) violations.add(`${field}.port`, 'must be defined when endpoint is a hostname');
    } else {
      violations.add(`${field}.address`, 'address has to be a valid IP or hostname or a unix path');
    }
  }
}

function checkTls(spec: MeshExternalServiceSpec, violations: ViolationList): void {
  checkTlsVersions(violations, 'spec.tls.version', spec.tls?.version);
  const { serverName, clientCert, clientKey } = spec.tls?.verification ?? {};
  const field = 'spec.tls.verification';
  if (serverName !== undefined && !isDnsName(serverName))
    violations.add(`${field}.serverName`, 'must be a valid DNS name');
  if (clientCert !== undefined && clientKey === undefined)
    violations.add(`${field}.clientKey`, 'must be defined when clientCert is defined');
  if (clientCert === undefined && clientKey !== undefined)
    violations.add(`${field}.clientCert`, 'must be defined when clientKey is defined');
}
