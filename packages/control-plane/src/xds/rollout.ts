// How far the connected proxies have come with a revision of the store: what `_rollout` answers, read off what each connection knows.
import type { ResourceKey } from '@ursa/resources';
import type { Delivery, Refusal } from './delivery.ts';

/** What a proxy has made of a revision. `acked`: it has everything that the revision changed for it, which may be nothing. */
export type ProxyState = 'acked' | 'pending' | 'refused';

/** A policy that a proxy does without because Envoy refused what it made. */
export interface HeldBackPolicy extends ResourceKey {
  /** Envoy's text. */
  readonly message: string;
  /** RFC 3339. */
  readonly since: string;
}

/** One connected proxy, in view of a revision. */
export interface ProxyRollout {
  readonly proxy: ResourceKey;
  readonly state: ProxyState;
  /** Since when it is pending, in milliseconds since 1970. */
  readonly since?: number;
  /** What a pending proxy waits for, where that is not its own answer. */
  readonly waitsFor?: 'certificate';
  /** What it refuses; also of earlier revisions, as long as it does. */
  readonly refusals?: readonly Refusal[];
  /** Policies that are held back from it. */
  readonly heldBack?: readonly HeldBackPolicy[];
}

/** Where all proxies are. */
export interface RolloutView {
  /** The revision that every configuration has been worked out for. */
  readonly processed: number;
  /** Sorted by mesh and name. */
  readonly proxies: readonly ProxyRollout[];
}

/** Shows how far proxies have come. */
export interface RolloutViews {
  /** For proxies of one mesh, or of all; `withEgresses`: also for the zone egresses that serve that mesh. */
  at(revision: number, mesh?: string, withEgresses?: boolean): RolloutView;
  /** Calls back when a proxy has come further or the store has; nothing is kept for it while nobody listens. */
  onProgress(listener: () => void): { stop(): void };
}

/** Asks how far proxies have come. */
export interface Rollout extends RolloutViews {
  /**
   * True when every proxy of a mesh, and every zone egress that serves it, has answered to what a revision changed for it, be it with a refusal. Certificates that are still to come
   * do not count. Costs little: no view is made.
   */
  isTold(revision: number, mesh: string): boolean;
}

/** How far a connected proxy has come. */
export interface ProxyDelivery {
  /** Its key among connected proxies. */
  readonly key: string;
  readonly proxy: ResourceKey;
  readonly delivery: Delivery;
}

/** What a roll-out is read from. */
export interface RolloutSource {
  readonly processed: () => number;
  /** Meshes whose services outside zone egresses serve. */
  readonly egressMeshes: () => readonly string[];
  readonly deliveries: () => Iterable<ProxyDelivery>;
  /** One of them, by its key. */
  readonly deliveryOf: (key: string) => ProxyDelivery | undefined;
  /** True while a proxy should have a certificate that it does not have yet. */
  readonly awaitsCertificate: (proxyKey: string) => boolean;
  readonly onProgress: Rollout['onProgress'];
}

/** The roll-out over connections. */
export function openRollout(source: RolloutSource): Rollout {
  const carriesTraffic = (proxy: ResourceKey, mesh: string): boolean =>
    proxy.mesh === mesh || (proxy.type === 'ZoneEgress' && source.egressMeshes().includes(mesh));
  // The last one that was found waiting. Proxies are served in the order in which they are listed, so it is the last to answer, and most questions are
  // answered by looking at it alone.
  let last: string | undefined;
  return {
    isTold(revision, mesh) {
      if (source.processed() < revision) return false;
      const waits = ({ proxy, delivery }: ProxyDelivery): boolean =>
        carriesTraffic(proxy, mesh) && awaitsAnswer(delivery, revision);
      const known = last === undefined ? undefined : source.deliveryOf(last);
      if (known !== undefined && waits(known)) return false;
      last = undefined;
      for (const each of source.deliveries()) if (waits(each)) last = each.key;
      return last === undefined;
    },
    at(revision, mesh, withEgresses = false) {
      const proxies: ProxyRollout[] = [];
      for (const { key, proxy, delivery } of source.deliveries()) {
        const isAsked = mesh === undefined || (withEgresses ? carriesTraffic(proxy, mesh) : proxy.mesh === mesh);
        if (!isAsked) continue;
        proxies.push(stateOf(proxy, delivery, revision, source.awaitsCertificate(key)));
      }
      proxies.sort(({ proxy: one }, { proxy: other }) =>
        one.mesh === other.mesh ? (one.name < other.name ? -1 : 1) : one.mesh < other.mesh ? -1 : 1,
      );
      return { processed: source.processed(), proxies };
    },
    onProgress: source.onProgress,
  };
}

function awaitsAnswer({ outstanding, refusals }: Delivery, revision: number): boolean {
  if (outstanding === undefined || outstanding > revision) return false;
  // An earlier refusal says nothing of what is on its way now.
  return !refusals.some((refusal) => refusal.revision >= revision);
}

function stateOf(proxy: ResourceKey, delivery: Delivery, revision: number, awaitsCertificate: boolean): ProxyRollout {
  const { refusals, since } = delivery;
  const refused = refusals.length > 0 ? { refusals } : {};
  if (awaitsAnswer(delivery, revision)) return { proxy, state: 'pending', since, ...refused };
  if (refusals.length > 0) return { proxy, state: 'refused', refusals };
  return awaitsCertificate ? { proxy, state: 'pending', waitsFor: 'certificate' } : { proxy, state: 'acked' };
}
