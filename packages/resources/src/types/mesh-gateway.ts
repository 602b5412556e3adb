// MeshGateway: the listeners of built-in gateway proxies.
import { type Static, Type } from 'typebox';
import { defineType } from '../define-type.ts';
import { tagNames } from '../label-names.ts';
import {
  closed,
  dataSource,
  oneOf,
  optionalCount,
  optionalFlag,
  optionalTags,
  optionalText,
  tagSelector,
} from '../schema/shapes.ts';
import { checkSelectors, checkTags } from '../tags.ts';
import { collectViolations, requirePort, type ViolationList } from '../violations.ts';

const listener = closed({
  hostname: optionalText,
  port: optionalCount,
  protocol: Type.Optional(oneOf('NONE', 'TCP', 'TLS', 'HTTP', 'HTTPS')),
  tls: Type.Optional(
    closed({
      mode: Type.Optional(oneOf('NONE', 'TERMINATE', 'PASSTHROUGH')),
      certificates: Type.Optional(Type.Array(dataSource)),
      options: Type.Optional(closed({})),
    }),
  ),
  tags: optionalTags,
  crossMesh: optionalFlag,
  resources: Type.Optional(closed({ connectionLimit: optionalCount })),
});
/** One listener of a gateway. */
export type GatewayListener = Static<typeof listener>;

const meshGatewaySpec = closed({
  selectors: Type.Optional(Type.Array(tagSelector)),
  tags: optionalTags,
  conf: Type.Optional(closed({ listeners: Type.Optional(Type.Array(listener)) })),
});
/** Which proxies are the gateway, and what they listen on. */
export type MeshGatewaySpec = Static<typeof meshGatewaySpec>;

/** Resource type of built-in gateways. */
export const meshGateway = defineType({
  name: 'MeshGateway',
  shortName: 'mgw',
  specForm: 'inline',
  spec: meshGatewaySpec,
  idle: {
    when: 'not-yet',
    advice: 'run a gateway of your own behind a proxy whose Dataplane has networking.gateway.type: DELEGATED',
  },
  validate(spec: MeshGatewaySpec) {
    const violations = collectViolations();
    checkSelectors(violations, 'selectors', spec.selectors, { atLeastOne: true, service: true });
    checkTags(violations, 'tags', spec.tags, { freeValues: true });
    if (spec.tags?.[tagNames.service] !== undefined) {
      violations.addKey('tags', tagNames.service, `tag name must not be "${tagNames.service}"`);
    }
    if (spec.conf === undefined) violations.add('conf', 'cannot be empty');
    else if ((spec.conf.listeners ?? []).length === 0) violations.add('conf.listeners', 'cannot be empty');
    for (const [index, checked] of (spec.conf?.listeners ?? []).entries()) {
      checkListener(violations, `conf.listeners[${index}]`, checked);
    }
    checkConflicts(violations, spec.conf?.listeners ?? []);
    return violations.all;
  },
});

function checkListener(violations: ViolationList, field: string, { port, protocol, tls, tags }: GatewayListener): void {
  requirePort(violations, `${field}.port`, port);
  if (protocol === undefined) violations.add(`${field}.protocol`, 'cannot be empty');
  const secure = protocol === 'HTTPS' || protocol === 'TLS';
  if (secure && tls === undefined) violations.add(`${field}.tls`, 'cannot be empty');
  if (secure && tls !== undefined) {
    if (tls.mode === undefined) violations.add(`${field}.tls.mode`, 'cannot be empty');
    if (tls.mode === 'TERMINATE' && (tls.certificates ?? []).length === 0)
      violations.add(`${field}.tls.certificates`, 'cannot be empty');
    if (tls.mode === 'PASSTHROUGH' && protocol === 'HTTPS')
      violations.add(`${field}.tls.mode`, 'mode is not supported on HTTPS listeners');
  }
  checkTags(violations, `${field}.tags`, tags, { freeValues: true });
}

/** Listeners of one port must speak one protocol and differ in their host names. */
function checkConflicts(violations: ViolationList, listeners: readonly GatewayListener[]): void {
  for (const [index, mine] of listeners.entries()) {
    const others = listeners.filter((other, otherIndex) => otherIndex !== index && other.port === mine.port);
    if (others.some((other) => other.protocol !== mine.protocol)) {
      violations.add(`conf.listeners[${index}]`, 'protocol conflicts with other listeners on this port');
    }
    if (others.some((other) => (other.hostname ?? '*') === (mine.hostname ?? '*'))) {
      violations.add(`conf.listeners[${index}]`, 'multiple listeners for hostname on this port');
    }
  }
}
