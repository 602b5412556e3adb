// A manager whose writes pass a check first, however they come: one by one, together, as a trial or as a preview.
import type { ResourceDraft } from '@ursa/resources';
import type { ResourceManager } from './resource-manager.ts';

/** The manager, after a check that throws for drafts which must not be written. */
export function withCheck(
  manager: ResourceManager,
  check: (drafts: readonly ResourceDraft[]) => Promise<void>,
): ResourceManager {
  return {
    ...manager,
    async put(draft, expectedVersion, permit) {
      await check([draft]);
      return await manager.put(draft, expectedVersion, permit);
    },
    async putAll(drafts, permit) {
      await check(drafts);
      return await manager.putAll(drafts, permit);
    },
    async preview(drafts, deletions) {
      await check(drafts);
      return await manager.preview(drafts, deletions);
    },
    async check(draft) {
      await check([draft]);
      await manager.check(draft);
    },
  };
}
