// What a MeshTrace can say.
import { closed, intOrString, oneOf } from '@ursa/resources';
import { type Static, Type } from 'typebox';
import { backendResourceRef } from '../conf/open-telemetry.ts';

const zipkin = closed({
  url: Type.String(),
  traceId128bit: Type.Optional(Type.Boolean({ default: false })),
  apiVersion: Type.Optional(
    Type.Unsafe<'httpJson' | 'httpProto'>({ enum: ['httpJson', 'httpProto'], default: 'httpJson' }),
  ),
  sharedSpanContext: Type.Optional(Type.Boolean({ default: true })),
});

const datadog = closed({ url: Type.String(), splitService: Type.Optional(Type.Boolean({ default: false })) });

const backend = closed({
  type: oneOf('Zipkin', 'Datadog', 'OpenTelemetry'),
  zipkin: Type.Optional(zipkin),
  datadog: Type.Optional(datadog),
  openTelemetry: Type.Optional(
    closed({ endpoint: Type.Optional(Type.String()), backendRef: Type.Optional(backendResourceRef) }),
  ),
});

const tag = closed({
  name: Type.String(),
  literal: Type.Optional(Type.String()),
  header: Type.Optional(closed({ name: Type.String(), default: Type.Optional(Type.String()) })),
});

/** Conf of the policy. */
export const traceConf = closed({
  backends: Type.Optional(Type.Array(backend, { maxItems: 1 })),
  sampling: Type.Optional(
    closed({
      overall: Type.Optional(intOrString()),
      client: Type.Optional(intOrString()),
      random: Type.Optional(intOrString()),
    }),
  ),
  tags: Type.Optional(Type.Array(tag)),
});

export type TraceConf = Static<typeof traceConf>;
export type TraceBackend = Static<typeof backend>;
export type TraceTag = Static<typeof tag>;
