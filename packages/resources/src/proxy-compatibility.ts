// Whether the programs of a proxy fit each other and the control plane: what insights say, and what people are told.
import type { DiscoverySubscription } from './types/dataplane-insight.ts';

/** The line of the peer's kuma-dp that is spoken with. */
const peerLine = { major: 2, minor: 14 };
/** How many minor versions a kuma-dp may be apart from its control plane. */
const minorsApart = 2;

/**
 * Whether a kuma-dp of that version works with a control plane of version `own`: one of its own line up to two minor versions apart, or of the peer's line.
 * Undefined for versions that cannot be read, of which nothing is known.
 */
export function isKumaDpCompatible(version: string, own: string): boolean | undefined {
  const [theirs, ours] = [lineOf(version), lineOf(own)];
  if (theirs === undefined || ours === undefined) return undefined;
  if (theirs.major === peerLine.major && theirs.minor === peerLine.minor) return true;
  return theirs.major === ours.major && Math.abs(theirs.minor - ours.minor) <= minorsApart;
}

/** What does not fit in the programs of a connection, a sentence each. */
export function describeIncompatible({ version }: Pick<DiscoverySubscription, 'version'>): readonly string[] {
  const { kumaDp, envoy } = version ?? {};
  const sentences: string[] = [];
  if (kumaDp?.kumaCpCompatible === false)
    sentences.push(
      `kuma-dp ${kumaDp.version ?? ''} is not made for this control plane; run one that is at most ${minorsApart} minor versions apart from it`,
    );
  if (envoy?.kumaDpCompatible === false)
    sentences.push(
      `Envoy ${envoy.version ?? ''} is not the one that kuma-dp ${kumaDp?.version ?? ''} is made for; "kuma-dp version" names that`,
    );
  return sentences;
}

function lineOf(version: string): { readonly major: number; readonly minor: number } | undefined {
  const [, major, minor] = /^v?(\d+)\.(\d+)\.\d+/.exec(version) ?? [];
  return major === undefined || minor === undefined ? undefined : { major: Number(major), minor: Number(minor) };
}
