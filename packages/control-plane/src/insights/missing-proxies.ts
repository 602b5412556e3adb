// Withholds proxies that went while nobody looked: their control plane died with them, or before them (decision 0214). For the leader; who loses
// a connection itself knows sooner, and deletes come later.
import { formatResourceKey, type Resource, type ResourceKey } from '@ursa/resources';
import type { Component } from '../component.ts';
import type { Clock } from '../identity/clock.ts';
import type { InstanceFate, Place, ProxyOfInstance, SilentMachine } from '../instances/instance-fate.ts';
import { mostAreMissing, openAttendance } from '../instances/outage.ts';
import type { Store, StoreWrite } from '../store/store.ts';
import { insightKeyOf, insightTypes, isConnected, leftAt, type ProxyInsight } from './insight.ts';

/** What missing proxies are found with. Times in milliseconds. */
export interface MissingProxiesOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** How long a proxy that registered itself may be offline before others stop sending to it; counted from the start at the earliest. */
  readonly patience?: number;
  /** The same, counted from when most are there again, for those that were spared while most were missing. */
  readonly patienceAfterOutage?: number;
  /** Nobody is withheld before this time, in the clock's milliseconds. */
  readonly notBefore?: number;
  /** As long as proxies come back, everybody is waited for: it has been quiet for this long. */
  readonly quiet?: number;
  /**
   * Asked, where several instances share the store, when the patience with proxies is over, with where they are: what became of their last instance. When it
   * has ended, a proxy knows too and would be back. When its machine is silent, those on that machine are lost with it. While nobody knows, it is asked again,
   * and the proxy keeps its traffic. Absent: whoever is offline knows.
   */
  readonly fateOf?: ((instanceId: string, proxies: readonly ProxyOfInstance[]) => Promise<InstanceFate>) | undefined;
  /** Where a proxy is; undefined when that is not known. */
  readonly placeOf?: (proxy: ResourceKey) => Place | undefined;
  /** Whether nobody misses the proxy: it starts, or has said goodbye. */
  readonly isExcused?: (proxy: ResourceKey) => boolean;
  /** The resource of a proxy that takes no traffic until it comes back; undefined when it takes none anyway. */
  readonly withhold: (resource: Resource) => Resource | undefined;
  readonly log: {
    info(message: string, fields: Readonly<Record<string, unknown>>): void;
    warn(message: string, fields: Readonly<Record<string, unknown>>): void;
  };
  readonly onError: (error: unknown) => void;
}

interface Missing {
  readonly key: ResourceKey;
  /** Id of the instance that had its last connection. */
  readonly instance: string;
  /** It was on that instance's machine, as both have said. */
  readonly sharesMachine: boolean;
  /** When it is looked at. */
  due: number;
  /** `spared`: it was due while most were missing, and waits until most are there again. */
  state: 'waiting' | 'spared' | 'dealtWith';
}

interface Online {
  readonly key: ResourceKey;
  readonly subscriptions: ProxyInsight['subscriptions'];
}

const resourceTypes = new Map(Object.entries(insightTypes).map(([resource, insight]) => [insight, resource]));

/** The component. One timer while a proxy is missing that has not been dealt with, none otherwise. */
export function missingProxies(options: MissingProxiesOptions): Component {
  const { store, clock, patience = 11_000, patienceAfterOutage = patience, notBefore = 0, quiet = 3000 } = options;
  const { fateOf, placeOf = () => undefined, isExcused = () => false, withhold, log, onError } = options;
  const missing = new Map<string, Missing>();
  const online = new Map<string, Online>();
  const attendance = openAttendance();
  let lastArrival = 0;
  let timer: { stop(): void } | undefined;
  let feed: { stop(): void } | undefined;
  let working: Promise<void> = Promise.resolve();

  const note = ({ type, mesh, name }: ResourceKey, insight: ProxyInsight | undefined): void => {
    const key = { type: resourceTypes.get(type) ?? '', mesh, name };
    const id = formatResourceKey(key);
    const isOnline = isConnected(insight);
    const isRegistered = insight?.subscriptions.at(-1)?.registered === true;
    const isMissing = isRegistered && !isOnline && !isExcused(key);
    attendance.note(id, isOnline ? 'there' : isMissing ? 'missing' : 'uncounted');
    if (insight === undefined || !isRegistered || (!isOnline && !isMissing)) {
      missing.delete(id);
      online.delete(id);
    } else if (isOnline) {
      if (!online.has(id)) lastArrival = clock.now();
      online.set(id, { key, subscriptions: insight.subscriptions });
      missing.delete(id);
    } else if (!missing.has(id)) {
      online.delete(id);
      const { controlPlaneInstanceId: instance = '', sharesMachine = false } = insight.subscriptions.at(-1) ?? {};
      missing.set(id, { key, instance, sharesMachine, due: clock.now() + patience, state: 'waiting' });
      arm();
    }
    if (!mostAreMissing(attendance)) outageEnds();
  };
  /** Those that were spared are given the time in which a proxy that lives comes back. */
  const outageEnds = (): void => {
    const spared = [...missing.values()].filter(({ state }) => state === 'spared');
    if (spared.length === 0) return;
    const due = clock.now() + patienceAfterOutage;
    for (const each of spared) Object.assign(each, { due, state: 'waiting' });
    arm();
  };
  const arm = (): void => {
    if (timer !== undefined || feed === undefined) return;
    const waiting = [...missing.values()].filter(({ state }) => state === 'waiting').map(({ due }) => due);
    if (waiting.length === 0) return;
    const at = Math.max(Math.min(...waiting), lastArrival + quiet, notBefore);
    timer = clock.at(at, look);
  };
  function look(): void {
    timer = undefined;
    const now = clock.now();
    if (now - lastArrival >= quiet) {
      const over = [...missing.values()].filter(({ due, state }) => state === 'waiting' && due <= now);
      const isOutage = mostAreMissing(attendance);
      for (const each of over) each.state = isOutage ? 'spared' : 'dealtWith';
      if (isOutage) {
        log.warn('most proxies are missing: it may be the network, so others go on sending to them', {
          missing: attendance.missing,
          online: attendance.there,
        });
      } else {
        working = working
          .then(() => withholdKnown(over))
          .catch((error: unknown) => {
            onError(error);
            lookAgain(over);
          });
      }
    }
    arm();
  }
  const withholdKnown = async (over: readonly Missing[]): Promise<void> => {
    const instances = [...new Set(over.map((each) => each.instance))];
    const lost = await Promise.all(instances.map((instance) => lostWith(instance, over)));
    const withheld = new Set(lost.flat());
    await withholdAll([...withheld].map(({ key }) => key));
    lookAgain(over.filter((each) => !withheld.has(each)));
  };
  const lookAgain = (some: readonly Missing[]): void => {
    const due = clock.now() + patience;
    for (const each of some)
      if (missing.get(formatResourceKey(each.key)) === each) Object.assign(each, { due, state: 'waiting' });
    arm();
  };
  /** Who of an instance's proxies is certainly gone. */
  const lostWith = async (instance: string, over: readonly Missing[]): Promise<readonly Missing[]> => {
    const proxies = over.filter((each) => each.instance === instance);
    if (fateOf === undefined) return proxies;
    const known = [...missing.values()].flatMap(({ key, sharesMachine, ...each }) => {
      const place = each.instance === instance ? placeOf(key) : undefined;
      return place === undefined ? [] : { ...place, sharesMachine };
    });
    const fate = await fateOf(instance, known);
    if (typeof fate === 'string') return fate === 'ended' ? proxies : [];
    return isLeft(instance, fate) ? proxies.filter(({ key }) => isThere(fate, key)) : [];
  };
  const isThere = ({ addresses }: SilentMachine, key: ResourceKey): boolean =>
    addresses.includes(placeOf(key)?.address ?? '');
  /**
   * Whether the proxies of other machines have left the instance: as many of them as have not, at least. When it is only cut off from us they are with it
   * still, and those on its machine may serve them.
   */
  const isLeft = (instance: string, machine: SilentMachine): boolean => {
    const now = clock.now();
    const elsewhere = ({ key }: { readonly key: ResourceKey }): boolean => !isThere(machine, key);
    const others = [...online.values()].filter(elsewhere);
    const stayed =
      [...missing.values()].filter((each) => each.instance === instance && elsewhere(each)).length +
      others.filter(({ subscriptions }) => subscriptions.at(-1)?.controlPlaneInstanceId === instance).length;
    const left = others.filter(({ subscriptions }) => {
      const at = leftAt(subscriptions, instance);
      return at !== undefined && at >= now - machine.silence && at <= now;
    });
    return left.length >= stayed;
  };
  const withholdAll = async (keys: readonly ResourceKey[]): Promise<void> => {
    if (keys.length === 0) return;
    let withheld: readonly string[] = [];
    await store.write((content) => {
      const writes = keys.flatMap((key): readonly (StoreWrite & { readonly kind: 'put' })[] => {
        const insight = content.get(insightKeyOf(key))?.spec as ProxyInsight | undefined;
        const stored = content.get(key);
        if (stored === undefined || insight === undefined || isConnected(insight)) return [];
        const resource = withhold(stored);
        if (resource === undefined) return [];
        const { type, mesh, name, labels, spec } = resource;
        return [{ kind: 'put', resource: { type, mesh, name, labels, spec } }];
      });
      withheld = writes.map(({ resource: { mesh, name } }) => `${mesh}/${name}`);
      return writes;
    });
    if (withheld.length > 0)
      log.info('others send no more to proxies that are missing', { proxies: withheld.slice(0, 20) });
  };

  return {
    name: 'missing-proxies',
    async start() {
      lastArrival = 0;
      feed = store.changes((changes) => {
        for (const { key, after } of changes)
          if (resourceTypes.has(key.type)) note(key, after?.spec as ProxyInsight | undefined);
      });
      arm();
    },
    async stop() {
      feed?.stop();
      feed = undefined;
      timer?.stop();
      timer = undefined;
      missing.clear();
      online.clear();
      attendance.clear();
      await working;
    },
  };
}
