// Envoy's access loggers for the backends of a conf, and where they hang: at the manager of an HTTP chain or the proxy of a TCP one.
import { create } from '@bufbuild/protobuf';
import { type ClusterDraft, type FilterChainDraft, pack } from '@ursa/envoy';
import {
  type AccessLog,
  type AccessLogFilter,
  AccessLogSchema,
} from '@ursa/envoy/gen/envoy/config/accesslog/v3/accesslog_pb.ts';
import type { SubstitutionFormatString } from '@ursa/envoy/gen/envoy/config/core/v3/substitution_format_string_pb.ts';
import { FileAccessLogSchema } from '@ursa/envoy/gen/envoy/extensions/access_loggers/file/v3/file_pb.ts';
import { OpenTelemetryAccessLogConfigSchema } from '@ursa/envoy/gen/envoy/extensions/access_loggers/open_telemetry/v3/logs_service_pb.ts';
import type { ProxyFacts } from '@ursa/policy';
import { proxySocketPath } from '@ursa/resources';
import { collectorOf } from '../conf/open-telemetry.ts';
import type { AccessLogConf, Backend } from './access-log-conf.ts';
import { collectorCluster, collectorLog } from './collector.ts';
import { defaultFormats, fileLine, type LineOptions, pipedLine } from './log-line.ts';
import type { Placeholders } from './placeholders.ts';

/** A place whose traffic is logged. */
export interface LoggedPlace {
  readonly proxy: ProxyFacts;
  readonly chains: readonly FilterChainDraft[];
  readonly extraClusters: ClusterDraft[];
}

/** How a place is logged. */
export interface LoggingOptions {
  readonly values: Placeholders;
  /** In place of the format that fits the chain, where a backend names none. */
  readonly defaultFormat?: string;
  /** What is logged; everything when left out. `kind`: the chain's. */
  readonly filter?: (kind: 'http' | 'tcp') => AccessLogFilter | undefined;
}

/** Adds the loggers of a conf to the chains of a place. */
export function addLoggers(place: LoggedPlace, { backends = [] }: AccessLogConf, options: LoggingOptions): void {
  for (const { terminal } of place.chains) {
    const defaultFormat = options.defaultFormat ?? defaultFormats[terminal.kind];
    const filter = options.filter?.(terminal.kind);
    const loggers = backends.flatMap((backend) => {
      const logger = loggerOf(backend, place, { defaultFormat, values: options.values });
      if (logger !== undefined && filter !== undefined) logger.filter = filter;
      return logger ?? [];
    });
    (terminal.kind === 'http' ? terminal.manager : terminal.proxy).accessLog.push(...loggers);
  }
}

// Undefined for a collector that is not there.
function loggerOf(
  { type, file, tcp, openTelemetry }: Backend,
  { proxy, extraClusters }: LoggedPlace,
  options: LineOptions,
): AccessLog | undefined {
  if (type === 'File' && file !== undefined) return fileLogger(file.path, fileLine(file.format, options));
  if (type === 'Tcp' && tcp !== undefined) {
    return fileLogger(pipeOf(proxy), pipedLine(tcp.address, tcp.format, options));
  }
  if (type !== 'OpenTelemetry' || openTelemetry === undefined) return undefined;
  const collector = collectorOf(openTelemetry, proxy, 'logs');
  if (collector === undefined) return undefined;
  const cluster = collectorCluster(collector, openTelemetry.backendRef !== undefined, proxy.unifiedNaming);
  extraClusters.push(cluster);
  const config = collectorLog(openTelemetry, collector, cluster.message.name, options);
  return logger('envoy.access_loggers.open_telemetry', pack(OpenTelemetryAccessLogConfigSchema, config));
}

function fileLogger(path: string, logFormat: SubstitutionFormatString): AccessLog {
  const config = create(FileAccessLogSchema, { path, accessLogFormat: { case: 'logFormat', value: logFormat } });
  return logger('envoy.access_loggers.file', pack(FileAccessLogSchema, config));
}

function logger(name: string, typedConfig: ReturnType<typeof pack>): AccessLog {
  return create(AccessLogSchema, { name, configType: { case: 'typedConfig', value: typedConfig } });
}

/** The pipe from which kuma-dp takes lines for TCP addresses. */
function pipeOf({ mesh, self }: ProxyFacts): string {
  return proxySocketPath(self?.workdir ?? '', 'kuma-al', { name: self?.name ?? '', mesh });
}
