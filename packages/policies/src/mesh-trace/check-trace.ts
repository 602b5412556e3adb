// Rules for a MeshTrace's conf that its schema cannot say.
import { parseDecimal, type Report } from '@ursa/policy';
import { checkHeaderToRead } from '../conf/headers.ts';
import { isUrl } from '../conf/locations.ts';
import { checkCollector } from '../conf/open-telemetry.ts';
import type { TraceBackend, TraceConf } from './trace-conf.ts';

/** Reports what is wrong with a conf. */
export function checkTrace({ backends, sampling = {}, tags = [] }: TraceConf, report: Report): void {
  if (backends === undefined) report.add('backends', 'must be defined');
  for (const [index, item] of (backends ?? []).entries()) checkBackend(item, report.at(`backends[${index}]`));
  for (const [index, { name, literal, header }] of tags.entries()) {
    if (name === '') report.add(`tags[${index}].name`, 'must not be empty');
    if ((literal === undefined) === (header === undefined)) {
      report.add(`tags[${index}]`, 'tag must have only one type defined: header, literal');
    }
    if (literal === '') report.add(`tags[${index}].literal`, 'must not be empty');
    if (header !== undefined) checkHeaderToRead(report, `tags[${index}].header.name`, header.name);
  }
  for (const [field, percentage] of Object.entries(sampling)) {
    const value = parseDecimal(percentage);
    if (value === undefined) report.add(`sampling.${field}`, 'string is not a number');
    else if (value < 0 || value > 100) report.add(`sampling.${field}`, 'must be between 0 and 100');
  }
}

function checkBackend({ type, zipkin, datadog, openTelemetry }: TraceBackend, report: Report): void {
  if (type === 'Zipkin') {
    if (zipkin === undefined) report.add('zipkin', 'must be defined');
    else if (zipkin.url === '') report.add('zipkin.url', 'must not be empty');
    else if (!isUrl(zipkin.url)) report.add('zipkin.url', 'must be a valid url');
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
