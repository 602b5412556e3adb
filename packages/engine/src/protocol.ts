// Protocols of inbounds and services (feature C13).
import type { Protocol } from '@ursa/envoy';

/** What each protocol can be treated as, the most specific first. */
const readings: Readonly<Record<Protocol, readonly Protocol[]>> = {
  grpc: ['grpc', 'http2', 'tcp'],
  http2: ['http2', 'tcp'],
  http: ['http', 'tcp'],
  kafka: ['kafka', 'tcp'],
  tls: ['tls', 'tcp'],
  tcp: ['tcp'],
  unknown: ['unknown'],
};

/** The protocol of this name. */
export function parseProtocol(name: string | undefined): Protocol {
  return name !== undefined && Object.hasOwn(readings, name) ? (name as Protocol) : 'unknown';
}

/** The most specific protocol that all endpoints of a service speak; unknown while there are none, or when one has not said. */
export function commonProtocol(protocols: readonly Protocol[]): Protocol {
  const [first, ...others] = protocols;
  if (first === undefined) return 'unknown';
  return readings[first].find((reading) => others.every((other) => readings[other].includes(reading))) ?? 'unknown';
}

/** True for protocols that are served by an HTTP connection manager. */
export function isHttp(protocol: Protocol): boolean {
  return protocol === 'http' || protocol === 'http2' || protocol === 'grpc';
}
