// The component that brings MeshIdentities into use: it writes what the plan says, and announces an identity to all proxies before one of them has it.
import type { Component } from '../component.ts';
import type { Clock } from '../identity/clock.ts';
import { deriveIdentityAuthorities, type Place } from '../identity/mesh-identities/identity-authorities.ts';
import { openIdentitySources } from '../identity/mesh-identities/identity-sources.ts';
import type { LiveResources } from '../store/live-resources.ts';
import type { Store } from '../store/store.ts';
import { generator } from './generator.ts';
import { deriveMeshIdentityPlan } from './mesh-identity-plan.ts';

export interface MeshIdentitiesInputs {
  /** Paced, see `openPacedResources`. */
  readonly live: LiveResources;
  readonly store: Store;
  readonly clock: Clock;
  readonly place: Place;
  /** Resolves when the connected proxies of a mesh have what is stored now, or have had their time. */
  readonly announce: (mesh: string) => Promise<void>;
  readonly onFailure: (error: unknown) => void;
}

/** The component. */
export function meshIdentities({ live, store, clock, place, announce, onFailure }: MeshIdentitiesInputs): Component {
  const { graph } = live;
  const announced = graph.source<boolean>('announced-identities');
  const inWork = new Set<string>();
  let parts: readonly { stop(): void | Promise<void> }[] = [];
  return {
    name: 'mesh-identities',
    async start() {
      const sources = openIdentitySources(live);
      await sources.loaded();
      const authorities = deriveIdentityAuthorities(live, sources.contents, place);
      const { plan, unannounced } = deriveMeshIdentityPlan({ live, place, authorities, announced });
      const announceAll = (keys: readonly string[]): void => {
        for (const key of keys) {
          if (inWork.has(key)) continue;
          inWork.add(key);
          const [mesh = ''] = key.split('/');
          void announce(mesh)
            .catch(onFailure)
            .then(() => {
              inWork.delete(key);
              announced.set(key, true);
            });
        }
      };
      const writer = generator({ name: 'mesh-identities', graph, store, clock, plan, onFailure });
      const watch = graph.watch(unannounced, [], announceAll);
      parts = [sources, watch, writer];
      await writer.start();
      announceAll(watch.value);
    },
    async stop() {
      for (const part of [...parts].reverse()) await part.stop();
      parts = [];
      for (const key of announced.keys()) announced.delete(key);
    },
  };
}
