// The head of a policy: all that matching and ordering need, read once from the resource, so that they never look into confs.
import {
  displayNameOf,
  formatResourceKey,
  type Labels,
  labelNames,
  type Resource,
  type TargetRef,
} from '@ursa/resources';
import type { PolicySpec } from './policy-spec.ts';
import { wholeMesh } from './target-ref.ts';

/** Who a policy speaks for (feature G10), weakest first. */
export const policyRoles = ['system', 'producer', 'consumer', 'workload-owner'] as const;

export type PolicyRole = (typeof policyRoles)[number];

/** Where a resource was created; undefined when it does not say. */
export type Origin = 'global' | 'zone' | undefined;

/** What of a resource's labels says where it is from. */
export interface Provenance {
  /** The name its author gave it, before synchronization made it unique. */
  readonly displayName: string;
  readonly origin: Origin;
  /** '' when it was not made in a zone. */
  readonly zone: string;
  /** Kubernetes namespace; '' elsewhere. */
  readonly namespace: string;
}

/** A policy as matching and ordering see it. Made once per version of the resource: its identity stands for its content. */
export interface PolicyHead extends Provenance {
  /** `Type/mesh/name`. */
  readonly key: string;
  readonly type: string;
  readonly mesh: string;
  readonly name: string;
  readonly labels: Labels;
  readonly role: PolicyRole;
  /** True when the policy is only to be shown in what-if answers (feature G12). */
  readonly shadow: boolean;
  readonly targetRef: TargetRef;
  readonly spec: PolicySpec;
  readonly resource: Resource;
}

/** Reads where a resource is from out of its labels. */
export function provenance(resource: { readonly name: string; readonly labels: Labels }): Provenance {
  const { labels } = resource;
  const origin = labels[labelNames.origin];
  return {
    displayName: displayNameOf(resource),
    origin: origin === 'global' || origin === 'zone' ? origin : undefined,
    zone: labels[labelNames.zone] ?? '',
    namespace: labels[labelNames.namespace] ?? '',
  };
}

/** Head of a stored policy. The resource has been validated when it was written. */
export function policyHead(resource: Resource): PolicyHead {
  const spec = (resource.spec ?? {}) as PolicySpec;
  const role = resource.labels[labelNames.policyRole];
  return {
    ...provenance(resource),
    key: formatResourceKey(resource),
    type: resource.type,
    mesh: resource.mesh,
    name: resource.name,
    labels: resource.labels,
    role: policyRoles.find((known) => known === role) ?? 'system',
    shadow: resource.labels[labelNames.effect] === 'shadow',
    targetRef: spec.targetRef ?? wholeMesh,
    spec,
    resource,
  };
}
