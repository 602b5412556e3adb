// What health discovery counts, under the peer's names. Nothing here is kept for a single proxy.
import type { Meter } from '@ursa/telemetry';

/** Takes down what happens on the streams. */
export interface HealthMetrics {
  opened(): void;
  closed(): void;
  /** A proxy has said who it is. */
  introduced(): void;
  /** A proxy has said what its probes have found. */
  reported(): void;
  /** What a proxy is to probe has been worked out, in so many milliseconds. */
  generated(milliseconds: number): void;
  /** It could not be worked out. */
  failed(): void;
}

/** Declares the metrics. */
export function healthMetrics(meter: Meter): HealthMetrics {
  let streams = 0;
  meter.read('hds_streams_active', 'gauge', 'Open streams of health discovery.', () => streams);
  const requests = meter.counter('hds_requests_received', 'Proxies that asked what to probe.').of();
  // The peer's name: it speaks of what proxies respond.
  const responses = meter.counter('hds_responses_sent', 'Reports of proxies on what their probes have found.').of();
  const failures = meter
    .counter('hds_generation_errors', 'Times that it could not be worked out what a proxy probes.')
    .of();
  const generation = meter
    .histogram('hds_generation', 'Milliseconds to work out what a proxy is to probe.', [0.1, 0.5, 1, 5, 10, 50, 100])
    .of();
  return {
    opened() {
      streams += 1;
    },
    closed() {
      streams -= 1;
    },
    introduced() {
      requests.value += 1;
    },
    reported() {
      responses.value += 1;
    },
    generated: (milliseconds) => generation.observe(milliseconds),
    failed() {
      failures.value += 1;
    },
  };
}
