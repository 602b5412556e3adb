// MeshTrace: where proxies send the traces of requests, how many of them, and with which tags.
import { defineProxyPolicy, parseDecimal, type Report } from '@ursa/policy';
import { closed, intOrString, oneOf } from '@ursa/resources';
import { type Static, Type } from 'typebox';
import { backendResourceRef, checkCollector, collectorStatus, warnAboutEndpoints } from '../conf/open-telemetry.ts';

const backend = closed({
  type: oneOf('Zipkin', 'Datadog', 'OpenTelemetry'),
  zipkin: Type.Optional(
    closed({
      url: Type.String(),
      traceId128bit: Type.Optional(Type.Boolean({ default: false })),
      apiVersion: Type.Optional(
        Type.Unsafe<'httpJson' | 'httpProto'>({ enum: ['httpJson', 'httpProto'], default: 'httpJson' }),
      ),
      sharedSpanContext: Type.Optional(Type.Boolean({ default: true })),
    }),
  ),
  datadog: Type.Optional(closed({ url: Type.String(), splitService: Type.Optional(Type.Boolean({ default: false })) })),
  openTelemetry: Type.Optional(
    closed({ endpoint: Type.Optional(Type.String()), backendRef: Type.Optional(backendResourceRef) }),
  ),
});

const tag = closed({
  name: Type.String(),
  literal: Type.Optional(Type.String()),
  header: Type.Optional(closed({ name: Type.String(), default: Type.Optional(Type.String()) })),
});

const conf = closed({
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

type Conf = Static<typeof conf>;

/** The policy. Its effect on proxies comes later. */
export const meshTrace = defineProxyPolicy({
  name: 'MeshTrace',
  shortName: 'mtr',
  summary: 'Sends traces of requests to a collector.',
  targetRef: ['Mesh', 'Dataplane', 'MeshSubset', 'MeshGateway', 'MeshService', 'MeshServiceSubset'],
  conf,
  status: collectorStatus,
  checkConf: checkTrace,
  warn: (spec: { readonly default?: Conf }) => warnAboutEndpoints(spec.default?.backends ?? []),
});

function checkTrace({ backends, sampling = {}, tags = [] }: Conf, report: Report): void {
  if (backends === undefined) report.add('backends', 'must be defined');
  for (const [index, item] of (backends ?? []).entries()) checkBackend(item, report.at(`backends[${index}]`));
  for (const [index, { name, literal, header }] of tags.entries()) {
    if (name === '') report.add(`tags[${index}].name`, 'must not be empty');
    if ((literal === undefined) === (header === undefined)) {
      report.add(`tags[${index}]`, 'tag must have only one type defined: header, literal');
    }
  }
  for (const [field, percentage] of Object.entries(sampling)) {
    const value = parseDecimal(percentage);
    if (value === undefined) report.add(`sampling.${field}`, 'string is not a number');
    else if (value < 0 || value > 100) report.add(`sampling.${field}`, 'must be between 0 and 100');
  }
}

function checkBackend({ type, zipkin, datadog, openTelemetry }: Static<typeof backend>, report: Report): void {
  if (type === 'Zipkin') {
    if (zipkin === undefined) report.add('zipkin', 'must be defined');
    else if (zipkin.url === '') report.add('zipkin.url', 'must not be empty');
    else if (!/^(https?:\/\/)?[^\s/:]+(:\d{1,5})?(\/\S*)?$/.test(zipkin.url))
      report.add('zipkin.url', 'must be a valid url');
  } else if (type === 'Datadog') {
    if (datadog === undefined) report.add('datadog', 'must be defined');
    else checkDatadogUrl(datadog.url, report);
  } else if (openTelemetry === undefined) report.add('openTelemetry', 'must be defined');
  else checkCollector(report.at('openTelemetry'), openTelemetry);
}

function checkDatadogUrl(text: string, report: Report): void {
  const parts = /^([a-z][a-z0-9+.-]*):\/\/(?:([^@/?#]*)@)?([^:/?#@]+)(?::(\d*))?([^?#]*)(\?[^#]*)?(#.*)?$/i.exec(text);
  if (parts === null) {
    report.add('datadog.url', 'must be a valid url');
    return;
  }
  const [, scheme, user, , port = '', path, query, fragment] = parts;
  if (scheme !== 'http') report.add('datadog.url', 'scheme must be http');
  if (port === '') report.add('datadog.url', 'port must be defined');
  else if (Number(port) < 1 || Number(port) > 65535) report.add('datadog.url', 'port must be a valid (1-65535)');
  for (const [name, part] of Object.entries({ user, path, query, fragment })) {
    if (part !== undefined && part !== '') report.add('datadog.url', `${name} must not be defined`);
  }
}
