// Ports, as Envoy takes them.

/** True for a port that Envoy takes. A store may hold others, from before, and Envoy refuses all endpoints of a service for one that is none. */
export function isPort(port: unknown): port is number {
  return typeof port === 'number' && Number.isInteger(port) && port > 0 && port <= 65_535;
}
