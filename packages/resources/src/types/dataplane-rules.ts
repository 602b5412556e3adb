// What a Dataplane's schema cannot say: ports, addresses, tags, and how they fit together.
import { isIp } from '../addresses.ts';
import type { Violation } from '../error.ts';
import { tagNames } from '../label-names.ts';
import { parseProtocol, supportedProtocols } from '../protocols.ts';
import { nameProblem } from '../resource-names.ts';
import { checkTags } from '../tags.ts';
import {
  allowedValues,
  allowPort,
  collectViolations,
  requireAddress,
  requirePort,
  type ViolationList,
} from '../violations.ts';
import type { DataplaneInbound, DataplaneOutbound, DataplaneSpec } from './dataplane.ts';
import { givenTwice } from './given-twice.ts';

type Networking = NonNullable<DataplaneSpec['networking']>;

const loopback = '127.0.0.1';
/** They are in the server name by which the proxy asks, for which TLS has room for 255 characters, with the mesh. */
const mostOfTags = 180;
const backendKinds = ['MeshExternalService', 'MeshMultiZoneService', 'MeshService'];
const wrongBackendKind = `invalid value. Available values are: ${backendKinds.join(',')}`;

/** All violations of a Dataplane, in the order of its fields. */
export function validateDataplane(spec: DataplaneSpec): readonly Violation[] {
  const violations = collectViolations();
  const { networking } = spec;
  if (networking === undefined) {
    violations.add('networking', 'must be defined');
    return violations.all;
  }
  checkAdmin(violations, networking);
  checkKind(violations, spec, networking);
  checkAddress(violations, networking.address);
  const { advertisedAddress, transparentProxying: redirect } = networking;
  if (advertisedAddress !== undefined) requireAddress(violations, 'networking.advertisedAddress', advertisedAddress);
  for (const field of ['redirectPortInbound', 'redirectPortOutbound'] as const)
    allowPort(violations, `networking.transparentProxying.${field}`, redirect?.[field]);
  // Envoy listens at each of them, and at no address twice.
  const { redirectPortInbound = 0, redirectPortOutbound = 0 } = redirect ?? {};
  if (redirectPortInbound !== 0 && redirectPortInbound === redirectPortOutbound)
    violations.add('networking.transparentProxying.redirectPortOutbound', 'must differ from redirectPortInbound');
  for (const [index, inbound] of (networking.inbound ?? []).entries())
    checkInbound(violations, `networking.inbound[${index}]`, inbound, networking);
  for (const [index, outbound] of (networking.outbound ?? []).entries())
    checkOutbound(violations, `networking.outbound[${index}]`, outbound);
  for (const [index, listener] of (networking.listeners ?? []).entries()) {
    requirePort(violations, `networking.listeners[${index}].port`, listener.port);
  }
  checkReachableBackends(violations, networking);
  if (networking.gateway?.type !== 'BUILTIN') checkProbes(violations, spec);
  if (networking.gateway === undefined && spec.metrics !== undefined && spec.metrics.type !== 'prometheus') {
    violations.add('metrics.type', 'unknown backend type. Available backends: "prometheus"');
  }
  return violations.all;
}

/** What is taken though it cannot all be served. */
export function warnOfDataplane({ networking = {} }: DataplaneSpec): readonly string[] {
  const { address, inbound = [], outbound = [] } = networking;
  const consequence = 'only the last of them is served';
  return [
    ...givenTwice('networking.inbound', inbound, (one) => `${one.address ?? address}:${one.port}`, consequence),
    ...givenTwice('networking.outbound', outbound, (one) => `${one.address ?? loopback}:${one.port}`, consequence),
  ];
}

/** A proxy has inbounds, or listeners, or is a gateway of one kind. */
function checkKind(violations: ViolationList, spec: DataplaneSpec, networking: Networking): void {
  const { gateway, inbound = [], outbound = [], listeners = [] } = networking;
  if (gateway === undefined) {
    if (inbound.length + listeners.length === 0) {
      violations.add('networking', 'has to contain at least one inbound interface or gateway');
    }
    return;
  }
  const builtin = gateway.type === 'BUILTIN';
  if (inbound.length > 0) {
    violations.add('networking.inbound', `inbound cannot be defined for ${builtin ? 'builtin' : 'delegated'} gateways`);
  }
  if (builtin && outbound.length > 0)
    violations.add('networking.outbound', 'outbound cannot be defined for builtin gateways');
  if (builtin && spec.probes !== undefined)
    violations.add('networking.probes', 'probes cannot be defined for builtin gateways');
  if (gateway.tags === undefined) return;
  checkTags(violations, 'networking.gateway.tags', gateway.tags, { service: true });
  const protocol = gateway.tags[tagNames.protocol];
  if (protocol !== undefined && protocol !== 'tcp') {
    violations.addKey(
      'networking.gateway.tags',
      tagNames.protocol,
      `other values than tcp are not allowed, provided value "${protocol}"`,
    );
  }
}

function checkAddress(violations: ViolationList, address: string | undefined): void {
  const field = 'networking.address';
  if (address === undefined || address === '') violations.add(field, "address can't be empty");
  else if (address === '0.0.0.0' || address === '::') violations.add(field, 'must not be 0.0.0.0 or ::');
  else requireAddress(violations, field, address);
}

/** Envoy's admin listens on loopback: no port there may be taken twice. */
function checkAdmin(violations: ViolationList, { admin, address, inbound = [], outbound = [] }: Networking): void {
  if (admin?.port === undefined) return;
  const field = 'networking.admin.port';
  allowPort(violations, field, admin.port);
  const taken = inbound.some(
    (one) =>
      ((one.address ?? address) === loopback && one.port === admin.port) ||
      ((one.serviceAddress ?? loopback) === loopback && (one.servicePort ?? one.port) === admin.port),
  );
  if (taken) violations.add(field, 'must differ from inbound');
  if (outbound.some((one) => (one.address ?? loopback) === loopback && one.port === admin.port)) {
    violations.add(field, 'must differ from outbound');
  }
}

function checkInbound(
  violations: ViolationList,
  field: string,
  inbound: DataplaneInbound,
  networking: Networking,
): void {
  requirePort(violations, `${field}.port`, inbound.port);
  if (inbound.servicePort !== undefined) requirePort(violations, `${field}.servicePort`, inbound.servicePort);
  const sendsToItself = inbound.servicePort === undefined || inbound.servicePort === inbound.port;
  const { serviceAddress, address } = inbound;
  if (serviceAddress !== undefined && !isIp(serviceAddress)) {
    violations.add(`${field}.serviceAddress`, 'serviceAddress has to be valid IP address');
  }
  if (address !== undefined && !isIp(address)) violations.add(`${field}.address`, 'address has to be valid IP address');
  if (
    serviceAddress !== undefined &&
    sendsToItself &&
    (serviceAddress === networking.address || serviceAddress === address)
  ) {
    violations.add(`${field}.serviceAddress`, 'serviceAddress and servicePort has to differ from address and port');
  }
  checkInboundTags(violations, `${field}.tags`, inbound.tags);
  checkServiceProbe(violations, `${field}.serviceProbe`, inbound);
}

function checkInboundTags(violations: ViolationList, field: string, tags: DataplaneInbound['tags']): void {
  if (tags === undefined) return;
  const protocol = tags[tagNames.protocol];
  if (protocol !== undefined && parseProtocol(protocol) === undefined) {
    const allowed = allowedValues(supportedProtocols);
    violations.addKey(
      field,
      tagNames.protocol,
      `tag "${tagNames.protocol}" has an invalid value "${protocol}". ${allowed}`,
    );
  }
  checkTags(violations, field, tags);
  if (tags[tagNames.service] === undefined) violations.addKey(field, tagNames.service, 'tag has to exist');
}

function checkServiceProbe(violations: ViolationList, field: string, { serviceProbe }: DataplaneInbound): void {
  if (serviceProbe === undefined) return;
  const positive = (name: string, zero: boolean): void => {
    if (zero) violations.add(`${field}.${name}`, 'must have a positive value');
  };
  positive('interval', serviceProbe.interval === '0s');
  positive('timeout', serviceProbe.timeout === '0s');
  positive('unhealthyThreshold', serviceProbe.unhealthyThreshold === 0);
  positive('healthyThreshold', serviceProbe.healthyThreshold === 0);
}

function checkOutbound(
  violations: ViolationList,
  field: string,
  { port, address, backendRef, tags }: DataplaneOutbound,
): void {
  requirePort(violations, `${field}.port`, port);
  if (address !== undefined && !isIp(address)) violations.add(`${field}.address`, 'address has to be valid IP address');
  if (backendRef === undefined) {
    if (tags === undefined) violations.add(`${field}.tags`, `mandatory tag "${tagNames.service}" is missing`);
    else {
      checkTags(violations, `${field}.tags`, tags, { service: true });
      const size = Object.entries(tags).reduce((sum, [key, value]) => sum + key.length + value.length, 0);
      if (size > mostOfTags) violations.add(`${field}.tags`, `must have at most ${mostOfTags} characters together`);
    }
    return;
  }
  if (!backendKinds.includes(backendRef.kind ?? '')) violations.add(`${field}.backendRef.kind`, wrongBackendKind);
  if (backendRef.name === undefined && backendRef.labels === undefined) {
    violations.add(`${field}.backendRef`, "either 'name' or 'labels' should be specified");
  }
  // An external service says its port itself.
  if (backendRef.kind !== 'MeshExternalService') requirePort(violations, `${field}.backendRef.port`, backendRef.port);
  if (tags !== undefined) violations.add(`${field}.backendRef`, 'both backendRef and tags/service cannot be defined');
}

function checkReachableBackends(violations: ViolationList, { transparentProxying }: Networking): void {
  for (const [index, ref] of (transparentProxying?.reachableBackends?.refs ?? []).entries()) {
    // The peers leave out a letter here, and clients compare the field.
    const field = `networking.transparentProxing.reachableBackends.refs[${index}]`;
    if (!backendKinds.includes(ref.kind ?? '')) violations.add(`${field}.kind`, wrongBackendKind);
    const problem = ref.name === undefined ? undefined : nameProblem(ref.name);
    if (problem !== undefined) violations.add(`${field}.name`, problem);
    if (ref.name === undefined && ref.namespace !== undefined)
      violations.add(`${field}.name`, 'name is required, when namespace is defined');
    if (ref.name === undefined && ref.namespace === undefined && ref.labels === undefined) {
      violations.add(`${field}.name`, 'name or labels are required');
    }
    if ((ref.name ?? ref.namespace) !== undefined && ref.labels !== undefined) {
      violations.add(`${field}.labels`, 'labels cannot be defined when name is specified');
    }
  }
}

function checkProbes(violations: ViolationList, { probes }: DataplaneSpec): void {
  if (probes === undefined) return;
  requirePort(violations, 'probes.port', probes.port);
  for (const [index, endpoint] of (probes.endpoints ?? []).entries()) {
    const field = `probes.endpoints[${index}]`;
    requirePort(violations, `${field}.inboundPort`, endpoint.inboundPort);
    for (const name of ['inboundPath', 'path'] as const) {
      if (!/^\/\S*$/.test(endpoint[name] ?? '')) violations.add(`${field}.${name}`, 'should be a valid URL Path');
    }
  }
}
