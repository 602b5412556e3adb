// Documents of golden cases as resources, and the labels and names that control planes on their way would have given them.
import assert from 'node:assert/strict';
import {
  compileSchema,
  coreResourceTypes,
  createResourceTypes,
  displayNameOf,
  type Findings,
  labelNames,
  type Resource,
} from '@ursa/resources';
import { policyResourceTypes } from '../../src/index.ts';

export const types = createResourceTypes([...coreResourceTypes, ...policyResourceTypes]);

const envelope = ['type', 'mesh', 'name', 'labels', 'creationTime', 'modificationTime', 'kri'];
const noTime = '0001-01-01T00:00:00Z';

/** A document as a stored resource: its spec in normal form, but no rule of its type applied. */
export function seed(document: Readonly<Record<string, unknown>>): Resource {
  const type = types.byName(String(document.type));
  assert.ok(type, `no type ${document.type}`);
  const findings: Findings = [];
  const inline = type.specForm === 'inline';
  const given = inline ? withoutEnvelope(document) : document.spec;
  const spec = compileSchema(type.spec, inline ? 'proto' : 'json')(given ?? {}, findings);
  assert.deepEqual(findings, []);
  const labels = (document.labels ?? {}) as Record<string, string>;
  const [mesh, name] = [type.scope === 'Mesh' ? String(document.mesh) : '', String(document.name)];
  return {
    ...{ type: type.name, mesh, name, labels, creationTime: noTime, modificationTime: noTime, version: 1 },
    spec: type.normalize?.(spec as never, { mesh, name, labels }) ?? spec,
  };
}

function withoutEnvelope(document: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(document).filter(([key]) => !envelope.includes(key)));
}

/** Gives a resource the name and labels of a place. */
export type MetaFunction = (resource: Resource) => Resource;

function withLabels(resource: Resource, name: string, labels: Readonly<Record<string, string>>): Resource {
  return { ...resource, name, labels: { ...labels, ...resource.labels } };
}

const kubernetesNamespace = 'ns-k8s';

const universal =
  (labels: Readonly<Record<string, string>>): MetaFunction =>
  (resource) =>
    withLabels(resource, resource.name, { ...labels, [labelNames.displayName]: resource.name });

const kubernetes =
  (labels: Readonly<Record<string, string>>): MetaFunction =>
  (resource) => ({
    ...withLabels(resource, `${resource.name}.${kubernetesNamespace}`, {
      ...labels,
      [labelNames.namespace]: kubernetesNamespace,
      [labelNames.mesh]: resource.mesh,
      [labelNames.displayName]: resource.name,
    }),
    nameExtensions: { 'k8s.kuma.io/namespace': kubernetesNamespace, 'k8s.kuma.io/name': resource.name },
  });

const fromGlobal = { [labelNames.origin]: 'global' };
const fromZone = (zone: string) => ({ [labelNames.origin]: 'zone', [labelNames.zone]: zone });

export const globalUni = universal(fromGlobal);
export const globalK8s = kubernetes(fromGlobal);
export const zoneUni = universal(fromZone('zone-uni'));
export const zoneK8s = kubernetes(fromZone('zone-k8s'));

/** As a control plane on Universal keeps what another one sent. */
export const toUni =
  (made: MetaFunction): MetaFunction =>
  (given) => {
    const { nameExtensions: _, ...resource } = made(given) as Resource & { nameExtensions?: unknown };
    return { ...resource, name: hashedNameOf(resource) };
  };

/** As a control plane on Kubernetes keeps what another one sent. */
export const toK8s =
  (made: MetaFunction): MetaFunction =>
  (given) => {
    const resource = made(given);
    const name = hashedNameOf(resource);
    const nameExtensions = { 'k8s.kuma.io/namespace': 'kuma-system', 'k8s.kuma.io/name': name };
    return { ...resource, name: `${name}.kuma-system`, nameExtensions } as Resource;
  };

export const system =
  (made: MetaFunction): MetaFunction =>
  (given) => {
    const resource = made(given);
    const labels = { ...resource.labels, [labelNames.policyRole]: 'system', [labelNames.namespace]: 'kuma-system' };
    return { ...resource, labels };
  };

export const producer =
  (made: MetaFunction): MetaFunction =>
  (given) => {
    const resource = made(given);
    return { ...resource, labels: { ...resource.labels, [labelNames.policyRole]: 'producer' } };
  };

function hashedNameOf(resource: Resource): string {
  const parts = [labelNames.zone, labelNames.namespace].flatMap((label) => resource.labels[label] ?? []);
  const name = displayNameOf(resource);
  return `${name.slice(0, 236)}-${fnv1a([resource.mesh, name, ...parts].join(''))}`;
}

const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

function fnv1a(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  const digits = hash.toString(16).padStart(16, '0');
  return [...digits].map((digit) => alphabet[digit.charCodeAt(0) % alphabet.length]).join('');
}
