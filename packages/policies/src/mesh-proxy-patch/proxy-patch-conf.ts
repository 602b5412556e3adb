// What a MeshProxyPatch can say.
import { closed, oneOf, stringMap } from '@ursa/resources';
import { type Static, Type } from 'typebox';

const text = Type.Optional(Type.String());

const jsonPatches = Type.Optional(
  Type.Array(
    closed({
      op: oneOf('add', 'remove', 'replace', 'move', 'copy'),
      path: Type.String(),
      from: text,
      value: Type.Optional(Type.Unknown()),
    }),
  ),
);

const onResource = oneOf('Add', 'Remove', 'Patch');
const onFilter = oneOf('Remove', 'Patch', 'AddFirst', 'AddBefore', 'AddAfter', 'AddLast');
const change = { value: Type.Optional(Type.String({ description: "YAML of Envoy's resource." })), jsonPatches };

const filterMatch = closed({
  origin: text,
  name: text,
  listenerName: text,
  listenerTags: Type.Optional(stringMap()),
});
const filter = closed({ match: Type.Optional(filterMatch), operation: onFilter, ...change });

const modification = closed({
  cluster: Type.Optional(
    closed({ match: Type.Optional(closed({ origin: text, name: text })), operation: onResource, ...change }),
  ),
  listener: Type.Optional(
    closed({
      match: Type.Optional(closed({ origin: text, name: text, tags: Type.Optional(stringMap()) })),
      operation: onResource,
      ...change,
    }),
  ),
  networkFilter: Type.Optional(filter),
  httpFilter: Type.Optional(filter),
  virtualHost: Type.Optional(
    closed({
      match: closed({ origin: text, name: text, routeConfigurationName: text }),
      operation: onResource,
      ...change,
    }),
  ),
});

/** Conf of the policy. */
export const proxyPatchConf = closed({ appendModifications: Type.Optional(Type.Array(modification)) });

export type ProxyPatchConf = Static<typeof proxyPatchConf>;
export type Modification = Static<typeof modification>;
/** A change of network filters or of HTTP filters. */
export type FilterChange = Static<typeof filter>;
/** A change of virtual hosts. */
export type VirtualHostChange = NonNullable<Modification['virtualHost']>;
