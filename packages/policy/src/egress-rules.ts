// Rules of a zone egress for an external service of the older kind: there the clients are told apart by their tags, so that what
// policies say of traffic to the service becomes rules by client.
import type { MergeOptions } from './merge-conf.ts';
import { comparePolicies } from './order.ts';
import type { PolicyHead } from './policy-head.ts';
import { contains, subsetOf } from './subset.ts';
import { mergeSubsets, type SubsetRule } from './subset-rules.ts';

/**
 * The `to` entries for a service with these tags, as rules by the tags of the clients (the policies' top-level references). Undefined
 * when the references overlap in too many ways.
 */
export function mergeToByClients(
  policies: readonly PolicyHead[],
  service: Readonly<Record<string, string>>,
  merge: MergeOptions = {},
): readonly SubsetRule[] | undefined {
  const tags = Object.entries(service).map(([key, value]) => ({ key, value, not: false }));
  const entries = policies.toSorted(comparePolicies).flatMap((head) =>
    (head.spec.to ?? [])
      .filter(({ targetRef }) => {
        const destination = subsetOf(targetRef);
        return destination !== undefined && contains(destination, tags);
      })
      .map((entry) => ({ head, targetRef: head.targetRef, conf: entry.default ?? {} })),
  );
  return mergeSubsets(entries, { ...merge, negations: true });
}
