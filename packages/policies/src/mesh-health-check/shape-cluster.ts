// Writes a MeshHealthCheck's conf into a cluster.
import { create } from '@bufbuild/protobuf';
import { type ClusterDraft, durationOf, pack } from '@ursa/envoy';
import {
  Cluster_CommonLbConfigSchema as CommonLbConfigSchema,
  Cluster_CommonLbConfig_ZoneAwareLbConfigSchema as ZoneAwareLbConfigSchema,
} from '@ursa/envoy/gen/envoy/config/cluster/v3/cluster_pb.ts';
import { TypedExtensionConfigSchema } from '@ursa/envoy/gen/envoy/config/core/v3/extension_pb.ts';
import { type HealthCheck, HealthCheckSchema } from '@ursa/envoy/gen/envoy/config/core/v3/health_check_pb.ts';
import { HealthCheckEventFileSinkSchema } from '@ursa/envoy/gen/envoy/extensions/health_check/event_sinks/file/v3/file_pb.ts';
import { PercentSchema } from '@ursa/envoy/gen/envoy/type/v3/percent_pb.ts';
import { parseDecimal } from '@ursa/policy';
import { parseDuration } from '@ursa/resources';
import type { HealthCheckConf } from './health-check-conf.ts';

// What holds where a conf leaves a field out.
const interval = '1m';
const timeout = '15s';
const unhealthyThreshold = 5;
const healthyThreshold = 1;

/** Has the proxy ask each instance of the cluster, in the way that `healthChecker` says. */
export function checkInstances(
  { message }: ClusterDraft,
  conf: HealthCheckConf,
  healthChecker: HealthCheck['healthChecker'],
): void {
  const check = create(HealthCheckSchema, {
    healthChecker,
    interval: time(conf.interval ?? interval),
    timeout: time(conf.timeout ?? timeout),
    unhealthyThreshold: conf.unhealthyThreshold ?? unhealthyThreshold,
    healthyThreshold: conf.healthyThreshold ?? healthyThreshold,
    intervalJitterPercent: conf.intervalJitterPercent ?? 0,
    alwaysLogHealthCheckFailures: conf.alwaysLogHealthCheckFailures === true,
  });
  if (conf.initialJitter !== undefined) check.initialJitter = time(conf.initialJitter);
  if (conf.intervalJitter !== undefined) check.intervalJitter = time(conf.intervalJitter);
  if (conf.noTrafficInterval !== undefined) check.noTrafficInterval = time(conf.noTrafficInterval);
  if (conf.reuseConnection !== undefined) check.reuseConnection = conf.reuseConnection;
  const { eventLogPath = '' } = conf;
  if (eventLogPath !== '') {
    const sink = create(HealthCheckEventFileSinkSchema, { eventLogPath });
    const typedConfig = pack(HealthCheckEventFileSinkSchema, sink);
    check.eventLogger.push(
      create(TypedExtensionConfigSchema, { name: 'envoy.health_check.event_sinks.file', typedConfig }),
    );
  }
  message.healthChecks.push(check);
}

/** Says what happens when too few instances are well: by default Envoy then sends traffic to all of them. */
export function boundPanic({ message }: ClusterDraft, conf: HealthCheckConf): void {
  const { healthyPanicThreshold, failTrafficOnPanic } = conf;
  if (healthyPanicThreshold === undefined && failTrafficOnPanic === undefined) return;
  message.commonLbConfig ??= create(CommonLbConfigSchema);
  const { commonLbConfig } = message;
  if (healthyPanicThreshold !== undefined) {
    commonLbConfig.healthyPanicThreshold = create(PercentSchema, { value: parseDecimal(healthyPanicThreshold) ?? 0 });
  }
  // Envoy knows the field in this mode of balancing only.
  if (failTrafficOnPanic === undefined || commonLbConfig.localityConfigSpecifier.case === 'localityWeightedLbConfig') {
    return;
  }
  const value = commonLbConfig.localityConfigSpecifier.value ?? create(ZoneAwareLbConfigSchema);
  value.failTrafficOnPanic = failTrafficOnPanic;
  commonLbConfig.localityConfigSpecifier = { case: 'zoneAwareLbConfig', value };
}

function time(given: string) {
  return durationOf(parseDuration(given) ?? 0);
}
