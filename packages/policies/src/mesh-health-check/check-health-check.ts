// Rules for a MeshHealthCheck's conf that its schema cannot say.
import {
  checkAnyOf,
  checkDecimalPercentage,
  checkOneLine,
  checkPercentage,
  checkPositiveDuration,
  type Report,
} from '@ursa/policy';
import { checkHeadersToWrite } from '../conf/headers.ts';
import { isFilePath } from '../conf/locations.ts';
import type { HealthCheckConf } from './health-check-conf.ts';

/** Reports what is wrong with a conf. */
export function checkHealthCheck(given: HealthCheckConf, report: Report): void {
  const durations = ['interval', 'timeout', 'initialJitter', 'intervalJitter', 'noTrafficInterval'] as const;
  for (const field of durations) checkPositiveDuration(report, field, given[field]);
  for (const field of ['unhealthyThreshold', 'healthyThreshold'] as const) {
    if ((given[field] ?? 1) <= 0) report.add(field, 'must be greater than zero when defined');
  }
  checkPercentage(report, 'intervalJitterPercent', given.intervalJitterPercent);
  checkDecimalPercentage(report, 'healthyPanicThreshold', given.healthyPanicThreshold);
  if (given.eventLogPath !== undefined && !isFilePath(given.eventLogPath)) {
    report.add('eventLogPath', 'must be a valid path when defined');
  }
  if (given.http?.path === '') report.add('http.path', 'must be defined');
  checkOneLine(report, 'http.path', given.http?.path);
  checkOneLine(report, 'grpc.authority', given.grpc?.authority);
  checkHeadersToWrite(report.at('http.requestHeadersToAdd'), given.http?.requestHeadersToAdd);
  for (const [index, status] of (given.http?.expectedStatuses ?? []).entries()) {
    if (status < 100 || status > 599) {
      report.add(`http.expectedStatuses[${index}]`, 'must be in inclusive range [100, 599]');
    }
  }
  checkAnyOf(report, '', given, ['http', 'tcp', 'grpc']);
}
