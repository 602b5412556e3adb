// The load balancer of a cluster: which instance gets the next request among those that come first.
import { create } from '@bufbuild/protobuf';
import {
  type Cluster,
  Cluster_LbPolicy,
  Cluster_LeastRequestLbConfigSchema,
  Cluster_MaglevLbConfigSchema,
  Cluster_RingHashLbConfig_HashFunction,
  Cluster_RingHashLbConfigSchema,
} from '@ursa/envoy/gen/envoy/config/cluster/v3/cluster_pb.ts';
import { parseDecimal } from '@ursa/policy';
import type { LoadBalancer } from './load-balancing-conf.ts';
import { nextPrime } from './prime.ts';

const policies = {
  RoundRobin: Cluster_LbPolicy.ROUND_ROBIN,
  LeastRequest: Cluster_LbPolicy.LEAST_REQUEST,
  RingHash: Cluster_LbPolicy.RING_HASH,
  Random: Cluster_LbPolicy.RANDOM,
  Maglev: Cluster_LbPolicy.MAGLEV,
} as const;

const hashFunctions = {
  XXHash: Cluster_RingHashLbConfig_HashFunction.XX_HASH,
  MurmurHash2: Cluster_RingHashLbConfig_HashFunction.MURMUR_HASH_2,
} as const;

const large = (count: number | undefined): bigint | undefined => (count === undefined ? undefined : BigInt(count));

function leastRequestConfig({ choiceCount, activeRequestBias }: NonNullable<LoadBalancer['leastRequest']>) {
  const bias = activeRequestBias === undefined ? undefined : parseDecimal(activeRequestBias);
  return create(Cluster_LeastRequestLbConfigSchema, {
    ...(choiceCount === undefined ? {} : { choiceCount }),
    ...(bias === undefined ? {} : { activeRequestBias: { defaultValue: bias } }),
  });
}

/** Envoy's minimum where none is given. */
const usualRingSize = 1024;

function ringHashConfig({ hashFunction, minRingSize, maxRingSize }: NonNullable<LoadBalancer['ringHash']>) {
  // Policies can say one size each: a minimum that is Envoy's own or another policy's gives way to the maximum.
  const least = minRingSize ?? usualRingSize;
  const minimumRingSize = large(maxRingSize !== undefined && maxRingSize < least ? maxRingSize : minRingSize);
  const maximumRingSize = large(maxRingSize);
  return create(Cluster_RingHashLbConfigSchema, {
    hashFunction: hashFunctions[hashFunction ?? 'XXHash'],
    ...(minimumRingSize === undefined ? {} : { minimumRingSize }),
    ...(maximumRingSize === undefined ? {} : { maximumRingSize }),
  });
}

/** Sets the load balancer of a cluster; what the conf leaves out is Envoy's choice. */
export function setLoadBalancer(cluster: Cluster, { type, leastRequest, ringHash, maglev }: LoadBalancer): void {
  cluster.lbPolicy = policies[type];
  cluster.lbConfig = { case: undefined };
  if (type === 'LeastRequest' && leastRequest !== undefined) {
    cluster.lbConfig = { case: 'leastRequestLbConfig', value: leastRequestConfig(leastRequest) };
  }
  if (type === 'RingHash' && ringHash !== undefined) {
    cluster.lbConfig = { case: 'ringHashLbConfig', value: ringHashConfig(ringHash) };
  }
  if (type === 'Maglev' && maglev !== undefined) {
    // Of others that a store may hold Envoy refuses most, and ends by a table of 1: it divides by zero.
    const tableSize = maglev.tableSize === undefined ? undefined : large(nextPrime(maglev.tableSize));
    const value = create(Cluster_MaglevLbConfigSchema, tableSize === undefined ? {} : { tableSize });
    cluster.lbConfig = { case: 'maglevLbConfig', value };
  }
}
