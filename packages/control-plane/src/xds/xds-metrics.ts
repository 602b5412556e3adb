// What the server of proxies counts, under the peer's names where they mean the same. Nothing here is kept for a single proxy.
import type { ProxyConfig } from '@ursa/engine';
import { type EnvoyType, typeUrls } from '@ursa/envoy';
import type { Meter } from '@ursa/telemetry';

/** Takes down what happens on the streams. Each call is a few additions. */
export interface XdsMetrics {
  /** An answer of a proxy to a response. */
  answered(type: EnvoyType, accepted: boolean): void;
  sent(type: EnvoyType, bytes: number): void;
  /** A configuration is there to be sent. */
  offered(mesh: string, config: ProxyConfig): void;
  /** A proxy has answered for everything that was outstanding, for so long. */
  delivered(milliseconds: number): void;
}

const types = Object.keys(typeUrls) as readonly EnvoyType[];
const capitalized = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
const doubling = (first: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, power) => first * 2 ** power);

/** Declares the metrics. */
export function xdsMetrics(meter: Meter): XdsMetrics {
  const requests = meter.counter('xds_requests_received', 'Answers of proxies to what they were sent.', [
    'type_url',
    'confirmation',
    'error_type',
  ]);
  const responses = meter.counter('xds_responses_sent', 'Responses sent to proxies.', ['type_url']);
  const bytes = meter.histogram(
    'xds_responses_sent_bytes',
    'Bytes of the responses sent to proxies.',
    doubling(1024, 16),
    ['type_url'],
  );
  const delivery = meter
    .histogram(
      'xds_delivery',
      'Milliseconds from a configuration that is ready to be sent to the answer of the proxy, refusals included.',
      [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000],
    )
    .of();
  const regenerated = meter.counter(
    'xds_dataplane_config_regenerated_total',
    'Configurations of proxies that came out different and are to be sent.',
    ['mesh'],
  );
  const resources = meter.histogram(
    'xds_snapshot_resources',
    'Resources of a proxy, by type, whenever its configuration has changed.',
    doubling(1, 12),
    ['resource_type'],
  );
  const answer = (confirmation: string, error: string) =>
    perType((type) => requests.of(typeUrls[type], confirmation, error));
  const [taken, refused] = [answer('ACK', 'no_error'), answer('NACK', 'other')];
  const sentOf = perType((type) => ({ count: responses.of(typeUrls[type]), bytes: bytes.of(typeUrls[type]) }));
  const sizes = types.map((type) => [type, resources.of(capitalized(type))] as const);
  return {
    answered(type, accepted) {
      (accepted ? taken : refused)(type).value += 1;
    },
    sent(type, length) {
      const { count, bytes } = sentOf(type);
      count.value += 1;
      bytes.observe(length);
    },
    offered(mesh, config) {
      regenerated.of(mesh).value += 1;
      for (const [type, size] of sizes) {
        const { size: count } = config.resources[type];
        if (count > 0) size.observe(count);
      }
    },
    delivered: (milliseconds) => delivery.observe(milliseconds),
  };
}

/** Looks each series up once: these are counted several times for each proxy and change. */
function perType<Series>(find: (type: EnvoyType) => Series): (type: EnvoyType) => Series {
  const known: Partial<Record<EnvoyType, Series>> = {};
  return (type) => {
    known[type] ??= find(type);
    return known[type];
  };
}
