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

/** One way in which policies are compared, and how a loser is told about it. */
interface Criterion {
  readonly rank: (head: PolicyHead) => number;
  readonly reason: (winner: PolicyHead) => string;
}

const criteria: readonly Criterion[] = [
  {
    rank: ({ targetRef }) => kindRank(targetRef.kind),
    reason: ({ targetRef }) => `its targetRef ${targetRef.kind} is narrower`,
  },
  {
    rank: ({ targetRef }) => dataplaneRank(targetRef),
    reason: ({ targetRef }) =>
      targetRef.name === undefined ? 'it names one inbound' : 'it names one proxy, which is narrower than labels',
  },
  {
    rank: ({ origin }) => originRank(origin),
    reason: () => 'it was made in the zone, not in the global control plane',
  },
  { rank: ({ targetRef }) => gatewayTags(targetRef), reason: () => 'it selects listeners by more tags' },
  { rank: ({ role }) => policyRoles.indexOf(role), reason: ({ role }) => `its role ${role} is stronger` },
];

function compareHeads(first: PolicyHead, second: PolicyHead): number {
  const deciding = criteria.find(({ rank }) => rank(first) !== rank(second));
  return deciding === undefined ? 0 : deciding.rank(first) - deciding.rank(second);
}

/** Why one policy wins over another that it is stronger than: the first criterion in which they differ. */
export function whyStronger(winner: PolicyHead, loser: PolicyHead): string {
  const deciding = criteria.find(({ rank }) => rank(winner) !== rank(loser));
  return deciding?.reason(winner) ?? 'its name comes first in the alphabet';
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

// Alphabetically first wins, so it comes last. Two zones may use one display name: their policies stay in the order of their full names,
// as lists of them have it.
function compareNames(first: PolicyHead, second: PolicyHead): number {
  return compareText(second.displayName, first.displayName) || compareText(first.name, second.name);
}

function compareText(first: string, second: string): number {
  if (first === second) return 0;
  return first < second ? -1 : 1;
}
