// Rules for a MeshAccessLog's conf that its schema cannot say: where lines go, and formats that Envoy takes.
import { create } from '@bufbuild/protobuf';
import { type AnyValue, AnyValueSchema } from '@ursa/envoy/gen/opentelemetry/proto/common/v1/common_pb.ts';
import type { Report } from '@ursa/policy';
import { isFilePath, isHostAddress } from '../conf/locations.ts';
import { checkCollector } from '../conf/open-telemetry.ts';
import type { AccessLogConf, Backend, Format, OpenTelemetryBackend } from './access-log-conf.ts';
import { recordBody } from './collector.ts';
import { describeLineError } from './placeholders.ts';

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
  else {
    checkCollector(report.at('openTelemetry'), openTelemetry);
    checkRecord(openTelemetry, report.at('openTelemetry'));
  }
}

function checkRecord({ attributes = [], body }: OpenTelemetryBackend, report: Report): void {
  for (const [index, { value }] of attributes.entries()) checkLine(report, `attributes[${index}].value`, value);
  const record = recordBody(body ?? '', {});
  // A record may say nothing, but nothing in it may.
  if (record.value.case !== undefined) checkBody(record, report);
}

function checkBody({ value }: AnyValue, report: Report): void {
  if (value.case === 'stringValue') checkLine(report, 'body', value.value);
  else if (value.case === 'arrayValue') for (const item of value.value.values) checkBody(item, report);
  else if (value.case === 'kvlistValue') {
    for (const { value: item } of value.value.values) checkBody(item ?? create(AnyValueSchema), report);
  } else {
    const held = value.case ?? 'a value without content';
    report.add(
      'body',
      `must not hold ${held}: Envoy writes stringValue, kvlistValue and arrayValue, and numbers as text`,
    );
  }
}

function checkLine(report: Report, field: string, text: string): void {
  const problem = describeLineError(text);
  if (problem !== undefined) report.add(field, problem);
}

function checkFormat(given: Format | undefined, report: Report): void {
  if (given === undefined) return;
  const { type, plain, json } = given;
  const value = type === 'Plain' ? plain : json;
  const field = type === 'Plain' ? 'plain' : 'json';
  if (value === undefined) report.add(field, 'must be defined');
  else if (value.length === 0) report.add(field, 'must not be empty');
  if (type === 'Plain') checkLine(report, 'plain', plain ?? '');
  if (type !== 'Json') return;
  for (const [index, item] of (json ?? []).entries()) {
    if (item.key === '') report.add(`json[${index}].key`, 'key cannot be empty');
    if (item.value === '') report.add(`json[${index}].value`, 'value cannot be empty');
    if (!canStandInJson(item.key) || !canStandInJson(item.value)) {
      report.add(`json[${index}]`, 'is not a valid JSON object');
    }
    checkLine(report, `json[${index}].value`, item.value);
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
