// What became of a policy at the proxies: who refused what it made. The control plane observes and stores it; the engine reads it like any
// resource, so that a policy which Envoy refuses is held back from those proxies, before and after restarts of anything.
import { contentHash, type EnvoyType } from '@ursa/envoy';
import type { Resource, ResourceKey } from '@ursa/resources';

/** Name of the type under which it is stored. It is written by the control plane alone and has no endpoint of its own. */
export const policyInsightType = 'PolicyInsight';

/** An Envoy resource, with the hash of the bytes that were refused. */
export interface RefusedResource {
  readonly type: EnvoyType;
  readonly name: string;
  readonly version: string;
}

/** What one proxy refused because of the policy. */
export interface Refusal {
  /** `<mesh>/<name>`. */
  readonly proxy: string;
  /** Another Envoy may take it: the refusal counts for this version only. */
  readonly envoyVersion: string;
  readonly resources: readonly RefusedResource[];
  /** Envoy's own words. */
  readonly message: string;
  /** When it was refused first, RFC 3339. */
  readonly since: string;
}

/** Spec of a PolicyInsight. */
export interface PolicyInsight {
  readonly policy: { readonly type: string; readonly name: string };
  /** `policyContent` of the policy that was refused. An insight of other content means nothing any more. */
  readonly content: string;
  /** False for policies that guard access: without them a proxy would be open. */
  readonly heldBack: boolean;
  /** So many proxies have refused it that none gets it any more. */
  readonly everywhere: boolean;
  /** Oldest first. */
  readonly refusals: readonly Refusal[];
}

/** Key of a policy's insight. */
export function policyInsightKey({ type, mesh, name }: ResourceKey): ResourceKey {
  return { type: policyInsightType, mesh, name: `${type}.${name}` };
}

/** A hash of everything in a policy that can change what proxies get. Writing the same policy again leaves it as it is. */
export function policyContent({ labels, spec }: Pick<Resource, 'labels' | 'spec'>): string {
  return contentHash(new TextEncoder().encode(JSON.stringify([Object.entries(labels).sort(), spec])));
}
