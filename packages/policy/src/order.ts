// Order: which of two policies wins. Lists are sorted lowest first, and merging lets the later one win (reference s12).
import type { TargetRef } from '@ursa/resources';
import { type Origin, type PolicyHead, policyRoles } from './policy-head.ts';
import { kindRank } from './target-ref.ts';

/** Compares two policies by precedence; negative when the first is the weaker one. Total over distinct policies. */
export function comparePolicies(first: PolicyHead, second: PolicyHead): number {
  return compareHeads(first, second) || compareNames(first, second);
}

/** An entry of a list together with the policy it stands in. */
export interface PolicyEntry<Entry> {
  readonly head: PolicyHead;
  readonly entry: Entry;
  /** Position in the policy's list. */
  readonly ruleIndex: number;
}

/** Compares entries of `to`: first the policies, then how narrow the destination is, then the names. */
export function compareToEntries(
  first: PolicyEntry<{ readonly targetRef: TargetRef }>,
  second: PolicyEntry<{ readonly targetRef: TargetRef }>,
): number {
  return (
    compareHeads(first.head, second.head) ||
    compareDestinations(first.entry.targetRef, second.entry.targetRef) ||
    compareNames(first.head, second.head)
  );
}

function compareHeads(first: PolicyHead, second: PolicyHead): number {
  return (
    kindRank(first.targetRef.kind) - kindRank(second.targetRef.kind) ||
    dataplaneRank(first.targetRef) - dataplaneRank(second.targetRef) ||
    originRank(first.origin) - originRank(second.origin) ||
    gatewayTags(first.targetRef) - gatewayTags(second.targetRef) ||
    policyRoles.indexOf(first.role) - policyRoles.indexOf(second.role)
  );
}

// A name is narrower than labels, a section narrower than the whole proxy; the section counts first only between equals.
function dataplaneRank(targetRef: TargetRef): number {
  if (targetRef.kind !== 'Dataplane') return 0;
  return (targetRef.name === undefined ? 0 : 2) + (targetRef.sectionName === undefined ? 0 : 1);
}

function originRank(origin: Origin): number {
  return ['global', undefined, 'zone'].indexOf(origin);
}

function gatewayTags(targetRef: TargetRef): number {
  return targetRef.kind === 'MeshGateway' ? Object.keys(targetRef.tags ?? {}).length : 0;
}

function compareDestinations(first: TargetRef, second: TargetRef): number {
  const byKind = kindRank(first.kind) - kindRank(second.kind);
  if (byKind !== 0 || first.kind !== 'MeshService') return byKind;
  return (first.sectionName === undefined ? 0 : 1) - (second.sectionName === undefined ? 0 : 1);
}

// Alphabetically first wins, so it comes last. The full name makes the order total: two zones may use one display name.
function compareNames(first: PolicyHead, second: PolicyHead): number {
  return compareText(second.displayName, first.displayName) || compareText(second.name, first.name);
}

function compareText(first: string, second: string): number {
  if (first === second) return 0;
  return first < second ? -1 : 1;
}
