// Proxies whose connection broke without a goodbye and that do not come back: others stop sending there long before they are deregistered
// (decision 0214), later of those that were sent to another instance (decision 0308). Nobody is withheld when most are gone at once: then it is our network that
// is broken, not they. Who was withheld in the moments before that was known gets its traffic back (decision 0303). Who stays away when most are back is looked at again.
import { formatResourceKey, type ResourceKey } from '@ursa/resources';
import { type Attendance, mostAreMissing } from '../instances/outage.ts';
import type { LiveResources } from '../store/live-resources.ts';
import type { ResourceManager } from '../store/resource-manager.ts';
import { isUnavailable } from '../store/unavailable.ts';
import { isExcused, isLost, isWithheld, release, withholdLost } from './taking-traffic.ts';

/** What they are found with. */
export interface LostProxiesOptions {
  readonly live: LiveResources;
  readonly manager: ResourceManager;
  /** Whether it is written that the proxy is connected to any instance. Of a connection to this one that has ended, it is until the store has taken that. */
  readonly isConnected: (proxy: ResourceKey) => boolean;
  /** Whether it is written that the proxy is connected to another instance. */
  readonly isElsewhere: (proxy: ResourceKey) => boolean;
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
  /** Who is missing here without having said goodbye, and who is there. */
  attendance(): Attendance;
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
  /** Of the next look; undefined when none is due. */
  timer: NodeJS.Timeout | undefined;
  /** It was due while most were missing. */
  isAfterOutage: boolean;
  /** This instance has withheld it. */
  isWithheld: boolean;
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
  const { live, manager, isConnected, isElsewhere, onError } = options;
  const { patience = defaultPatience, secondLook = defaultSecondLook } = options;
  const { patienceSentAway = Math.max(patience, defaultPatienceSentAway) } = options;
  /** Those that have gone from here and have not come back to any instance. */
  const missing = new Map<string, Missing>();
  /** Those of them that were due while most were missing. */
  const spared = new Map<string, Missing>();
  /** Those of whom a write has just told something. */
  const touched = new Set<Missing>();
  /** Timers of looks at those that are here. */
  const looks = new Map<string, NodeJS.Timeout>();
  /** Those that are connected here. */
  const here = new Set<string>();
  let lastBack = Number.NEGATIVE_INFINITY;
  let wereMissing = false;

  const attendance = (): Attendance => {
    const [any] = missing.values();
    return { missing: missing.size, there: any?.connected() ?? here.size };
  };
  const lookLater = (each: Missing, milliseconds: number): void => {
    clearTimeout(each.timer);
    each.timer = setTimeout(look, milliseconds, each).unref();
  };
  function look(each: Missing): void {
    const { proxy, isBack } = each;
    const id = formatResourceKey(proxy);
    const stored = live.get(proxy);
    each.timer = undefined;
    if (isBack() || isElsewhere(proxy) || stored === undefined) {
      forget(id);
      lookAtSpared();
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
    if (mostAreMissing(attendance())) {
      spare(id, each);
      return;
    }
    // The store is away, or behind: what others know of it is not known here.
    if (isConnected(proxy)) return;
    // A fleet that comes back is waited for.
    const sinceBack = performance.now() - lastBack;
    if (each.isAfterOutage && sinceBack < patience) lookLater(each, patience - sinceBack);
    else {
      each.isWithheld = true;
      manager.put(withholdLost(stored), stored.version).catch((error: unknown) => onError(proxy, error));
    }
  }

  const spare = (id: string, each: Missing): void => {
    each.isAfterOutage = true;
    spared.set(id, each);
  };
  /** Most are missing, and it was withheld before that was known. */
  const giveBack = (each: Missing): void => {
    const stored = live.get(each.proxy);
    if (!each.isWithheld || stored === undefined || !isLost(stored)) return;
    each.isWithheld = false;
    spare(formatResourceKey(each.proxy), each);
    manager.put(release(stored), stored.version).catch((error: unknown) => onError(each.proxy, error));
  };
  const forget = (id: string): void => {
    clearTimeout(missing.get(id)?.timer);
    missing.delete(id);
    spared.delete(id);
  };
  /** Once most are here again, the time of those that were spared begins anew (decision 0279). */
  const lookAtSpared = (): void => {
    const { missing: absent, there } = attendance();
    // Whoever comes back now is counted as connected a moment later; the look itself is exact.
    if (mostAreMissing({ missing: absent, there: there + 1 })) return;
    wereMissing = false;
    for (const each of spared.values()) lookLater(each, patience);
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
    for (const { key, after } of changes) {
      if (after !== undefined && isLost(after) && here.has(formatResourceKey(key))) releaseLater(key);
      if (missing.size === 0) continue;
      // Its resource, or what is known of its connections.
      const each = missing.get(formatResourceKey({ ...key, type: key.type.replace(/Insight$/, '') }));
      if (each !== undefined && each.timer === undefined) touched.add(each);
    }
  });
  // Those that no timer looks at any more: another instance has them now, or they were deregistered.
  const applied = live.onApplied(() => {
    if (touched.size === 0) return;
    for (const each of touched)
      if (isElsewhere(each.proxy) || live.get(each.proxy) === undefined) forget(formatResourceKey(each.proxy));
      else if (wereMissing) giveBack(each);
    touched.clear();
    lookAtSpared();
  });

  return {
    gone(proxy, { isBack, connected, sentAway }) {
      const id = formatResourceKey(proxy);
      here.delete(id);
      forget(id);
      const stored = live.get(proxy);
      if (stored === undefined || isExcused(stored)) return;
      const more = sentAway ? patienceSentAway - patience : 0;
      const each: Missing = {
        proxy,
        isBack,
        connected,
        more,
        timer: undefined,
        isAfterOutage: false,
        isWithheld: false,
      };
      missing.set(id, each);
      lookLater(each, patience);
      if (!wereMissing && mostAreMissing(attendance())) {
        wereMissing = true;
        for (const other of missing.values()) giveBack(other);
      }
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
    attendance,
    stop() {
      feed.stop();
      applied.stop();
      for (const timer of [...[...missing.values()].map((each) => each.timer), ...looks.values()]) clearTimeout(timer);
      missing.clear();
      spared.clear();
      looks.clear();
      here.clear();
    },
  };
}
