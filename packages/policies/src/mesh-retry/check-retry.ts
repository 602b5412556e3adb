// Rules for a MeshRetry's conf that its schema cannot say.
import { checkPositiveCount, checkPositiveDuration, checkRegularExpression, type Report } from '@ursa/policy';
import type { GrpcRetry, HttpRetry, RetryConf } from './retry-conf.ts';
import { conditionNames, isStatusCode, methodNames } from './retry-on.ts';

const empty = 'must not be empty';

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
  if (conf.backOff !== undefined && Object.keys(conf.backOff).length === 0) report.add('backOff', empty);
  const { rateLimitedBackOff } = conf;
  if (rateLimitedBackOff === undefined) return;
  checkPositiveDuration(report, 'rateLimitedBackOff.maxInterval', rateLimitedBackOff.maxInterval);
  if (rateLimitedBackOff.resetHeaders === undefined) report.add('rateLimitedBackOff.resetHeaders', 'must be defined');
}

function checkHttp(conf: HttpRetry, report: Report): void {
  checkCommon(conf, report);
  for (const [index, item] of (conf.retryOn ?? []).entries()) {
    const known = conditionNames.has(item) || methodNames.has(item) || isStatusCode(item);
    if (!known) report.add(`retryOn[${index}]`, `unknown item '${item}'`);
  }
  for (const list of ['retriableResponseHeaders', 'retriableRequestHeaders'] as const) {
    for (const [index, { type, value }] of (conf[list] ?? []).entries()) {
      if (type === 'RegularExpression') checkRegularExpression(report, `${list}[${index}].value`, value);
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
