// Proxies whose connection broke without a goodbye and that do not come back: others stop sending there long before they are deregistered
// (decision 0214), later of those that were sent to another instance (decision 0308). Nobody is withheld when most are gone at once: then it is our network that is broken, not they. Who stays away when most are back is looked at again.
import { formatResourceKey, type ResourceKey } from '@ursa/resources';
import type { LiveResources } from '../store/live-resources.ts';
import type { ResourceManager } from '../store/resource-manager.ts';
import { isUnavailable } from '../store/unavailable.ts';
import { isLost, isWithheld, release, withholdLost } from './taking-traffic.ts';

/** What they are found with. */
export interface LostProxiesOptions {
  readonly live: LiveResources;
  readonly manager: ResourceManager;
  /** Whether the proxy is connected to any instance, as far as this one knows. */
  readonly isConnected: (proxy: ResourceKey) => boolean;
  readonly onError: (key: ResourceKey, error: unknown) => void;
  /** A proxy comes back within this, if it lives. Milliseconds. */
  readonly patience?: number;
  /** The same for one that this instance has sent to another one. Milliseconds. */
  readonly patienceSentAway?: number;
  /** After this a proxy that is here is released, when another instance has written that it is lost. Milliseconds. */
  readonly secondLook?: number;
}

/** Withholds lost proxies. */
export interface LostProxies {
  /** A connection of a proxy has ended. */
  gone(proxy: ResourceKey, departure: Departure): void;
  /** A proxy has connected here. */
  back(proxy: ResourceKey): void;
  /** A proxy was waited for long enough: it counts no more. */
  left(proxy: ResourceKey): void;
  stop(): void;
}

/** How a connection ended, and what became of it, whenever that is asked. */
export interface Departure {
  /** Whether the proxy has another connection here. */
  readonly isBack: () => boolean;
  /** How many proxies are connected here. */
  readonly connected: () => number;
  /** This instance has asked the proxy to connect to another one: it lived. */
  readonly sentAway: boolean;
}

interface Missing extends Pick<Departure, 'isBack' | 'connected'> {
  readonly proxy: ResourceKey;
  /** How much longer it is waited for after the first look, in milliseconds. */
  more: number;
  /** Of the next look. */
  timer: NodeJS.Timeout | undefined;
  /** It was due while most were missing. */
  isAfterOutage: boolean;
}

/** Longer than the pauses between attempts of our proxies to reach a control plane (decision 0083). */
const defaultPatience = 2500;
/** As long as a fleet whose control plane ends may take to find another one: who lived a moment ago and is late has not died. */
const defaultPatienceSentAway = 11_000;
/**
 * After a proxy has come, another instance may still write that it is lost: what it knew was a moment old. And when this instance was cut off from the others,
 * they may have written so of proxies that are here: it is looked at again until they know better.
 */
const defaultSecondLook = 3000;

/** Opens it; nobody is lost. */
export function openLostProxies(options: LostProxiesOptions): LostProxies {
  const { live, manager, isConnected, onError } = options;
  const { patience = defaultPatience, secondLook = defaultSecondLook } = options;
  const { patienceSentAway = Math.max(patience, defaultPatienceSentAway) } = options;
  /** Those that have gone from here and have not come back to any instance. */
  const missing = new Map<string, Missing>();
  /** Those of them that were due while most were missing. */
  const spared = new Map<string, Missing>();
  /** Timers of looks at those that are here. */
  const looks = new Map<string, NodeJS.Timeout>();
  /** Those that are connected here. */
  const here = new Set<string>();
  let lastBack = Number.NEGATIVE_INFINITY;

  const lookLater = (each: Missing, milliseconds: number): void => {
    clearTimeout(each.timer);
    each.timer = setTimeout(look, milliseconds, each).unref();
  };
  function look(each: Missing): void {
    const { proxy, isBack, connected } = each;
    const id = formatResourceKey(proxy);
    const stored = live.get(proxy);
    if (isBack() || isConnected(proxy) || stored === undefined) {
      missing.delete(id);
      // Its next connection may have come before this one had ended.
      if (isBack()) {
        here.add(id);
        releaseLater(proxy);
      }
      return;
    }
    if (isWithheld(stored)) return;
    const { more } = each;
    if (more > 0) {
      each.more = 0;
      lookLater(each, more);
      return;
    }
    if (missing.size > connected()) {
      each.isAfterOutage = true;
      spared.set(id, each);
      return;
    }
    // A fleet that comes back is waited for.
    const sinceBack = performance.now() - lastBack;
    if (each.isAfterOutage && sinceBack < patience) lookLater(each, patience - sinceBack);
    else manager.put(withholdLost(stored), stored.version).catch((error: unknown) => onError(proxy, error));
  }

  const forget = (id: string): void => {
    clearTimeout(missing.get(id)?.timer);
    missing.delete(id);
    spared.delete(id);
  };
  /** Once most are here again, the time of those that were spared begins anew (decision 0279). */
  const lookAtSpared = (): void => {
    for (const each of spared.values()) {
      // Whoever comes back now is counted as connected a moment later; the look itself is exact.
      if (missing.size > each.connected() + 1) return;
      lookLater(each, patience);
    }
    spared.clear();
  };

  const releaseLater = (proxy: ResourceKey): void => {
    const id = formatResourceKey(proxy);
    clearTimeout(looks.get(id));
    looks.set(id, setTimeout(releaseHere, secondLook, proxy).unref());
  };
  const releaseHere = (proxy: ResourceKey): void => {
    const id = formatResourceKey(proxy);
    looks.delete(id);
    const stored = live.get(proxy);
    if (!here.has(id) || stored === undefined || !isLost(stored)) return;
    if (!isConnected(proxy)) {
      releaseLater(proxy);
      return;
    }
    manager.put(release(stored), stored.version).catch((error: unknown) => {
      if (!isUnavailable(error)) onError(proxy, error);
      if (here.has(id)) releaseLater(proxy);
    });
  };
  const feed = live.onApplying((changes) => {
    for (const { key, after } of changes)
      if (after !== undefined && isLost(after) && here.has(formatResourceKey(key))) releaseLater(key);
  });

  return {
    gone(proxy, { isBack, connected, sentAway }) {
      const id = formatResourceKey(proxy);
      here.delete(id);
      forget(id);
      const more = sentAway ? patienceSentAway - patience : 0;
      const each: Missing = { proxy, isBack, connected, more, timer: undefined, isAfterOutage: false };
      missing.set(id, each);
      lookLater(each, patience);
    },
    back(proxy) {
      const id = formatResourceKey(proxy);
      here.add(id);
      forget(id);
      lastBack = performance.now();
      lookAtSpared();
      releaseLater(proxy);
    },
    left(proxy) {
      forget(formatResourceKey(proxy));
      lookAtSpared();
    },
    stop() {
      feed.stop();
      for (const timer of [...[...missing.values()].map((each) => each.timer), ...looks.values()]) clearTimeout(timer);
      missing.clear();
      spared.clear();
      looks.clear();
      here.clear();
    },
  };
}
