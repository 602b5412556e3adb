// A previewed change as the engine takes it: an overlay in which it has happened.
import type { ResourceDrafts } from '@ursa/engine';
import type { Resource } from '@ursa/resources';
import { keyInType } from '../../store/live-resources.ts';
import type { PreviewedChange } from '../../store/resource-manager.ts';

/** What the resources would be. */
export function draftsOf(changes: readonly Pick<PreviewedChange, 'key' | 'after'>[]): ResourceDrafts {
  const drafts = new Map<string, Map<string, Resource | undefined>>();
  for (const { key, after } of changes) {
    const ofType = drafts.get(key.type) ?? new Map<string, Resource | undefined>();
    drafts.set(key.type, ofType.set(keyInType(key), after));
  }
  return drafts;
}
