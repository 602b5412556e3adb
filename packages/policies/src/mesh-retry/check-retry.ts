// Rules for a MeshRetry's conf that its schema cannot say.
import { checkDuration, checkPositiveCount, checkPositiveDuration, type Report } from '@ursa/policy';
import { parseDuration, suggestionFor } from '@ursa/resources';
import { checkHeaderMatch, checkHeaderToRead } from '../conf/headers.ts';
import type { GrpcRetry, HttpRetry, RetryConf } from './retry-conf.ts';
import { conditionNames, isStatusCode, methodNames } from './retry-on.ts';

const empty = 'must not be empty';
const conditions = [...conditionNames.keys(), ...methodNames.keys()];

/** Reports what is wrong with a conf. */
export function checkRetry({ tcp, http, grpc }: RetryConf, report: Report): void {
  const within = report.at('conf');
  if (tcp === undefined && http === undefined && grpc === undefined) {
    within.add('', "at least one of the 'tcp', 'http', 'grpc' must be specified");
  }
  if (tcp !== undefined && tcp.maxConnectAttempt === undefined) within.add('tcp', empty);
  checkPositiveCount(within, 'tcp.maxConnectAttempt', tcp?.maxConnectAttempt);
  if (http !== undefined) checkHttp(http, within.at('http'));
  if (grpc !== undefined) checkCommon(grpc, within.at('grpc'));
}

function checkCommon(conf: HttpRetry | GrpcRetry, report: Report): void {
  if (Object.keys(conf).filter((field) => field !== 'hostSelectionMaxAttempts').length === 0) report.add('', empty);
  checkDuration(report, 'perTryTimeout', conf.perTryTimeout);
  if (conf.backOff !== undefined) checkBackOff(conf.backOff, report.at('backOff'));
  if (conf.rateLimitedBackOff !== undefined) {
    checkRateLimitedBackOff(conf.rateLimitedBackOff, report.at('rateLimitedBackOff'));
  }
}

function checkBackOff(backOff: NonNullable<HttpRetry['backOff']>, report: Report): void {
  if (Object.keys(backOff).length === 0) report.add('', empty);
  const { baseInterval, maxInterval } = backOff;
  checkPositiveDuration(report, 'baseInterval', baseInterval);
  checkPositiveDuration(report, 'maxInterval', maxInterval);
  if (baseInterval === undefined || maxInterval === undefined) return;
  if (wholeMilliseconds(maxInterval) < wholeMilliseconds(baseInterval)) {
    report.add('maxInterval', `must not be less than baseInterval, which is ${baseInterval}`);
  }
}

/** Envoy compares whole milliseconds, and takes less than one for one. */
function wholeMilliseconds(duration: string): number {
  return Math.max(1, Math.floor(parseDuration(duration) ?? 0));
}

function checkRateLimitedBackOff(
  { resetHeaders, maxInterval }: NonNullable<HttpRetry['rateLimitedBackOff']>,
  report: Report,
): void {
  checkPositiveDuration(report, 'maxInterval', maxInterval);
  if (resetHeaders === undefined) report.add('resetHeaders', 'must be defined');
  if (resetHeaders?.length === 0) report.add('resetHeaders', empty);
  for (const [index, { name }] of (resetHeaders ?? []).entries()) {
    checkHeaderToRead(report, `resetHeaders[${index}].name`, name);
  }
}

function checkHttp(conf: HttpRetry, report: Report): void {
  checkCommon(conf, report);
  for (const [index, item] of (conf.retryOn ?? []).entries()) {
    const known = conditionNames.has(item) || methodNames.has(item) || isStatusCode(item);
    if (known) continue;
    report.add(`retryOn[${index}]`, `unknown item '${item}'; ${suggestionFor(item, conditions)}`);
  }
  for (const list of ['retriableResponseHeaders', 'retriableRequestHeaders'] as const) {
    for (const [index, match] of (conf[list] ?? []).entries()) {
      checkHeaderMatch(report.at(`${list}[${index}]`), match);
    }
  }
  let priorities = 0;
  for (const [index, selection] of (conf.hostSelection ?? []).entries()) {
    const at = report.at(`hostSelection[${index}]`);
    if (selection.predicate === 'OmitHostsWithTags' && selection.tags === undefined) at.add('tags', 'must be defined');
    if (selection.predicate !== 'OmitPreviousPriorities') continue;
    priorities++;
    if (priorities > 1) at.add('predicate', 'OmitPreviousPriorities must only be specified once');
    if ((selection.updateFrequency ?? 2) <= 0) at.add('updateFrequency', 'must be defined and greater than zero');
  }
}
