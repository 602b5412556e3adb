// Policies and Dataplanes for tests: as little as a test needs to say.
import { labelNames, type Resource, type TargetRef } from '@ursa/resources';
import { type PolicyHead, type PolicySpec, policyHead, provenance, type SelectableProxy } from '../src/index.ts';

const someTime = '2026-01-01T00:00:00Z';

/** A stored resource. */
export function resource(type: string, name: string, spec: unknown = {}, labels: Resource['labels'] = {}): Resource {
  const times = { creationTime: someTime, modificationTime: someTime, version: 1 };
  return { type, mesh: type === 'Mesh' ? '' : 'default', name, labels, spec, ...times };
}

/** Head of a policy of some type. */
export function policy(name: string, spec: PolicySpec = {}, labels: Resource['labels'] = {}): PolicyHead {
  return policyHead(resource('MeshExample', name, spec, labels));
}

/** Labels of what a zone's own control plane stores. */
export const inZone = (zone: string): Resource['labels'] => ({
  [labelNames.origin]: 'zone',
  [labelNames.zone]: zone,
});

/** Labels of what the global control plane sends. */
export const fromGlobal: Resource['labels'] = { [labelNames.origin]: 'global' };

/** A sidecar with one inbound for each set of tags, on ports 8080, 8081, …, named `port-0`, … */
export function sidecar(
  name: string,
  inboundTags: readonly Readonly<Record<string, string>>[],
  labels: Resource['labels'] = {},
): SelectableProxy {
  return {
    ...provenance({ name, labels }),
    mesh: 'default',
    labels,
    inbounds: inboundTags.map((tags, position) => ({
      address: '192.0.2.1',
      port: 8080 + position,
      name: `port-${position}`,
      tags,
    })),
  };
}

/** An entry of `to` or `from`. */
export function entry(
  targetRef: TargetRef,
  conf: unknown,
): { readonly targetRef: TargetRef; readonly default: unknown } {
  return { targetRef, default: conf };
}
