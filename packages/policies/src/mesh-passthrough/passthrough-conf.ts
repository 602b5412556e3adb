// What a MeshPassthrough can say.
import { closed, oneOf, uint32 } from '@ursa/resources';
import { type Static, Type } from 'typebox';

type Protocol = 'tcp' | 'tls' | 'grpc' | 'http' | 'http2' | 'mysql';

const match = closed({
  type: oneOf('Domain', 'IP', 'CIDR'),
  value: Type.String(),
  port: Type.Optional(uint32()),
  protocol: Type.Optional(
    Type.Unsafe<Protocol>({ enum: ['tcp', 'tls', 'grpc', 'http', 'http2', 'mysql'], default: 'tcp' }),
  ),
});

/** Conf of the policy. */
export const passthroughConf = closed({
  passthroughMode: Type.Optional(oneOf('All', 'Matched', 'None')),
  appendMatch: Type.Optional(Type.Array(match)),
});

export type PassthroughConf = Static<typeof passthroughConf>;
/** A destination, or many, outside of the mesh. */
export type OutsideMatch = Static<typeof match>;

/** Protocols of requests; a proxy cannot tell one from another before it has answered, so a port can have one of them. */
export const requestProtocols: ReadonlySet<string> = new Set(['http', 'http2', 'grpc']);
