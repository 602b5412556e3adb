// What a MeshLoadBalancingStrategy can say.
import { closed, duration, intOrString, oneOf, uint32 } from '@ursa/resources';
import { type Static, Type } from 'typebox';

const hashPolicy = closed({
  type: oneOf('Header', 'Cookie', 'Connection', 'SourceIP', 'QueryParameter', 'FilterState'),
  terminal: Type.Optional(Type.Boolean()),
  header: Type.Optional(closed({ name: Type.String({ minLength: 1 }) })),
  cookie: Type.Optional(
    closed({
      name: Type.String({ minLength: 1 }),
      ttl: Type.Optional(duration()),
      path: Type.Optional(Type.String()),
    }),
  ),
  connection: Type.Optional(closed({ sourceIP: Type.Optional(Type.Boolean()) })),
  queryParameter: Type.Optional(closed({ name: Type.String({ minLength: 1 }) })),
  filterState: Type.Optional(closed({ key: Type.String({ minLength: 1 }) })),
});

const hashPolicies = Type.Optional(Type.Array(hashPolicy));
const ringSize = Type.Optional(Type.Integer({ minimum: 1, maximum: 8000000 }));

const loadBalancer = closed({
  type: oneOf('RoundRobin', 'LeastRequest', 'RingHash', 'Random', 'Maglev'),
  roundRobin: Type.Optional(closed({})),
  leastRequest: Type.Optional(
    closed({
      choiceCount: Type.Optional(Type.Integer({ minimum: 2, maximum: 4294967295 })),
      activeRequestBias: Type.Optional(intOrString()),
    }),
  ),
  ringHash: Type.Optional(
    closed({
      hashFunction: Type.Optional(oneOf('XXHash', 'MurmurHash2')),
      minRingSize: ringSize,
      maxRingSize: ringSize,
      hashPolicies,
    }),
  ),
  random: Type.Optional(closed({})),
  maglev: Type.Optional(
    closed({ tableSize: Type.Optional(Type.Integer({ minimum: 1, maximum: 5000011 })), hashPolicies }),
  ),
});

const failover = closed({
  from: Type.Optional(closed({ zones: Type.Array(Type.String()) })),
  to: closed({ type: oneOf('None', 'Only', 'Any', 'AnyExcept'), zones: Type.Optional(Type.Array(Type.String())) }),
});

const localityAwareness = closed({
  disabled: Type.Optional(Type.Boolean()),
  localZone: Type.Optional(
    closed({
      affinityTags: Type.Optional(Type.Array(closed({ key: Type.String(), weight: Type.Optional(uint32()) }))),
    }),
  ),
  crossZone: Type.Optional(
    closed({
      failover: Type.Optional(Type.Array(failover)),
      failoverThreshold: Type.Optional(closed({ percentage: intOrString() })),
    }),
  ),
});

/** Conf of the policy. */
export const loadBalancingConf = closed({
  localityAwareness: Type.Optional(localityAwareness),
  loadBalancer: Type.Optional(loadBalancer),
  hashPolicies,
});

export type LoadBalancingConf = Static<typeof loadBalancingConf>;
export type LoadBalancer = Static<typeof loadBalancer>;
export type HashPolicy = Static<typeof hashPolicy>;
export type LocalityAwareness = Static<typeof localityAwareness>;
