// Keeps MeshInsight and ServiceInsight of every mesh true: recomputed when something in the mesh has changed, at most once in an interval,
// and never while all is quiet.
import type { DataplaneSpec, Resource, ResourceTypes } from '@ursa/resources';
import type { Component } from '../component.ts';
import { keyInType, type LiveResources } from '../store/live-resources.ts';
import type { Store, StoreWrite } from '../store/store.ts';
import { isUnavailable } from '../store/unavailable.ts';
import type { ProxyInsight } from './insight.ts';
import { meshInsight } from './mesh-insight.ts';
import { type ObservedDataplane, serviceInsight } from './service-insight.ts';

export interface MeshInsightsOptions {
  readonly store: Store;
  readonly live: LiveResources;
  readonly types: ResourceTypes;
  /** Shortest time between two computations. */
  readonly intervalMilliseconds: number;
  readonly onError: (error: unknown) => void;
  readonly metrics?: MeshInsightsMetrics;
}

/** Hears how the insights of a mesh come about. Milliseconds. */
export interface MeshInsightsMetrics {
  /** From the first change to the start of the work on it. */
  waited(milliseconds: number): void;
  processed(milliseconds: number, result: 'changed' | 'no_changes'): void;
}

/** How soon insights that the store did not take are tried again, at the earliest. */
const retryMilliseconds = 1_000;

const derived = new Set(['MeshInsight', 'ServiceInsight']);

/** Opens the insights of all meshes. Starts after the store has been loaded. */
export function openMeshInsights(options: MeshInsightsOptions): Component {
  const { store, live, types, intervalMilliseconds, onError, metrics } = options;
  const policyTypes = types.all.filter((type) => type.scope === 'Mesh' && !type.readOnly);
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let changedAt = 0;
  let writing: Promise<void> = Promise.resolve();
  let busy = false;
  let feed: { stop(): void } | undefined;

  const observe = (mesh: string): readonly ObservedDataplane[] => {
    const insights = live.resources('DataplaneInsight');
    return live.list('Dataplane', mesh).map((dataplane) => ({
      dataplane: dataplane.spec as DataplaneSpec,
      insight: (insights.get(keyInType(dataplane)) as Resource<ProxyInsight> | undefined)?.spec,
    }));
  };

  const writesFor = (mesh: string): readonly StoreWrite[] => {
    const key = { type: 'MeshInsight', mesh: '', name: mesh };
    if (live.get({ type: 'Mesh', mesh: '', name: mesh }) === undefined) {
      return live.get(key) === undefined ? [] : [{ kind: 'delete', key }];
    }
    const dataplanes = observe(mesh);
    const external = live
      .list('ExternalService', mesh)
      .map(({ spec }) => (spec as TaggedSpec).tags?.['kuma.io/service']);
    const services = serviceInsight(
      dataplanes,
      external.filter((name) => name !== undefined),
    );
    const resources = policyTypes.map((type) => ({
      type: type.name,
      policy: type.policy !== undefined,
      total: live.keys(type.name, mesh).length,
    }));
    const spec = meshInsight({ dataplanes, services, resources });
    return [
      { kind: 'put', resource: { ...key, labels: {}, spec } },
      {
        kind: 'put',
        resource: { type: 'ServiceInsight', mesh, name: `all-services-${mesh}`, labels: {}, spec: services },
      },
    ];
  };

  const wake = (milliseconds: number): void => {
    if (changed.size === 0 || timer !== undefined || busy) return;
    changedAt = performance.now();
    timer = setTimeout(flush, milliseconds).unref();
  };

  function flush(): void {
    timer = undefined;
    const meshes = [...changed];
    changed.clear();
    busy = true;
    metrics?.waited(performance.now() - changedAt);
    writing = write(meshes).then((failed) => {
      busy = false;
      for (const mesh of failed) changed.add(mesh);
      wake(failed.length > 0 ? Math.max(retryMilliseconds, intervalMilliseconds) : intervalMilliseconds);
    });
  }

  /** Gives back the meshes whose insights wait for the store. */
  const write = async (meshes: readonly string[]): Promise<readonly string[]> => {
    for (const [position, mesh] of meshes.entries()) {
      const started = performance.now();
      const revision = store.revision();
      const writes = writesFor(mesh);
      try {
        if (writes.length > 0) await store.write(writes);
        metrics?.processed(performance.now() - started, store.revision() === revision ? 'no_changes' : 'changed');
      } catch (error) {
        onError(error);
        if (isUnavailable(error)) return meshes.slice(position);
      }
    }
    return [];
  };

  return {
    name: 'mesh-insights',
    async start() {
      feed = store.changes((changes) => {
        for (const { key } of changes) {
          if (!derived.has(key.type)) changed.add(key.type === 'Mesh' ? key.name : key.mesh);
        }
        changed.delete('');
        wake(intervalMilliseconds);
      });
    },
    async stop() {
      feed?.stop();
      await writing;
      clearTimeout(timer);
      timer = undefined;
      changed.clear();
    },
  };
}

interface TaggedSpec {
  readonly tags?: Readonly<Record<string, string>>;
}
