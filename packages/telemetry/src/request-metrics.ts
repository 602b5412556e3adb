// Metrics of an HTTP server's answers, under the names that the peer's servers have them.
import type { Meter } from './meter.ts';

/** One request and its answer. */
export interface AnsweredRequest {
  readonly method: string;
  /** Path of the route with its parameters in braces; '' when no route matched. */
  readonly path: string;
  readonly status: number;
  readonly bodyBytes: number;
  readonly seconds: number;
}

/** Hears of every request. `began` and `ended` come in pairs. */
export interface RequestMetrics {
  began(): void;
  ended(): void;
  answered(answered: AnsweredRequest): void;
}

// A client may send any word as a method; a series for each would fill the memory.
const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS']);

/** Declares the metrics of the server whose names begin with the prefix, such as `api_server`. */
export function requestMetrics(meter: Meter, prefix: string): RequestMetrics {
  const labels = ['handler', 'method', 'code'];
  const durations = meter.histogram(
    `${prefix}_http_request_duration_seconds`,
    'Time an answer took.',
    [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10],
    labels,
  );
  const sizes = meter.histogram(
    `${prefix}_http_response_size_bytes`,
    'Size of the bodies of answers.',
    [100, 1_000, 10_000, 100_000, 1_000_000],
    labels,
  );
  let running = 0;
  meter.read(`${prefix}_http_requests_inflight`, 'gauge', 'Requests that are being answered.', () => running);
  return {
    began() {
      running += 1;
    },
    ended() {
      running -= 1;
    },
    answered({ path, method, status, seconds, bodyBytes }) {
      const named = methods.has(method) ? method : 'other';
      const code = String(status);
      durations.of(path, named, code).observe(seconds);
      sizes.of(path, named, code).observe(bodyBytes);
    },
  };
}
