// How MeshIdentities come into use: what the leader writes for them, and how an instance learns that all proxies of a mesh have taken what others rely on.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Derivation } from '@ursa/collections';
import { formatResourceKey } from '@ursa/resources';
import type { Component } from './component.ts';
import { meshIdentities } from './generators/mesh-identities.ts';
import { deriveServicesKnow } from './generators/services-know.ts';
import type { Clock } from './identity/clock.ts';
import type { Place } from './identity/mesh-identities/identity-authorities.ts';
import { watchUntil } from './identity/mesh-identities/watch-until.ts';
import { awayFrom, deriveLastConnections } from './insights/last-connections.ts';
import type { InstanceCalls } from './instances/calls.ts';
import type { Instances, KnownInstance } from './instances/instances.ts';
import type { Log } from './log.ts';
import type { LiveResources } from './store/live-resources.ts';
import type { Store } from './store/store.ts';
import type { Rollout, RolloutView } from './xds/rollout.ts';

/** What announcements are made with. */
export interface AnnouncementParts {
  readonly live: LiveResources;
  readonly place: Place;
  readonly rollout: () => Rollout;
  /** Meshes whose services outside zone egresses serve. */
  readonly egressMeshes: Derivation<readonly [], readonly string[]>;
  readonly instances: Instances;
  readonly calls: InstanceCalls;
  readonly log: Log;
}

/** What comes before a step that all proxies of a mesh, on every instance, must be ready for. */
export interface Announcements {
  /** Resolves when the MeshServices of a mesh name all its SPIFFE IDs and the connected proxies have what is stored now, or have had their time. */
  readonly announce: (mesh: string) => Promise<void>;
  /** Resolves when the connected proxies of a mesh have what they should have since the last moment, or have had their time. */
  readonly untilTaken: (mesh: string) => Promise<void>;
}

// Those who do not answer, or do not come back, must not keep all others from their identity.
const patience = 10_000;
const pause = 250;
const settle = 20;
// Several times what a change takes from one instance to another.
const betweenInstances = 1_000;

/** Makes announcements. */
export function composeAnnouncements(parts: AnnouncementParts): Announcements {
  const { live, place, rollout, egressMeshes, instances, calls, log } = parts;
  const servicesKnow = deriveServicesKnow(live, place);
  const logger = log.component('identity');
  const lastConnections = deriveLastConnections(live, egressMeshes);
  const untilAllTold = async (mesh: string, left: () => number): Promise<boolean> => {
    do {
      const revision = live.revision();
      const others = instances.list().filter((each) => each.id !== instances.self && instances.isLiving(each));
      const told = await Promise.all([
        untilTold(rollout(), revision, mesh, left()),
        ...others.map((other) => untilOtherTold(calls, other, { revision, mesh }, left)),
      ]);
      if (told.includes(undefined)) return false;
      const here = new Set(told.flatMap((names) => names ?? []));
      if (awayFrom(lastConnections.get(mesh), here, Date.now(), patience).length === 0) return true;
      await sleep(Math.min(pause, left()));
    } while (left() > 0);
    return false;
  };
  const patiently = (): (() => number) => {
    const end = performance.now() + patience;
    return () => Math.max(0, end - performance.now());
  };
  return {
    async announce(mesh) {
      const left = patiently();
      await watchUntil(live.graph, servicesKnow, mesh, left());
      if (await untilAllTold(mesh, left)) return;
      logger.warn('a proxy gets a new identity although not all others have taken what they need to believe it', {
        mesh,
      });
    },
    async untilTaken(mesh) {
      // This instance's news may be on their way inside, and another instance may hear of the change only now.
      await sleep(several(instances) ? betweenInstances : pause);
      if (!(await untilAllTold(mesh, patiently())))
        logger.warn('mTLS is switched off although not all proxies have taken the step before', { mesh });
      // What was begun before the last answer is through by then: a connection that is being opened is no traffic yet.
      await sleep(pause);
    },
  };
}

function several(instances: Instances): boolean {
  return instances.list().some((each) => each.id !== instances.self && instances.isLiving(each));
}

/** Proxies that wait for a certificate have heard of everything; it may be this very announcement that they wait for. */
function isTold({ processed, proxies }: RolloutView, revision: number): boolean {
  return processed >= revision && proxies.every(({ state, waitsFor }) => state !== 'pending' || waitsFor !== undefined);
}

/** The proxies that an instance has, by their keys (`formatResourceKey`), once all of them are told; undefined when the time is over before. */
type Told = readonly string[] | undefined;

function toldIn(view: RolloutView, revision: number): Told {
  return isTold(view, revision) ? view.proxies.map(({ proxy }) => formatResourceKey(proxy)) : undefined;
}

function untilTold(rollout: Rollout, revision: number, mesh: string, within: number): Promise<Told> {
  return new Promise((resolve) => {
    // A view costs more than the question, which is asked after every few answers.
    const told = (): Told =>
      rollout.isTold(revision, mesh) ? toldIn(rollout.at(revision, mesh, true), revision) : undefined;
    const already = told();
    if (already !== undefined) return resolve(already);
    let look: NodeJS.Timeout | undefined;
    const finish = (names: Told): void => {
      clearTimeout(look);
      clearTimeout(end);
      progress.stop();
      resolve(names);
    };
    const end = setTimeout(() => finish(told()), within);
    // One look for all answers that come within a moment, and after all of what came with them.
    const progress = rollout.onProgress(() => {
      look ??= setTimeout(() => {
        look = undefined;
        const names = told();
        if (names !== undefined) finish(names);
      }, settle);
    });
  });
}

async function untilOtherTold(
  calls: InstanceCalls,
  other: KnownInstance,
  question: { readonly revision: number; readonly mesh: string },
  left: () => number,
): Promise<Told> {
  while (left() > 0) {
    const view = await calls.ask(other, 'rollout', { ...question, withEgresses: true, wait: 0 }).catch(() => undefined);
    const told = view === undefined ? undefined : toldIn(view as RolloutView, question.revision);
    if (told !== undefined) return told;
    await sleep(Math.min(pause, left()));
  }
  return undefined;
}

/** What the component is composed of. */
export interface MeshIdentityParts {
  readonly paced: LiveResources;
  /** The leader's. */
  readonly store: Store;
  readonly clock: Clock;
  readonly place: Place;
  readonly announce: Announcements['announce'];
  readonly log: Log;
}

/** The component that brings MeshIdentities into use; for the leader only. */
export function composeMeshIdentities({ paced, log, ...parts }: MeshIdentityParts): Component {
  const logger = log.component('identity');
  return meshIdentities({
    ...parts,
    live: paced,
    onFailure: (error) => logger.error('a MeshIdentity could not be brought into use', { error }),
  });
}
