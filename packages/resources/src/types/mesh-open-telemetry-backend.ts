// MeshOpenTelemetryBackend: an OpenTelemetry collector that several policies can name.
import { type Static, Type } from 'typebox';
import { isDnsName, isIp } from '../addresses.ts';
import { defineType } from '../define-type.ts';
import { closed, condition, optionalText } from '../schema/shapes.ts';
import { collectViolations } from '../violations.ts';

const meshOpenTelemetryBackendSpec = closed({
  endpoint: Type.Optional(
    closed({ address: optionalText, port: Type.Optional(Type.Integer({ format: 'int32' })), path: optionalText }),
  ),
  protocol: Type.Optional(Type.Enum(['grpc', 'http'])),
  env: Type.Optional(
    closed({
      mode: Type.Optional(Type.Enum(['Disabled', 'Optional', 'Required'], { default: 'Optional' })),
      precedence: Type.Optional(Type.Enum(['ExplicitFirst', 'EnvFirst'], { default: 'EnvFirst' })),
      allowSignalOverrides: Type.Optional(Type.Boolean({ default: true })),
    }),
  ),
});
/** Where the collector is and how to speak to it. */
export type MeshOpenTelemetryBackendSpec = Static<typeof meshOpenTelemetryBackendSpec>;

/** Resource type of shared OpenTelemetry collectors. */
export const meshOpenTelemetryBackend = defineType({
  name: 'MeshOpenTelemetryBackend',
  shortName: 'motb',
  specForm: 'nested',
  spec: meshOpenTelemetryBackendSpec,
  status: closed({ conditions: Type.Optional(Type.Array(condition)) }),
  validate(spec: MeshOpenTelemetryBackendSpec) {
    const violations = collectViolations();
    const { address, port, path } = spec.endpoint ?? {};
    if (address === '') violations.add('spec.endpoint.address', 'must not be empty');
    else if (address !== undefined && !isIp(address) && !isDnsName(address)) {
      violations.add('spec.endpoint.address', 'address has to be a valid IP or hostname');
    }
    if (port !== undefined && (port < 1 || port > 65535))
      violations.add('spec.endpoint.port', 'port must be a valid (1-65535)');
    if (path !== undefined && path !== '') {
      if ((spec.protocol ?? 'grpc') === 'grpc')
        violations.add('spec.endpoint.path', 'must not be set when protocol is grpc');
      else {
        if (!path.startsWith('/')) violations.add('spec.endpoint.path', 'must start with /');
        if (/[?#]/.test(path)) violations.add('spec.endpoint.path', 'must not contain query or fragment');
      }
    }
    return violations.all;
  },
});
