// Lint: everything that is wrong with the resources of some files, in the order of the files.
import { finding } from '@ursa/engine';
import type { ResourceKey, ResourceTypes } from '@ursa/resources';
import { type OfflineOptions, openOfflineMesh } from './offline-mesh.ts';
import type { Drafts, PlacedFinding } from './read-drafts.ts';
import type { StoredDrafts } from './server-drafts.ts';

const keyOf = ({ type, mesh, name }: ResourceKey) => `${type}/${mesh}/${name}`;

/**
 * All findings. Without a Mesh in the files only the documents themselves are judged: what they refer to may be elsewhere. With what a control
 * plane has stored, the files are judged as if they were applied to it: what is found is about them, or about what they do to the others.
 */
export function lintDrafts(
  types: ResourceTypes,
  files: Drafts,
  stored?: StoredDrafts,
  options: OfflineOptions = stored ?? {},
): readonly PlacedFinding[] {
  const { drafts, findings } = files;
  const written = new Set(drafts.map(keyOf));
  const others = (stored?.drafts ?? []).filter((draft) => !written.has(keyOf(draft)));
  const mesh = openOfflineMesh(types, [...others, ...drafts], options);
  if (mesh.meshes.length === 0 && stored === undefined) return findings;
  const missing = drafts
    .filter((draft) => draft.mesh !== '' && !mesh.meshes.includes(draft.mesh))
    .map((draft) =>
      finding(
        'mesh-missing',
        `${draft.type} ${draft.name} is in the mesh ${draft.mesh}, which does not exist (there are: ${mesh.meshes.join(', ') || 'none'})`,
        'correct mesh, or create the Mesh',
        draft,
        'mesh',
      ),
    );
  const before = stored === undefined ? undefined : openOfflineMesh(types, stored.drafts, options);
  const known = new Set(
    before?.meshes.flatMap((name) => before.engine.findings(name)).map((each) => JSON.stringify(each)),
  );
  const found = mesh.meshes
    .flatMap((name) => mesh.engine.findings(name))
    .filter((each) => (each.resource && written.has(keyOf(each.resource))) || !known.has(JSON.stringify(each)));
  const named = new Set(found.map(({ resource }) => JSON.stringify(resource)));
  const idle = drafts
    .filter(
      ({ type, mesh: inMesh }) => types.byName(type)?.policy?.isTargetRef === true && mesh.meshes.includes(inMesh),
    )
    .filter(({ type, mesh: inMesh, name }) => !named.has(JSON.stringify({ type, mesh: inMesh, name })))
    .filter((draft) => mesh.proxyKeys.some((key) => key.startsWith(`${draft.mesh}/`)) && !mesh.hasEffect(draft))
    .map((draft) =>
      finding(
        'no-effect',
        `${draft.type} ${draft.name} has no effect: without it every proxy would have the same configuration`,
        'correct what it selects or says (its matches may fit nothing), or remove it',
        draft,
      ),
    );
  return [...findings, ...[...missing, ...found, ...idle].map((each) => files.locate(each))].toSorted(byPlace);
}

function byPlace({ place: first }: PlacedFinding, { place: second }: PlacedFinding): number {
  if (first?.file !== second?.file) return (first?.file ?? '') < (second?.file ?? '') ? -1 : 1;
  return (first?.line ?? 0) - (second?.line ?? 0) || (first?.column ?? 0) - (second?.column ?? 0);
}
