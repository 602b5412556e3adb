// Writes a MeshCircuitBreaker's conf into a cluster.
import { create } from '@bufbuild/protobuf';
import type { ClusterDraft } from '@ursa/envoy';
import { durationOf } from '@ursa/envoy';
import { CircuitBreakersSchema } from '@ursa/envoy/gen/envoy/config/cluster/v3/circuit_breaker_pb.ts';
import { Cluster_CommonLbConfigSchema } from '@ursa/envoy/gen/envoy/config/cluster/v3/cluster_pb.ts';
import {
  type OutlierDetection,
  OutlierDetectionSchema,
} from '@ursa/envoy/gen/envoy/config/cluster/v3/outlier_detection_pb.ts';
import { parseDecimal } from '@ursa/policy';
import { parseDuration } from '@ursa/resources';
import type { ConnectionLimits, OutlierDetectionConf } from './circuit-breaker-conf.ts';

/** Sets the limits that are given; Envoy's defaults hold for the others. */
export function limitConnections({ message }: ClusterDraft, limits: ConnectionLimits | undefined): void {
  if (limits === undefined) return;
  // "Remaining" statistics tell operators how close to its limits a cluster is.
  message.circuitBreakers = create(CircuitBreakersSchema, { thresholds: [{ ...limits, trackRemaining: true }] });
}

const enforced = 100;
const off = 0;

/** Switches on the detectors that are given, and all others off. */
export function detectOutliers({ message }: ClusterDraft, conf: OutlierDetectionConf | undefined): void {
  if (conf === undefined || conf.disabled === true) return;
  const detection = create(OutlierDetectionSchema, {
    splitExternalLocalOriginErrors: conf.splitExternalAndLocalErrors === true,
  });
  if (conf.interval !== undefined) detection.interval = durationOf(parseDuration(conf.interval) ?? 0);
  if (conf.baseEjectionTime !== undefined) {
    detection.baseEjectionTime = durationOf(parseDuration(conf.baseEjectionTime) ?? 0);
  }
  if (conf.maxEjectionPercent !== undefined) detection.maxEjectionPercent = conf.maxEjectionPercent;
  detectConsecutive(detection, conf.detectors ?? {});
  detectStatistical(detection, conf.detectors ?? {});
  message.outlierDetection = detection;
  if (conf.healthyPanicThreshold === undefined) return;
  message.commonLbConfig ??= create(Cluster_CommonLbConfigSchema);
  const value = parseDecimal(conf.healthyPanicThreshold) ?? 0;
  message.commonLbConfig.healthyPanicThreshold = { $typeName: 'envoy.type.v3.Percent', value };
}

type Detectors = NonNullable<OutlierDetectionConf['detectors']>;

// Without a number these detectors stay off, though they are named.
function detectConsecutive(detection: OutlierDetection, detectors: Detectors): void {
  const { totalFailures, gatewayFailures, localOriginFailures } = detectors;
  detection.enforcingConsecutive5xx = totalFailures?.consecutive === undefined ? off : enforced;
  if (totalFailures?.consecutive !== undefined) detection.consecutive5xx = totalFailures.consecutive;
  detection.enforcingConsecutiveGatewayFailure = gatewayFailures?.consecutive === undefined ? off : enforced;
  if (gatewayFailures?.consecutive !== undefined) detection.consecutiveGatewayFailure = gatewayFailures.consecutive;
  detection.enforcingConsecutiveLocalOriginFailure = localOriginFailures?.consecutive === undefined ? off : enforced;
  if (localOriginFailures?.consecutive !== undefined) {
    detection.consecutiveLocalOriginFailure = localOriginFailures.consecutive;
  }
}

function detectStatistical(detection: OutlierDetection, { successRate, failurePercentage }: Detectors): void {
  const bySuccessRate = successRate === undefined ? off : enforced;
  detection.enforcingSuccessRate = bySuccessRate;
  detection.enforcingLocalOriginSuccessRate = bySuccessRate;
  if (successRate?.minimumHosts !== undefined) detection.successRateMinimumHosts = successRate.minimumHosts;
  if (successRate?.requestVolume !== undefined) detection.successRateRequestVolume = successRate.requestVolume;
  if (successRate?.standardDeviationFactor !== undefined) {
    // Envoy takes thousandths.
    const factor = parseDecimal(successRate.standardDeviationFactor) ?? 0;
    detection.successRateStdevFactor = Math.trunc(Number((factor * 1000).toFixed(6)));
  }
  const byPercentage = failurePercentage === undefined ? off : enforced;
  detection.enforcingFailurePercentage = byPercentage;
  detection.enforcingFailurePercentageLocalOrigin = byPercentage;
  if (failurePercentage?.minimumHosts !== undefined) {
    detection.failurePercentageMinimumHosts = failurePercentage.minimumHosts;
  }
  if (failurePercentage?.requestVolume !== undefined) {
    detection.failurePercentageRequestVolume = failurePercentage.requestVolume;
  }
  if (failurePercentage?.threshold !== undefined) detection.failurePercentageThreshold = failurePercentage.threshold;
}
