// Rules for a MeshCircuitBreaker's conf that its schema cannot say.
import {
  checkAnyOf,
  checkDecimalPercentage,
  checkPercentage,
  checkPositiveCount,
  checkPositiveDuration,
  parseDecimal,
  type Report,
} from '@ursa/policy';
import type { CircuitBreakerConf, OutlierDetectionConf } from './circuit-breaker-conf.ts';

/** Reports what is wrong with a conf. */
export function checkCircuitBreaker({ connectionLimits, outlierDetection }: CircuitBreakerConf, report: Report): void {
  if (connectionLimits === undefined && outlierDetection === undefined) {
    report.add('', "at least one of: 'connectionLimits' or 'outlierDetection' should be configured");
  }
  for (const [name, limit] of Object.entries(connectionLimits ?? {})) {
    checkPositiveCount(report, `connectionLimits.${name}`, limit);
  }
  if (outlierDetection !== undefined) checkOutlierDetection(outlierDetection, report.at('outlierDetection'));
}

function checkOutlierDetection(conf: OutlierDetectionConf, report: Report): void {
  checkPositiveDuration(report, 'interval', conf.interval);
  checkPositiveDuration(report, 'baseEjectionTime', conf.baseEjectionTime);
  checkPercentage(report, 'maxEjectionPercent', conf.maxEjectionPercent);
  checkDecimalPercentage(report, 'healthyPanicThreshold', conf.healthyPanicThreshold);
  if (conf.detectors === undefined) report.add('detectors', 'must be defined');
  else checkDetectors(conf.detectors, report);
}

/** Envoy holds thousandths of it in 32 bits. */
const largestFactor = 4_294_967.295;

function checkDetectors(detectors: NonNullable<OutlierDetectionConf['detectors']>, report: Report): void {
  const names = ['totalFailures', 'gatewayFailures', 'localOriginFailures', 'successRate', 'failurePercentage'];
  checkAnyOf(report, 'detectors', detectors, names);
  const within = report.at('detectors');
  const { totalFailures, gatewayFailures, localOriginFailures, successRate, failurePercentage } = detectors;
  for (const [name, detector] of Object.entries({ totalFailures, gatewayFailures, localOriginFailures })) {
    checkPositiveCount(within, `${name}.consecutive`, detector?.consecutive);
  }
  for (const [name, detector] of Object.entries({ successRate, failurePercentage })) {
    checkPositiveCount(within, `${name}.minimumHosts`, detector?.minimumHosts);
    checkPositiveCount(within, `${name}.requestVolume`, detector?.requestVolume);
  }
  checkPercentage(within, 'failurePercentage.threshold', failurePercentage?.threshold);
  const factor = successRate?.standardDeviationFactor;
  if (factor === undefined) return;
  const value = parseDecimal(factor);
  if (value === undefined) within.add('successRate.standardDeviationFactor', 'invalid number');
  else if (value <= 0) within.add('successRate.standardDeviationFactor', 'must be greater than 0');
  else if (value > largestFactor) {
    within.add('successRate.standardDeviationFactor', `must be at most ${largestFactor}`);
  }
}
