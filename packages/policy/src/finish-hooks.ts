// Hooks of the last stage: policies that rewrite finished resources, after all others have shaped them. They have one conf for the whole proxy.

import type { Origin } from '@ursa/envoy';
import type { Cluster } from '@ursa/envoy/gen/envoy/config/cluster/v3/cluster_pb.ts';
import type { Listener } from '@ursa/envoy/gen/envoy/config/listener/v3/listener_pb.ts';

interface Finished {
  readonly name: string;
  readonly origin: Origin;
}

/** A finished cluster. `message` decodes a copy when it is first asked for; changes to it count, and so does a message put in its place. */
export interface FinishedCluster extends Finished {
  readonly type: 'cluster';
  message(): Cluster;
  replace(message: Cluster): void;
}

/** A finished listener, like a cluster. */
export interface FinishedListener extends Finished {
  readonly type: 'listener';
  message(): Listener;
  replace(message: Listener): void;
}

/** A resource that can be rewritten. */
export type FinishedResource = FinishedCluster | FinishedListener;

/** Says what could not be done: a warning on the proxy. */
export type Warn = (message: string) => void;

/** Hooks that rewrite; not called where no policy of the type has a `default`. */
export interface FinishHooks<Conf> {
  /**
   * Called for each finished cluster and listener. Returns false when the proxy must not have it. It may depend on the resource and the conf
   * only: the result is shared by all proxies that have both, and a resource whose message it does not ask for stays the same object.
   */
  finish?(resource: FinishedResource, conf: Conf, warn: Warn): boolean;
  /** Clusters and listeners to add, or to put in the place of those with the same name. Shared in the same way. */
  additions?(conf: Conf, warn: Warn): readonly (Cluster | Listener)[];
}
