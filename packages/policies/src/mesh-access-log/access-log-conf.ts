// What a MeshAccessLog can say, and the checks its schema cannot make.
import type { Report } from '@ursa/policy';
import { closed, oneOf } from '@ursa/resources';
import { type Static, Type } from 'typebox';
import { isFilePath, isHostAddress } from '../conf/locations.ts';
import { backendResourceRef, checkCollector } from '../conf/open-telemetry.ts';

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

/** Reports what is wrong with a conf. */
export function checkAccessLog({ backends }: AccessLogConf, report: Report): void {
  if (backends === undefined) report.add('backends', 'must be defined');
  for (const [index, item] of (backends ?? []).entries()) checkBackend(item, report.at(`backends[${index}]`));
}

function checkBackend({ type, tcp, file, openTelemetry }: Backend, report: Report): void {
  if (type === 'File') {
    if (file === undefined) report.add('file', 'must be defined');
    else {
      if (!isFilePath(file.path)) report.add('file.path', 'file backend requires a valid path');
      checkFormat(file.format, report.at('file.format'));
    }
  } else if (type === 'Tcp') {
    if (tcp === undefined) report.add('tcp', 'must be defined');
    else {
      if (!isHostAddress(tcp.address)) report.add('tcp.address', 'tcp backend requires valid address');
      checkFormat(tcp.format, report.at('tcp.format'));
    }
  } else if (openTelemetry === undefined) report.add('openTelemetry', 'must be defined');
  else checkCollector(report.at('openTelemetry'), openTelemetry);
}

function checkFormat(given: Format | undefined, report: Report): void {
  if (given === undefined) return;
  const { type, plain, json } = given;
  const value = type === 'Plain' ? plain : json;
  const field = type === 'Plain' ? 'plain' : 'json';
  if (value === undefined) report.add(field, 'must be defined');
  else if (value.length === 0) report.add(field, 'must not be empty');
  if (type !== 'Json') return;
  for (const [index, item] of (json ?? []).entries()) {
    if (item.key === '') report.add(`json[${index}].key`, 'key cannot be empty');
    if (item.value === '') report.add(`json[${index}].value`, 'value cannot be empty');
    if (!canStandInJson(item.key) || !canStandInJson(item.value)) {
      report.add(`json[${index}]`, 'is not a valid JSON object');
    }
  }
}

/** Keys and values are written between quotes as they are. */
function canStandInJson(text: string): boolean {
  try {
    return typeof JSON.parse(`"${text}"`) === 'string';
  } catch {
    return false;
  }
}
