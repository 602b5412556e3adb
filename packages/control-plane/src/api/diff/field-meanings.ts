// What common fields of Envoy's configuration are about, in the words of policies.

const meanings: readonly (readonly [pattern: RegExp, meaning: string])[] = [
  [/(?:^|\.)connectTimeout$/, 'connection timeout'],
  [/route\.timeout$/, 'request timeout'],
  [/route\.idleTimeout$|streamIdleTimeout$/, 'stream idle timeout'],
  [/requestHeadersTimeout$/, 'request headers timeout'],
  [/maxStreamDuration/, 'longest stream'],
  [/maxConnectionDuration$/, 'longest connection'],
  [/idleTimeout$/, 'idle timeout'],
  [/retryPolicy/, 'retries'],
  [/maxConnectAttempts$/, 'connection attempts'],
  [/circuitBreakers/, 'circuit breaker limits'],
  [/outlierDetection/, 'outlier detection'],
  [/healthChecks/, 'health checks'],
  [/accessLog/, 'access log'],
  [/[Rr]ateLimit/, 'rate limit'],
  [/\.fault|delay|abort/, 'fault injection'],
  [/rbac|\.policies/i, 'permissions'],
  [/weightedClusters|route\.cluster$|\.cluster$/, 'destination'],
  [/tracing/, 'tracing'],
  [/lbPolicy|loadBalancing|localityLb/, 'load balancing'],
  [/transportSocket|tlsContext/, 'TLS'],
  [/\.match(?:\.|$)/, 'route match'],
  [/virtualHosts|routes\[/, 'route'],
];

/** In the words of policies; undefined for fields that have none. */
export function meaningOf(path: string): string | undefined {
  return meanings.find(([pattern]) => pattern.test(path))?.[1];
}
