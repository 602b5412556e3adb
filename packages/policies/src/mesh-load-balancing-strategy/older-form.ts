// The load balancer of a TrafficRoute, the older form: that of the clusters its traffic goes to, unless they are servers outside of the mesh.
import type { OlderClusterForm } from '@ursa/policy';
import type { OlderLoadBalancer, OlderRouteConf } from '../conf/older-route.ts';
import { setLoadBalancer } from './load-balancer.ts';
import type { LoadBalancer } from './load-balancing-conf.ts';

const hashFunctions: Readonly<Record<string, 'XXHash' | 'MurmurHash2'>> = {
  XX_HASH: 'XXHash',
  MURMUR_HASH_2: 'MurmurHash2',
};

/** The form. */
export const olderLoadBalancer: OlderClusterForm = {
  confOf: (conf) => (conf as OlderRouteConf).loadBalancer,
  apply({ cluster }, conf) {
    setLoadBalancer(cluster.message, newerOf(conf));
  },
};

/** In the words of the newer form. Numbers of 0 say nothing. */
function newerOf({ leastRequest, ringHash, random, maglev }: OlderLoadBalancer): LoadBalancer {
  if (leastRequest !== undefined) {
    const { choiceCount = 0 } = leastRequest;
    return { type: 'LeastRequest', leastRequest: { choiceCount: choiceCount === 0 ? 2 : choiceCount } };
  }
  if (ringHash !== undefined) {
    const { hashFunction = '', minRingSize = 0, maxRingSize = 0 } = ringHash;
    const known = hashFunctions[hashFunction];
    return {
      type: 'RingHash',
      ringHash: {
        ...(known === undefined ? {} : { hashFunction: known }),
        ...(minRingSize === 0 ? {} : { minRingSize }),
        ...(maxRingSize === 0 ? {} : { maxRingSize }),
      },
    };
  }
  if (random !== undefined) return { type: 'Random' };
  return { type: maglev === undefined ? 'RoundRobin' : 'Maglev' };
}
