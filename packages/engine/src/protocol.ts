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
};

/** The protocol of this name; unknown ones are treated as TCP. */
export function parseProtocol(name: string | undefined): Protocol {
  return name !== undefined && Object.hasOwn(readings, name) ? (name as Protocol) : 'tcp';
}

/** The most specific protocol that all endpoints of a service speak. */
export function commonProtocol(protocols: readonly Protocol[]): Protocol {
  const [first, ...others] = protocols;
  if (first === undefined) return 'tcp';
  return readings[first].find((reading) => others.every((other) => readings[other].includes(reading))) ?? 'tcp';
}

/** True for protocols that are served by an HTTP connection manager. */
export function isHttp(protocol: Protocol): boolean {
  return protocol === 'http' || protocol === 'http2' || protocol === 'grpc';
}
