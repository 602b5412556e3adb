// MeshMultiZoneService: one service made of the MeshServices of all zones that match.
import { type Static, Type } from 'typebox';
import { defineType } from '../define-type.ts';
import { supportedProtocols } from '../protocols.ts';
import {
  closed,
  condition,
  generatedAddress,
  hostnameGeneratorStatus,
  labelSelector,
  optionalText,
} from '../schema/shapes.ts';
import { collectViolations, mustBeOneOf, requirePort } from '../violations.ts';
import { portsGivenTwice } from './given-twice.ts';
import { serviceNameWarnings } from './service-name.ts';

const meshMultiZoneServiceSpec = closed({
  selector: closed({ meshService: labelSelector }),
  ports: Type.Array(
    closed({
      name: optionalText,
      port: Type.Integer({ format: 'int32' }),
      appProtocol: Type.Optional(Type.String({ default: 'tcp' })),
    }),
  ),
});
/** Which MeshServices are one, and its ports. */
export type MeshMultiZoneServiceSpec = Static<typeof meshMultiZoneServiceSpec>;

const meshMultiZoneServiceStatus = closed({
  addresses: Type.Optional(Type.Array(generatedAddress)),
  vips: Type.Optional(Type.Array(closed({ ip: optionalText }))),
  meshServices: Type.Optional(
    Type.Array(closed({ name: Type.String(), namespace: Type.String(), zone: Type.String(), mesh: Type.String() })),
  ),
  hostnameGenerators: Type.Optional(Type.Array(hostnameGeneratorStatus)),
  conditions: Type.Optional(Type.Array(condition)),
});
/** Virtual addresses, host names, and what matched. */
export type MeshMultiZoneServiceStatus = Static<typeof meshMultiZoneServiceStatus>;

/** Resource type of services over several zones. */
export const meshMultiZoneService = defineType({
  name: 'MeshMultiZoneService',
  shortName: 'mzsvc',
  specForm: 'nested',
  spec: meshMultiZoneServiceSpec,
  status: meshMultiZoneServiceStatus,
  providedByZone: false,
  validate(spec: MeshMultiZoneServiceSpec) {
    const violations = collectViolations();
    if (Object.keys(spec.selector.meshService.matchLabels ?? {}).length === 0) {
      violations.add('spec.selector.meshService.matchLabels', 'cannot be empty');
    }
    if (spec.ports.length === 0) violations.add('spec.ports', 'cannot be empty');
    for (const [index, port] of spec.ports.entries()) {
      requirePort(violations, `spec.ports[${index}].port`, port.port);
      if (port.name === '') violations.add(`spec.ports[${index}].name`, 'must not be empty');
      if (!supportedProtocols.some((protocol) => protocol === port.appProtocol)) {
        violations.add(`spec.ports[${index}].appProtocol`, mustBeOneOf('appProtocol', supportedProtocols));
      }
    }
    return violations.all;
  },
  warn: ({ ports }: MeshMultiZoneServiceSpec, context) => [
    ...serviceNameWarnings('MeshMultiZoneService', ports, context),
    ...portsGivenTwice(ports),
  ],
});
