// The words for what is retried, and Envoy's words for them.

/** Conditions, by the name users give. */
export const conditionNames: ReadonlyMap<string, string> = new Map([
  ['5xx', '5xx'],
  ['GatewayError', 'gateway-error'],
  ['Reset', 'reset'],
  ['Retriable4xx', 'retriable-4xx'],
  ['ConnectFailure', 'connect-failure'],
  ['EnvoyRatelimited', 'envoy-ratelimited'],
  ['RefusedStream', 'refused-stream'],
  ['Http3PostConnectFailure', 'http3-post-connect-failure'],
]);

/** Methods that are retried, by the name users give: only these, when any is given. */
export const methodNames: ReadonlyMap<string, string> = new Map(
  ['Connect', 'Delete', 'Get', 'Head', 'Options', 'Patch', 'Post', 'Put', 'Trace'].map((method) => [
    `HttpMethod${method}`,
    method.toUpperCase(),
  ]),
);

/** gRPC statuses, by the name users give. */
export const grpcStatusNames: ReadonlyMap<string, string> = new Map([
  ['Canceled', 'canceled'],
  ['DeadlineExceeded', 'deadline-exceeded'],
  ['Internal', 'internal'],
  ['ResourceExhausted', 'resource-exhausted'],
  ['Unavailable', 'unavailable'],
]);

// Status codes that are registered (IANA HTTP Status Code Registry).
const ranges: readonly (readonly [number, number])[] = [
  [100, 103],
  [200, 208],
  [226, 226],
  [300, 305],
  [307, 308],
  [400, 418],
  [421, 426],
  [428, 429],
  [431, 431],
  [451, 451],
  [500, 508],
  [510, 511],
];

/** True for a registered HTTP status code. */
export function isStatusCode(text: string): boolean {
  const code = /^\d{3}$/.test(text) ? Number(text) : 0;
  return ranges.some(([first, last]) => code >= first && code <= last);
}
