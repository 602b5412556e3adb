// Resources a control plane makes at its start when they are missing (reference s6): pure data and one idempotent write.
import { randomUUID } from 'node:crypto';
import { labelNames, MeshError, type ResourceDraft } from '@ursa/resources';
import type { LiveResources } from './live-resources.ts';
import type { ResourceManager } from './resource-manager.ts';
import type { Store } from './store.ts';

/** What decides which resources are made. */
export interface StartupOptions {
  readonly zone: string;
  readonly environment: 'universal' | 'kubernetes';
  /** `defaults.skipMeshCreation` */
  readonly skipMesh: boolean;
  /** `defaults.skipTenantResources` */
  readonly skipTenant: boolean;
  /** `defaults.skipHostnameGenerators` */
  readonly skipHostnameGenerators: boolean;
}

/** Where the id of the cluster is kept: a resource that the API does not serve. */
const clusterIdKey = { type: 'Config', mesh: '', name: 'kuma-cluster-id' } as const;

/** Makes what is missing. A resource that exists is left as it is, whatever it says. */
export async function createStartupResources(
  { store, live, manager }: { readonly store: Store; readonly live: LiveResources; readonly manager: ResourceManager },
  options: StartupOptions,
): Promise<void> {
  // Several instances may start at once: what another has made meanwhile stays.
  if (clusterIdOf(live) === '') {
    const resource = { ...clusterIdKey, labels: {}, spec: { config: randomUUID() } };
    await store.write((content) => (content.get(clusterIdKey) === undefined ? [{ kind: 'put', resource }] : []));
  }
  for (const draft of startupResources(options)) {
    if (live.get(draft) === undefined) await manager.put(draft, 0).catch(unlessItIsThere);
  }
  // A zone that was renamed leaves its old Zone behind: a control plane that stands alone has exactly one.
  const others = live.list('Zone').filter((zone) => zone.name !== options.zone);
  if (others.length > 0) await store.write(others.map((key) => ({ kind: 'delete', key })));
}

function unlessItIsThere(error: unknown): void {
  if (!(error instanceof MeshError && error.code === 'precondition-failed')) throw error;
}

/** The id of the cluster; '' before `createStartupResources` has run. */
export function clusterIdOf(live: Pick<LiveResources, 'get'>): string {
  const config = live.get(clusterIdKey)?.spec;
  const id = typeof config === 'object' && config !== null ? Reflect.get(config, 'config') : undefined;
  return typeof id === 'string' ? id : '';
}

/** Every resource of a new control plane, apart from keys and authorities, which are made on demand. */
export function startupResources(options: StartupOptions): readonly ResourceDraft[] {
  const resources: ResourceDraft[] = [{ type: 'Zone', mesh: '', name: options.zone, labels: {}, spec: {} }];
  if (options.skipTenant) return resources;
  if (!options.skipMesh) resources.push({ type: 'Mesh', mesh: '', name: 'default', labels: {}, spec: {} });
  if (!options.skipHostnameGenerators) resources.push(...hostnameGenerators(options.environment));
  return resources;
}

function hostnameGenerators(environment: StartupOptions['environment']): readonly ResourceDraft[] {
  const local = { matchLabels: { [labelNames.origin]: 'zone' } };
  const generator = (name: string, selector: unknown, template: string): ResourceDraft => ({
    type: 'HostnameGenerator',
    mesh: '',
    name,
    labels: {},
    spec: { selector, template },
  });
  const external = generator(
    'local-mesh-external-service',
    { meshExternalService: local },
    '{{ .DisplayName }}.extsvc.mesh.local',
  );
  if (environment === 'kubernetes') return [external];
  const service = generator(
    'local-universal-mesh-service',
    { meshService: local },
    '{{ .DisplayName }}.svc.mesh.local',
  );
  return [external, service];
}
