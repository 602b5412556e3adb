// The `conf` of a Mesh's backends: its shape depends on the backend's type, so it is checked when the type is known.
import { type TSchema, Type } from 'typebox';
import { describeRegularExpressionError } from '../regular-expression.ts';
import { compileSchema, type SchemaCheck } from '../schema/compile-schema.ts';
import type { Findings } from '../schema/findings.ts';
import { joinField } from '../schema/findings.ts';
import {
  closed,
  dataSource,
  oneOf,
  optionalCount,
  optionalFlag,
  optionalTags,
  optionalText,
  wrappedCount,
  wrappedFlag,
} from '../schema/shapes.ts';
import type { ViolationList } from '../violations.ts';
import { acmConf, vaultConf } from './authority-conf.ts';

/** Conf of the backends that come with the product, by type. */
const confSchemas: Readonly<Record<string, TSchema>> = {
  // The peer's message says RSAbits; rsaBits is how its other fields are written.
  builtin: closed({
    caCert: Type.Optional(closed({ RSAbits: wrappedCount, rsaBits: wrappedCount, expiration: optionalText })),
  }),
  provided: closed({ cert: Type.Optional(dataSource), key: Type.Optional(dataSource) }),
  vault: vaultConf,
  acmpca: acmConf,
  file: closed({ path: optionalText }),
  tcp: closed({ address: optionalText }),
  zipkin: closed({
    url: optionalText,
    traceId128bit: optionalFlag,
    apiVersion: optionalText,
    sharedSpanContext: wrappedFlag,
  }),
  datadog: closed({ address: optionalText, port: optionalCount, splitService: optionalFlag }),
  prometheus: closed({
    port: optionalCount,
    path: optionalText,
    tags: optionalTags,
    skipMTLS: wrappedFlag,
    aggregate: Type.Optional(
      Type.Array(
        closed({
          name: optionalText,
          port: optionalCount,
          path: optionalText,
          enabled: wrappedFlag,
          address: optionalText,
        }),
      ),
    ),
    envoy: Type.Optional(closed({ filterRegex: optionalText, usedOnly: wrappedFlag })),
    tls: Type.Optional(closed({ mode: Type.Optional(oneOf('activeMTLSBackend', 'providedTLS', 'disabled')) })),
  }),
};

const checks = new Map<string, SchemaCheck>(
  Object.entries(confSchemas).map(([type, schema]) => [type, compileSchema(schema, 'proto')]),
);

/** Adds what is wrong with the shape of a backend's conf; a type that is not known is for the caller to refuse. */
export function checkBackendConf(
  violations: ViolationList,
  field: string,
  type: string | undefined,
  conf: unknown,
): void {
  const findings: Findings = [];
  checks.get(type ?? '')?.(conf ?? {}, findings);
  for (const finding of findings) violations.add(joinField(field, finding.field), finding.message);
  const { envoy } = (conf ?? {}) as { readonly envoy?: { readonly filterRegex?: unknown } };
  const error = typeof envoy?.filterRegex === 'string' ? describeRegularExpressionError(envoy.filterRegex) : undefined;
  if (error !== undefined) violations.add(`${field}.envoy.filterRegex`, error);
}
