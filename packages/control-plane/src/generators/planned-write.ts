// What generators want written, and how it is written: together, and only over what the plan was made from.
import type { ResourceDraft, ResourceKey } from '@ursa/resources';
import type { Store, StoreWrite } from '../store/store.ts';

/** One write that a generator has planned. Derived: plain data. */
export type PlannedWrite =
  | {
      readonly kind: 'put';
      readonly draft: ResourceDraft;
      /** Version the plan was made from; 0: the resource must not exist. */
      readonly seen: number;
      /** Label that gets the time of the write: a plan itself knows no time. */
      readonly timeLabel?: string;
    }
  | { readonly kind: 'delete'; readonly key: ResourceKey; readonly seen: number };

/**
 * Writes what still fits at `now`, milliseconds since 1970: a plan over a resource that has changed meanwhile is left out, the change brings a new plan.
 * Errors: `MeshError('unavailable')` of the store.
 */
export async function writePlanned(store: Store, plans: readonly PlannedWrite[], now: number): Promise<void> {
  await store.write((content) =>
    plans.flatMap((plan): readonly StoreWrite[] => {
      const key = plan.kind === 'put' ? plan.draft : plan.key;
      if ((content.get(key)?.version ?? 0) !== plan.seen) return [];
      // The mesh may be gone; what it held went with it.
      if (key.mesh !== '' && content.get({ type: 'Mesh', mesh: '', name: key.mesh }) === undefined) return [];
      return plan.kind === 'put'
        ? [{ kind: 'put', resource: stamped(plan, now) }]
        : [{ kind: 'delete', key: plan.key }];
    }),
  );
}

function stamped({ draft, timeLabel }: PlannedWrite & { readonly kind: 'put' }, now: number): ResourceDraft {
  if (timeLabel === undefined) return draft;
  return { ...draft, labels: { ...draft.labels, [timeLabel]: new Date(now).toISOString() } };
}
