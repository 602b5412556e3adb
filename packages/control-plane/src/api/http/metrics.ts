// Metrics of the API's answers, under the names of the peers (reference s13).
import { Gauge, Histogram, type Registry } from 'prom-client';
import type { RequestObserver } from './app.ts';

/** Registers the metrics, and gives back what the app tells of its requests. */
export function createRequestMetrics(registry: Registry): RequestObserver {
  const labelNames = ['handler', 'method', 'code'] as const;
  const registers = [registry];
  const durations = new Histogram({
    name: 'api_server_http_request_duration_seconds',
    help: 'Time an answer of the REST API took.',
    labelNames: [...labelNames],
    buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10],
    registers,
  });
  const sizes = new Histogram({
    name: 'api_server_http_response_size_bytes',
    help: 'Size of the bodies of the REST API.',
    labelNames: [...labelNames],
    buckets: [100, 1_000, 10_000, 100_000, 1_000_000],
    registers,
  });
  const running = new Gauge({
    name: 'api_server_http_requests_inflight',
    help: 'Requests to the REST API that are being answered.',
    registers,
  });
  return {
    began: () => running.inc(),
    ended: () => running.dec(),
    answered({ path, method, status, seconds, bodyBytes }) {
      const labels = { handler: path, method, code: String(status) };
      durations.observe(labels, seconds);
      sizes.observe(labels, bodyBytes);
    },
  };
}
