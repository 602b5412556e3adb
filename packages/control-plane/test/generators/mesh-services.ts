// A control plane's store with its generators running, for the tests of this folder.
import {
  coreResourceTypes,
  createResourceTypes,
  type MeshServiceSpec,
  type MeshServiceStatus,
  parseAddressRange,
  parseResource,
  type Resource,
  type WorkloadStatus,
} from '@ursa/resources';
import { deriveExternalServicePlan } from '../../src/generators/external-service-plan.ts';
import { generator } from '../../src/generators/generator.ts';
import { meshServiceGenerator } from '../../src/generators/mesh-service-generator.ts';
import { deriveMeshServiceLabels } from '../../src/generators/mesh-service-labels.ts';
import { deriveMeshServicePorts } from '../../src/generators/mesh-service-ports.ts';
import { openPacedResources } from '../../src/generators/paced-resources.ts';
import { derivePlannedMeshServices } from '../../src/generators/planned-mesh-services.ts';
import { deriveServiceNames } from '../../src/generators/service-names.ts';
import { deriveWorkloadPlan } from '../../src/generators/workload-plan.ts';
import type { LiveResources } from '../../src/store/live-resources.ts';
import { openMemoryStore } from '../../src/store/memory-store.ts';
import { openResourceManager } from '../../src/store/resource-manager.ts';
import { startupResources } from '../../src/store/startup-resources.ts';
import type { Store } from '../../src/store/store.ts';
import { type ManualClock, manualClock } from '../identity/live-store.ts';

export const start = Date.parse('2026-11-23T12:00:00Z');
export const hour = 3600 * 1000;

/** A MeshService with its types. */
export type MeshServiceResource = Resource<MeshServiceSpec, MeshServiceStatus>;

export interface GeneratorRun {
  readonly live: LiveResources;
  readonly clock: ManualClock;
  /** Writes documents as a user would, all together. */
  apply(...documents: readonly object[]): Promise<void>;
  delete(type: string, mesh: string, name: string): Promise<void>;
  /** Lets the generators write until they have nothing left to say. */
  settle(): Promise<void>;
  meshService(key: string): MeshServiceResource | undefined;
  workload(key: string): Resource<unknown, WorkloadStatus> | undefined;
  /** Labels that were not copied, in the order of their telling. */
  readonly dropped: readonly string[];
  /** Revision of the store. */
  revision(): number;
  stop(): Promise<void>;
}

/** Starts the generators over a store: a new one, or that of an earlier run. */
export async function startGenerators(
  options: { readonly store?: Store; readonly generates?: boolean; readonly copied?: readonly string[] } = {},
): Promise<GeneratorRun & { readonly store: Store }> {
  const store = options.store ?? openMemoryStore();
  const types = createResourceTypes(coreResourceTypes);
  const labels = { mode: 'zone', zone: 'default', environment: 'universal', federated: false } as const;
  const manager = openResourceManager({ store, types, labels, unsafeDelete: true });
  if (options.store === undefined) {
    await manager.putAll(
      startupResources({
        zone: 'default',
        environment: 'universal',
        skipMesh: false,
        skipTenant: false,
        skipHostnameGenerators: false,
      }),
    );
  }
  const clock = manualClock(start);
  const live = openPacedResources(store, clock);
  const onFailure = (error: unknown): void => {
    throw error;
  };
  const range = parseAddressRange('241.0.0.0/8');
  const ranges = {
    externalServices: parseAddressRange('242.0.0.0/8'),
    multiZoneServices: parseAddressRange('243.0.0.0/8'),
  };
  const ports = deriveMeshServicePorts(live, options.generates ?? true);
  const dropped: string[] = [];
  const propagation = { enabled: options.copied !== undefined, allowedLabelKeys: options.copied ?? [] };
  const meshServiceLabels = deriveMeshServiceLabels(live, propagation, 'default');
  const names = deriveServiceNames(live, derivePlannedMeshServices(live, ports, meshServiceLabels));
  const components = [
    meshServiceGenerator({
      live,
      ports,
      names,
      labels: meshServiceLabels,
      onDropped: (labels) => dropped.push(...labels),
      store,
      clock,
      zone: 'default',
      range,
      gracePeriod: hour,
      onFailure,
    }),
    generator({
      name: 'external',
      graph: live.graph,
      store,
      clock,
      plan: deriveExternalServicePlan(live, names, ranges),
      onFailure,
    }),
    generator({
      name: 'workloads',
      graph: live.graph,
      store,
      clock,
      plan: deriveWorkloadPlan(live, 'default'),
      onFailure,
    }),
  ];
  for (const component of components) await component.start();
  const settle = async (): Promise<void> => {
    for (let quiet = 0, before = -1; quiet < 3; quiet = store.revision() === before ? quiet + 1 : 0) {
      before = store.revision();
      await new Promise((resolve) => setImmediate(resolve));
      clock.moveTo(clock.now() + 100);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return {
    store,
    live,
    clock,
    dropped,
    settle,
    async apply(...documents) {
      await manager.putAll(documents.map((document) => parseResource(types, document)));
    },
    async delete(type, mesh, name) {
      await manager.delete({ type, mesh, name });
    },
    meshService: (key) => live.resources('MeshService').get(key) as MeshServiceResource | undefined,
    workload: (key) => live.resources('Workload').get(key) as Resource<unknown, WorkloadStatus> | undefined,
    revision: () => store.revision(),
    async stop() {
      for (const component of components) await component.stop();
      live.stop();
    },
  };
}
