// ExternalService (older form of MeshExternalService).
import { type Static, Type } from 'typebox';
import { isDnsName, isIp } from '../addresses.ts';
import { defineType } from '../define-type.ts';
import { closed, dataSource, optionalFlag, optionalTags, optionalText, wrappedFlag } from '../schema/shapes.ts';
import { checkTags } from '../tags.ts';
import { collectViolations, requirePort, type ViolationList } from '../violations.ts';

const source = Type.Optional(dataSource);

const externalServiceSpec = closed({
  networking: Type.Optional(
    closed({
      address: optionalText,
      tls: Type.Optional(
        closed({
          enabled: optionalFlag,
          caCert: source,
          clientCert: source,
          clientKey: source,
          allowRenegotiation: wrappedFlag,
          serverName: Type.Optional(Type.String({ 'x-keep-default': true })),
          skipHostnameVerification: wrappedFlag,
          subjectAltNames: Type.Optional(Type.Array(closed({ match: optionalText, matchType: optionalText }))),
        }),
      ),
      disableHostDNSResolution: optionalFlag,
    }),
  ),
  tags: optionalTags,
});
/** Address, TLS and tags of a service outside the mesh. */
export type ExternalServiceSpec = Static<typeof externalServiceSpec>;

/** Resource type of the older services outside the mesh. */
export const externalService = defineType({
  name: 'ExternalService',
  pathStyle: 'hyphenated',
  specForm: 'inline',
  spec: externalServiceSpec,
  providedByZone: false,
  validate({ networking, tags }: ExternalServiceSpec) {
    const violations = collectViolations();
    if (networking === undefined) violations.add('networking', 'should have networking');
    else {
      checkAddress(violations, networking.address ?? '');
      checkServerName(violations, networking.tls?.serverName);
    }
    checkTags(violations, 'tags', tags, { service: true });
    return violations.all;
  },
  warn: ({ networking }: ExternalServiceSpec) => {
    const { enabled, ...others } = networking?.tls ?? {};
    return enabled === true || Object.keys(others).length === 0
      ? []
      : ['networking.tls: enabled is not true, so that nothing of it counts: the server is called in plain text'];
  },
});

/** TLS has no room for a longer one, and ends at a NUL. */
const longestServerName = 255;

function checkServerName(violations: ViolationList, serverName: string | undefined): void {
  // An empty one says that no name is sent.
  if (serverName !== undefined && (serverName.length > longestServerName || serverName.includes('\0')))
    violations.add('networking.tls.serverName', `must be a server name of at most ${longestServerName} characters`);
}

/** `host:port`, an IPv6 host in brackets. */
function checkAddress(violations: ViolationList, address: string): void {
  const field = 'networking.address';
  if (address === '') {
    violations.add(field, "address can't be empty");
    return;
  }
  const parts = /^(?:\[([^\]]*)\]|([^:[\]]*)):([^:]*)$/.exec(address);
  const host = parts?.[1] ?? parts?.[2] ?? '';
  const port = parts?.[3] ?? '';
  if (parts === null) violations.add(field, 'unable to parse address');
  if (!isIp(host) && !isDnsName(host)) violations.add(field, 'address has to be a valid IP address or a domain name');
  const isNumber = /^\d{1,10}$/.test(port);
  if (!isNumber) violations.add(field, 'unable to parse port in address');
  requirePort(violations, field, isNumber ? Number(port) : undefined);
}
