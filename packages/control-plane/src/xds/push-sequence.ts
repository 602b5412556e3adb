// Envoy's order over the conversations of one proxy: make before break. Pure: requests and configurations in, responses out.
import type { EnvoyResource, EnvoyType } from '@ursa/envoy';
import type { Conversation, DiscoveryRequest, Reception, Snapshot, Update } from '../delta/conversation.ts';
import type { InFlight } from './delivery.ts';
import { edsNameOf } from './eds-name.ts';

/** A response for one type. */
export interface Push {
  readonly type: EnvoyType;
  readonly update: Update<EnvoyResource>;
}

/** Resources of one proxy, by type and name. */
export type ProxyResources = Readonly<Record<EnvoyType, Snapshot<EnvoyResource>>>;

/** All conversations of one stream, in Envoy's order. */
export interface PushSequence {
  receive(type: EnvoyType, request: DiscoveryRequest): Reception;
  /** Sets the newest configuration. One that was not sent yet is forgotten. */
  offer(newest: ProxyResources): void;
  /** What to send now, taken as sent; undefined when there is nothing, or when the client must answer first. */
  next(): Push | undefined;
  /** What is left when `next` has nothing more, taken as sent: endpoints that the client has and needs again. They may wait for their turn. */
  rest(): Push | undefined;
  /** True while `rest` has something. */
  readonly hasRest: boolean;
  /** True while something is held back until the client answers, or asks for the endpoints of new clusters. */
  readonly waiting: boolean;
  /** True while the client has answered for the newest listeners and for all secrets that there are: it can then take TLS. */
  readonly secured: boolean;
  /** What is on its way to the client. */
  readonly inFlight: InFlight;
  /** Stops waiting: a client that does not ask for what it needs must still get the rest. */
  giveUp(): void;
}

// Most clients never ask for half of the types. With a thousand of them, conversations that nobody has take megabytes.
const unasked: Conversation<EnvoyResource> = {
  receive: () => ({ kind: 'stale' }),
  next: () => undefined,
  forget: () => undefined,
  release: () => undefined,
  behind: () => false,
  asked: false,
  awaiting: false,
  wants: () => false,
  has: () => false,
};
const types: readonly EnvoyType[] = ['cluster', 'endpoint', 'secret', 'runtime', 'listener', 'route'];

/** Opens the conversations of one stream. */
export function openPushSequence(open: (type: EnvoyType) => Conversation<EnvoyResource>): PushSequence {
  const about: Record<EnvoyType, Conversation<EnvoyResource>> = {
    cluster: unasked,
    endpoint: unasked,
    secret: unasked,
    runtime: unasked,
    listener: unasked,
    route: unasked,
  };
  let newest: ProxyResources | undefined;
  let stale = false;
  let waiting = false;
  // True when the last response with clusters had new ones.
  let introducing = false;
  // Endpoints of clusters the client has just met: until it has them, traffic must not be led to those clusters.
  const awaited = new Set<string>();
  // Endpoints that the client has, of clusters that it was sent anew: most of the bytes of a change for a whole mesh, and the last that traffic needs.
  const repeated = new Set<string>();
  // Types whose last response has no answer yet, though it may not be waited for any more.
  const unanswered = new Set<EnvoyType>();

  // Envoy answers a response with clusters only when they are warm, so an answer means that traffic may be led to them.
  const warming = (resources: ProxyResources): boolean => {
    if (about.cluster.awaiting) {
      if (introducing) return true;
      for (const name of resources.cluster.keys())
        if (about.cluster.wants(name) && !about.cluster.has(name)) return true;
    }
    if (awaited.size === 0) return false;
    for (const name of awaited) {
      if (!resources.endpoint.has(name) || (about.endpoint.has(name) && !about.endpoint.awaiting)) awaited.delete(name);
    }
    if (awaited.size > 0) return true;
    // An emptied set keeps the memory of what was in it until it is cleared.
    awaited.clear();
    return false;
  };

  const update = (type: EnvoyType, resources: ProxyResources, keepRemoved: boolean): Push | undefined => {
    const changes = about[type].next(resources[type], keepRemoved);
    if (changes === undefined) return undefined;
    unanswered.add(type);
    return { type, update: changes };
  };

  const clusters = (resources: ProxyResources, keepRemoved: boolean): Push | undefined => {
    const push = update('cluster', resources, keepRemoved);
    if (push === undefined) return undefined;
    const added = new Set(push.update.added);
    introducing = added.size > 0;
    for (const item of push.update.changed) {
      const name = edsNameOf(item);
      if (name === '') continue;
      // Envoy keeps a changed cluster aside until its endpoints come, and does not ask for those it has. Until then it goes on with the old one.
      repeated.add(name);
      if (added.has(item.name) && about.endpoint.asked) awaited.add(name);
    }
    // It answers only when all of them are warm, and listeners wait for that.
    if (introducing) repeat();
    return push;
  };

  const repeat = (): void => {
    for (const name of repeated) about.endpoint.forget(name);
    repeated.clear();
  };

  const endpoints = (resources: ProxyResources): Push | undefined => {
    // One response for all of them.
    if (repeated.size > 0 && about.endpoint.behind(resources.endpoint)) repeat();
    return update('endpoint', resources, true);
  };

  const decide = (resources: ProxyResources): Push | undefined => {
    // Make: what others refer to goes first; what is no longer there stays for now.
    const made =
      clusters(resources, true) ??
      endpoints(resources) ??
      update('secret', resources, true) ??
      update('runtime', resources, false);
    if (made !== undefined) return made;
    if (warming(resources)) return undefined;
    const led = update('listener', resources, false) ?? update('route', resources, true);
    if (led !== undefined) return led;
    // Break: once no listener or route leads there any more.
    if (about.listener.awaiting || about.route.awaiting || about.secret.awaiting) return undefined;
    const broken = clusters(resources, false);
    if (broken !== undefined) return broken;
    if (about.cluster.awaiting) return undefined;
    return (
      update('endpoint', resources, false) ?? update('secret', resources, false) ?? update('route', resources, false)
    );
  };

  const heldBack = (resources: ProxyResources): boolean => {
    if (warming(resources)) return true;
    for (const type of types) {
      if (about[type].awaiting && about[type].behind(resources[type])) return true;
    }
    return false;
  };

  return {
    receive(type, request) {
      if (about[type] === unasked) about[type] = open(type);
      const reception = about[type].receive(request);
      if (reception.kind !== 'stale') stale = true;
      const isRefused = reception.kind === 'rejected' || reception.kind === 'disputed';
      if (reception.kind === 'acknowledged' || isRefused) unanswered.delete(type);
      // The client keeps its old clusters; waiting for the endpoints of the new ones would be in vain.
      if (type === 'cluster' && isRefused) awaited.clear();
      return reception;
    },
    offer(resources) {
      newest = resources;
      stale = true;
    },
    next() {
      if (!stale || newest === undefined) return undefined;
      const push = decide(newest);
      if (push === undefined) {
        stale = false;
        waiting = heldBack(newest);
      }
      return push;
    },
    rest() {
      if (newest === undefined || repeated.size === 0) return undefined;
      repeat();
      const push = update('endpoint', newest, true);
      waiting = heldBack(newest);
      return push;
    },
    get hasRest() {
      return repeated.size > 0;
    },
    get waiting() {
      return waiting;
    },
    get secured() {
      if (newest === undefined || newest.secret.size === 0) return false;
      if (unanswered.has('secret') || unanswered.has('listener')) return false;
      for (const name of newest.secret.keys()) if (!about.secret.has(name)) return false;
      return about.listener.asked && !about.secret.behind(newest.secret) && !about.listener.behind(newest.listener);
    },
    get inFlight() {
      // A client that has not asked for clusters or listeners yet does not have them, however little is on its way.
      const asked = (type: 'cluster' | 'listener') => about[type].asked || newest?.[type].size === 0;
      const settled = newest !== undefined && !stale && !waiting && repeated.size === 0;
      const complete = settled && asked('cluster') && asked('listener');
      return { complete, unanswered };
    },
    giveUp() {
      awaited.clear();
      for (const type of types) about[type].release();
      stale = true;
    },
  };
}
