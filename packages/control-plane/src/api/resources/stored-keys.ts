// Keys written into a resource itself are shown as a mask to all but administrators; a resource that is written back must not lose them.
import { MeshError, type Resource, type ResourceDraft, restoreSecrets } from '@ursa/resources';

/** A key that was shown as a mask and comes back as one is the stored key. Errors: `MeshError('invalid')` where none is stored. */
export function withStoredKeys(draft: ResourceDraft, current: Resource | undefined): ResourceDraft {
  const { value: spec, missing } = restoreSecrets(draft.spec, current?.spec);
  if (missing.length === 0) return spec === draft.spec ? draft : { ...draft, spec };
  const message = 'stands for a key that is not shown, and none is stored here: write the key itself, or name a Secret';
  const violations = missing.map((field) => ({ field, message }));
  throw new MeshError('invalid', `${missing[0]}: ${message}`, { violations });
}
