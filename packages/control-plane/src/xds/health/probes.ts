// What Envoy is asked to probe: from the inbounds of a Dataplane to the message that says so. Pure.
import { create, toBinary } from '@bufbuild/protobuf';
import { bindTo, durationOf, socketAddress } from '@ursa/envoy';
import { type DataplaneSpec, inboundKey, inboundsOf, isProbed, parseDuration, workloadOf } from '@ursa/resources';
import { EndpointSchema } from '../../../../envoy/gen/envoy/config/endpoint/v3/endpoint_components_pb.ts';
import {
  ClusterHealthCheckSchema,
  HealthCheckSpecifierSchema,
  LocalityEndpointsSchema,
} from '../../../../envoy/gen/envoy/service/health/v3/hds_pb.ts';
import type { Settings } from '../../config/settings.ts';

/** The probe of one inbound. Times in milliseconds. */
export interface Probe {
  /** Its inbound; the name under which Envoy reports. */
  readonly inboundKey: string;
  readonly address: string;
  readonly port: number;
  /** Address to connect from; undefined: any. */
  readonly source: string | undefined;
  readonly timeout: number;
  readonly interval: number;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
}

/** `dpServer.hds` */
export type HealthSettings = Settings['dpServer']['hds'];

/**
 * Envoy tells of what it has found only so often. With the peer's 5 s a client would send to a dead application for seconds after its probe has
 * failed; what it costs to be told twice a second is a comparison of some bytes.
 */
const longestReportInterval = 500;
const most = 1_000;

/**
 * Reads off a Dataplane what is to be probed. `transparent`: its host redirects connections, and would redirect the probe's to Envoy itself.
 * `ipOf` tells the IP address behind an address; what has none is not probed.
 */
export function probesOf(
  spec: DataplaneSpec,
  transparent: boolean,
  { checkDefaults }: Pick<HealthSettings, 'checkDefaults'>,
  ipOf: (address: string) => string | undefined = (address) => address,
): readonly Probe[] {
  const probes = new Map<string, Probe>();
  for (const inbound of inboundsOf(spec)) {
    if (!isProbed(inbound) || probes.size >= most) continue;
    const { interval, timeout, healthyThreshold, unhealthyThreshold } = inbound.serviceProbe ?? {};
    const { address: named, port } = workloadOf(spec, inbound);
    const address = ipOf(named);
    if (address === undefined) continue;
    const key = inboundKey(spec, inbound);
    probes.set(key, {
      inboundKey: key,
      address,
      port,
      source: transparent ? bypassOf(address) : undefined,
      timeout: positive(timeout) ?? checkDefaults.timeout,
      // Envoy sees no traffic at what it only probes, and heeds the interval for that. Who states one means it.
      interval: positive(interval) ?? Math.min(checkDefaults.interval, checkDefaults.noTrafficInterval),
      healthyThreshold: healthyThreshold || checkDefaults.healthyThreshold,
      unhealthyThreshold: unhealthyThreshold || checkDefaults.unhealthyThreshold,
    });
  }
  return [...probes.values()];
}

/** Envoy refuses a message with a time of zero, and everything in it: the default counts then. */
function positive(text: string | undefined): number | undefined {
  const milliseconds = text === undefined ? undefined : parseDuration(text);
  return milliseconds !== undefined && milliseconds > 0 ? milliseconds : undefined;
}

/** The addresses that a redirecting host lets pass, as for Envoy's own connections to the application. */
function bypassOf(address: string): string | undefined {
  if (address.startsWith('127.') || address === '::1') return undefined;
  return address.includes(':') ? '::6' : '127.0.0.6';
}

/** The `HealthCheckSpecifier`, encoded: equal probes give equal bytes. */
export function encodeSpecifier(probes: readonly Probe[], { interval }: Pick<HealthSettings, 'interval'>): Uint8Array {
  const clusterHealthChecks = probes.map((probe) =>
    create(ClusterHealthCheckSchema, {
      clusterName: probe.inboundKey,
      localityEndpoints: [
        create(LocalityEndpointsSchema, {
          endpoints: [create(EndpointSchema, { address: socketAddress(probe.address, probe.port) })],
        }),
      ],
      healthChecks: [
        {
          timeout: durationOf(probe.timeout),
          interval: durationOf(probe.interval),
          noTrafficInterval: durationOf(probe.interval),
          healthyThreshold: probe.healthyThreshold,
          unhealthyThreshold: probe.unhealthyThreshold,
          healthChecker: { case: 'tcpHealthCheck', value: {} },
        },
      ],
      ...(probe.source === undefined ? {} : { upstreamBindConfig: bindTo(probe.source) }),
    }),
  );
  const reported = probes.length === 0 ? interval : Math.min(interval, longestReportInterval);
  const specifier = create(HealthCheckSpecifierSchema, { clusterHealthChecks, interval: durationOf(reported) });
  return toBinary(HealthCheckSpecifierSchema, specifier);
}
