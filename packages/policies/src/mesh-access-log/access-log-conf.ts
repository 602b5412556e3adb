// What a MeshAccessLog can say.
import { closed, oneOf } from '@ursa/resources';
import { type Static, Type } from 'typebox';
import { backendResourceRef } from '../conf/open-telemetry.ts';

const keyValue = closed({ key: Type.String(), value: Type.String() });

const format = closed({
  type: oneOf('Plain', 'Json'),
  plain: Type.Optional(Type.String()),
  json: Type.Optional(Type.Array(keyValue)),
  omitEmptyValues: Type.Optional(Type.Boolean({ default: false })),
});

const openTelemetry = closed({
  endpoint: Type.Optional(Type.String()),
  backendRef: Type.Optional(backendResourceRef),
  attributes: Type.Optional(Type.Array(closed({ key: Type.String({ minLength: 1 }), value: Type.String() }))),
  body: Type.Optional(Type.Unknown({ description: 'Text, or an OTLP value.' })),
});

const backend = closed({
  type: oneOf('Tcp', 'File', 'OpenTelemetry'),
  tcp: Type.Optional(closed({ address: Type.String({ minLength: 1 }), format: Type.Optional(format) })),
  file: Type.Optional(closed({ path: Type.String({ minLength: 1 }), format: Type.Optional(format) })),
  openTelemetry: Type.Optional(openTelemetry),
});

/** Conf of the policy. */
export const accessLogConf = closed({ backends: Type.Optional(Type.Array(backend)) });

export type AccessLogConf = Static<typeof accessLogConf>;
export type Backend = Static<typeof backend>;
export type Format = Static<typeof format>;
export type OpenTelemetryBackend = Static<typeof openTelemetry>;
