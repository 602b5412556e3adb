// A stored resource as the REST API shows it, in the universal form or as a Kubernetes object.
import { kriOf } from './kri.ts';
import { labelNames } from './label-names.ts';
import type { Resource } from './resource.ts';
import type { ResourceType } from './resource-type.ts';
import { snisOf } from './sni.ts';

/** Which wire form; `kubernetes` is the object a user would apply to a cluster. */
export interface FormatOptions {
  readonly format?: 'universal' | 'kubernetes';
  /** Namespace of the control plane, for the Kubernetes form. */
  readonly systemNamespace?: string;
}

/** JSON-ready form of a resource, its fields in the order in which the peers print them. */
export function formatResource(
  type: ResourceType,
  resource: Resource,
  options: FormatOptions = {},
): Record<string, unknown> {
  return options.format === 'kubernetes'
    ? formatKubernetes(type, resource, options.systemNamespace ?? 'kuma-system')
    : formatUniversal(type, resource);
}

function formatUniversal(type: ResourceType, resource: Resource): Record<string, unknown> {
  const document: Record<string, unknown> = { type: type.name };
  if (type.scope === 'Mesh') document.mesh = resource.mesh;
  document.name = resource.name;
  document.creationTime = resource.creationTime;
  document.modificationTime = resource.modificationTime;
  if (Object.keys(resource.labels).length > 0) document.labels = resource.labels;
  const kri = kriOf(type, resource);
  if (kri !== undefined) document.kri = kri;
  if (type.specForm === 'inline') return Object.assign(document, resource.spec);
  const snis = snisOf(type, resource);
  if (snis !== undefined) document.snis = snis;
  document.spec = resource.spec;
  if (type.status !== undefined || resource.status !== undefined) document.status = statusOf(type, resource);
  return document;
}

function statusOf(type: ResourceType, resource: Resource): object {
  return { ...(resource.status ?? {}), ...missingOf(type.emptyStatus, resource.status) };
}

function missingOf(empty: Readonly<Record<string, unknown>> | undefined, status: unknown): Record<string, unknown> {
  const given = (status ?? {}) as Record<string, unknown>;
  return Object.fromEntries(Object.entries(empty ?? {}).filter(([key]) => given[key] === undefined));
}

function formatKubernetes(type: ResourceType, resource: Resource, systemNamespace: string): Record<string, unknown> {
  if (type.name === 'Secret' || type.name === 'GlobalSecret') return formatSecret(type, resource, systemNamespace);
  const document: Record<string, unknown> = { apiVersion: 'kuma.io/v1alpha1', kind: type.name };
  const metadata: Record<string, unknown> = { name: resource.name };
  if (type.specForm === 'nested') {
    metadata.namespace = systemNamespace;
    if (type.scope === 'Mesh') metadata.labels = { [labelNames.mesh]: resource.mesh };
  } else if (type.scope === 'Mesh') {
    document.mesh = resource.mesh;
  }
  document.metadata = { ...metadata, creationTimestamp: resource.creationTime };
  document.spec = resource.spec;
  if (type.status !== undefined || resource.status !== undefined) document.status = statusOf(type, resource);
  return document;
}

function formatSecret(type: ResourceType, resource: Resource, systemNamespace: string): Record<string, unknown> {
  const { data } = resource.spec as { readonly data?: string };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: resource.name,
      namespace: systemNamespace,
      ...(type.scope === 'Mesh' ? { labels: { [labelNames.mesh]: resource.mesh } } : {}),
      creationTimestamp: resource.creationTime,
    },
    data: { value: data ?? '' },
    type: type.scope === 'Mesh' ? 'system.kuma.io/secret' : 'system.kuma.io/global-secret',
  };
}
