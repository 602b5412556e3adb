// Authorization: what a policy that permits says of one client. The same rules as in the proxy's configuration, decided here.
import type { Protocol } from '@ursa/envoy';
import type { PolicyHead } from './policy-head.ts';

/** A client as the server's proxy knows it. */
export interface ClientIdentity {
  /** URIs in its certificate, in their order there. */
  readonly uris: readonly string[];
  /** Server name that it asked for. */
  readonly sni: string;
}

/** What a policy decides about a client. */
export interface Authorization {
  readonly allowed: boolean;
  /** True when the client is let in and counted as if it were refused. */
  readonly shadowDenied: boolean;
  /** The entry that decided; undefined when none speaks of the client. */
  readonly by: { readonly head: PolicyHead; readonly field: string } | undefined;
}

/** Protocols by field of a conf. */
export type EffectiveOn = Readonly<Record<string, readonly Protocol[]>>;
