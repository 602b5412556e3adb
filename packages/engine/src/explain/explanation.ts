// What `explain` is asked and what it answers.
import type { JsonValue } from '@bufbuild/protobuf';
import type { Finding } from '../lint/finding.ts';

/** One request, before it is made. */
export interface Question {
  readonly mesh: string;
  /** A Dataplane, a service or a workload. */
  readonly from: string;
  /** A service, a MeshService, or a Dataplane. */
  readonly to: string;
  /** The port that the client calls; undefined for the first that leads there. */
  readonly port?: number;
  readonly method: string;
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A policy, and which of its entries is meant. */
export interface PolicyReference {
  readonly type: string;
  readonly name: string;
  readonly kri: string;
  /** `spec.to[0]`; '' when the whole policy is meant. */
  readonly field: string;
}

/** One thing that the request passes, in order. */
export interface Step {
  readonly at: 'client' | 'outbound' | 'route' | 'cluster' | 'inbound' | 'permission' | 'egress' | 'server';
  readonly text: string;
  /** The policy that decided this step. */
  readonly policy?: PolicyReference;
  /** The part of Envoy's configuration that does it. */
  readonly envoy?: JsonValue;
}

/** A share of the traffic of the chosen route. */
export interface BackendShare {
  readonly name: string;
  readonly weight: number;
  readonly healthy: number;
  readonly total: number;
}

/** What policies of one type do to this request on one side. */
export interface AppliedPolicies {
  readonly type: string;
  readonly side: 'client' | 'server';
  /** `http.requestTimeout: "2s"`; a field that cannot act on the protocol says so. */
  readonly effects: readonly string[];
  /** Those that contribute, the strongest first. */
  readonly decidedBy: readonly PolicyReference[];
  readonly lost: readonly { readonly policy: PolicyReference; readonly reason: string }[];
}

/** The answer. */
export interface Explanation {
  readonly verdict: 'allowed' | 'denied' | 'unreachable' | 'unknown';
  /** The verdict in one line, with its reason. */
  readonly summary: string;
  readonly steps: readonly Step[];
  readonly backends: readonly BackendShare[];
  readonly policies: readonly AppliedPolicies[];
  /** What stands in the way, or will surprise, with what to do. */
  readonly problems: readonly Finding[];
}
