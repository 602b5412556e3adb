// `targetRef`: how policies say which proxies or destinations they mean.
import { type Static, Type } from 'typebox';
import { closed, oneOf, stringMap } from './shapes.ts';

/** All kinds a `targetRef` may have, in the order in which the peers list them. */
export const targetRefKinds = [
  'Mesh',
  'MeshSubset',
  'MeshGateway',
  'MeshService',
  'MeshExternalService',
  'MeshMultiZoneService',
  'MeshServiceSubset',
  'MeshHTTPRoute',
  'Dataplane',
] as const;
/** One kind of a `targetRef`. */
export type TargetRefKind = (typeof targetRefKinds)[number];

/** Kinds of proxies a policy for the whole mesh can be narrowed to. */
export const targetRefProxyTypes = ['Sidecar', 'Gateway'] as const;

const fields = {
  kind: oneOf(...targetRefKinds),
  name: Type.Optional(Type.String()),
  namespace: Type.Optional(Type.String()),
  labels: Type.Optional(stringMap()),
  mesh: Type.Optional(Type.String()),
  proxyTypes: Type.Optional(Type.Array(oneOf(...targetRefProxyTypes))),
  sectionName: Type.Optional(Type.String()),
  tags: Type.Optional(stringMap()),
};

/** Shape of every `targetRef`; which kinds and fields one place allows is for the policy's rules. */
export const targetRef = closed(fields);
/** A `targetRef`, as parsed. */
export type TargetRef = Static<typeof targetRef>;

/** A `targetRef` with a weight and a port, as routes use it to say where requests go. */
export const backendRef = closed({
  ...fields,
  port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65535 })),
  weight: Type.Optional(Type.Integer({ minimum: 0, default: 1 })),
});
/** A destination of a route, as parsed. */
export type BackendRef = Static<typeof backendRef>;
