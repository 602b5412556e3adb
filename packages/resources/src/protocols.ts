// The protocols that the mesh knows by name.

/** Protocols with their own treatment, in the order in which error texts list them. */
export const supportedProtocols = ['grpc', 'http', 'http2', 'kafka', 'tcp'] as const;

/** A protocol's name as it counts: unknown and missing ones are plain TCP. */
export type MeshProtocol = (typeof supportedProtocols)[number] | 'tls';

/** What a protocol name means; undefined when it is not one. Case does not matter. */
export function parseProtocol(name: string): MeshProtocol | undefined {
  const lower = name.toLowerCase();
  return lower === 'tls' ? 'tls' : supportedProtocols.find((protocol) => protocol === lower);
}
