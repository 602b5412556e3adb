// References of policies, as matching, ordering and merging use them. Their shape is defined with the resources.
import type { TargetRef, TargetRefKind } from '@ursa/resources';

/** What a policy without a top-level `targetRef` points at. */
export const wholeMesh: TargetRef = { kind: 'Mesh' };

// Later kinds are narrower and win (reference s12).
const kindsByPrecedence: readonly TargetRefKind[] = [
  'Mesh',
  'Dataplane',
  'MeshSubset',
  'MeshGateway',
  'MeshService',
  'MeshExternalService',
  'MeshMultiZoneService',
  'MeshServiceSubset',
  'MeshHTTPRoute',
];

/** Place of a kind in the order of precedence; the narrower, the higher. */
export function kindRank(kind: TargetRefKind): number {
  return kindsByPrecedence.indexOf(kind);
}

/** True when every pair of the selector is among the tags. A value of `*` asks only that the tag is there. */
export function tagsMatch(selector: Readonly<Record<string, string>>, tags: Readonly<Record<string, string>>): boolean {
  return Object.entries(selector).every(([key, value]) =>
    value === '*' ? Object.hasOwn(tags, key) : tags[key] === value,
  );
}

/** True when every pair of the selector is among the labels. */
export function labelsMatch(
  selector: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}
