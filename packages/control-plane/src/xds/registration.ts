// The resource behind a proxy: the one in the store, or one that the proxy brings along and that goes when the proxy goes.
import type { ConnectedProxy } from '@ursa/engine';
import {
  MeshError,
  parseResource,
  parseYamlDocuments,
  type Resource,
  type ResourceDraft,
  type ResourceKey,
  type ResourceTypes,
} from '@ursa/resources';
import { isOutage } from '../instances/outage.ts';
import type { LiveResources } from '../store/live-resources.ts';
import type { ResourceManager } from '../store/resource-manager.ts';
import { isUnavailable } from '../store/unavailable.ts';
import { type Departure, openLostProxies } from './lost-proxies.ts';
import type { ProvenProxy } from './proxy-authentication.ts';
import type { ProxyNode } from './proxy-node.ts';
import { isExcused, release, type TakingTraffic } from './taking-traffic.ts';

/** What registrations work with. */
export interface RegistrationOptions {
  readonly live: LiveResources;
  readonly manager: ResourceManager;
  readonly types: ResourceTypes;
  /** What a proxy brings, as it is written. */
  readonly admit: TakingTraffic['admit'];
  /** A registered proxy is forgotten this long after it has gone, by whoever leads when most were missing by then. */
  readonly deregistrationDelayMilliseconds: number;
  /** Whether it is written that the proxy has a connection to any instance; one to this instance is until the store has taken its end. */
  readonly isConnected: (key: ResourceKey) => boolean;
  /** Whether it is written that the proxy has a connection to another instance. */
  readonly isElsewhere: (key: ResourceKey) => boolean;
  /** Gets what could not be written, and is tried again or can wait. */
  readonly onError: (key: ResourceKey, error: unknown) => void;
  /** Told of what proxies have written, for the audit. Whether they take traffic is not told: that changes all the time. */
  readonly onDeed?: ((deed: RegistrationDeed) => void) | undefined;
}

/** What a registration has written, or was refused. */
export interface RegistrationDeed {
  readonly access: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly key: ResourceKey;
  /** Why nothing was written. */
  readonly error?: unknown;
}

/** Registers proxies. */
export interface Registration {
  /**
   * The proxy's resource, written first when the proxy brought one. Throws `MeshError`: there is none, it is not valid, it is not the
   * proxy's own, or the token does not allow it.
   */
  register(node: ProxyNode, proven: ProvenProxy): Promise<void>;
  /** Tells that the proxy has gone, and how. */
  gone(node: ProxyNode, departure: Departure): void;
  /** Registered proxies stay as they are: the control plane goes away, not they. */
  stop(): void;
}

/** Hostile YAML costs the parser some 8 µs per character. */
const yamlLimits = {
  source: 'the resource of the proxy',
  maximumLength: 64 * 1024,
  maximumAliases: 0,
  maximumMarks: 3_000,
};

/** How soon a deregistration that the store did not take is tried again. */
const retryMilliseconds = 1_000;

/** How long a proxy may take to reach the instance that it was sent to: as one whose instance has ended (decision 0196). */
const sentAwayMilliseconds = 60_000;

const resourceTypes = { dataplane: 'Dataplane', ingress: 'ZoneIngress', egress: 'ZoneEgress' } as const;

/** Key of the resource behind a proxy. */
export function resourceKeyOf(proxy: Pick<ConnectedProxy, 'mesh' | 'name' | 'proxyType'>): ResourceKey {
  return { type: resourceTypes[proxy.proxyType], mesh: proxy.mesh, name: proxy.name };
}

/** Parses the document that a proxy brings along; it must be that of the proxy itself. Throws `MeshError('invalid')`. */
export function parseOwnResource(
  types: ResourceTypes,
  document: string,
  proxy: Pick<ConnectedProxy, 'mesh' | 'name' | 'proxyType'>,
): ResourceDraft {
  const key = resourceKeyOf(proxy);
  const [content, another] = parseYamlDocuments(document, yamlLimits);
  if (content === undefined || another !== undefined) {
    throw new MeshError('invalid', `${yamlLimits.source}: expected one document, with the resource`);
  }
  const draft = parseResource(types, content.value);
  for (const field of ['type', 'mesh', 'name'] as const) {
    if (draft[field] === key[field]) continue;
    throw new MeshError(
      'invalid',
      `the resource of the proxy has the ${field} "${draft[field]}", the proxy itself "${key[field]}"`,
      {
        violations: [{ field, message: `must be "${key[field]}"` }],
      },
    );
  }
  return draft;
}

/** Opens registrations. */
export function openRegistration(options: RegistrationOptions): Registration {
  const { live, manager, types, deregistrationDelayMilliseconds, onError } = options;
  const lost = openLostProxies(options);
  const leaving = new Map<string, NodeJS.Timeout>();
  let stopped = false;

  const stay = (id: string): void => {
    clearTimeout(leaving.get(id));
    leaving.delete(id);
  };

  const store = async (draft: ResourceDraft, stored: Resource | undefined, node: ProxyNode): Promise<void> => {
    const admitted = options.admit(draft, stored, node.proxy.features);
    // A fleet that comes back as it was writes nothing, and needs no store for it.
    if (stored !== undefined && manager.isStoredAs(admitted, stored)) return;
    const isKnown = stored !== undefined && manager.isStoredAs(release(draft), release(stored));
    try {
      await manager.put(admitted);
      if (!isKnown) options.onDeed?.({ access: accessOf(stored), key: resourceKeyOf(node.proxy) });
    } catch (error) {
      // What the proxy is must be stored, or others would not find it. Whether it takes traffic already can wait for the store.
      if (!isUnavailable(error) || !isKnown) throw error;
      options.onError(resourceKeyOf(node.proxy), error);
    }
  };

  const leave = (node: ProxyNode, isBack: () => boolean): void => {
    leaving.delete(node.id);
    const key = resourceKeyOf(node.proxy);
    const stored = live.get(key);
    if (stored === undefined || isBack() || options.isElsewhere(key)) {
      lost.left(key);
      return;
    }
    // The leader does it for those whose end the store has not taken yet, and, when most are there again, for those that are missing with most: it may be our
    // network (decision 0303).
    if (options.isConnected(key) || (!isExcused(stored) && isOutage(lost.attendance()))) return;
    lost.left(key);
    manager.delete(key).then(
      () => options.onDeed?.({ access: 'DELETE', key }),
      (error: unknown) => {
        onError(key, error);
        // Nobody else forgets it.
        if (isUnavailable(error) && !stopped && !leaving.has(node.id)) leaveLater(node, isBack, retryMilliseconds);
      },
    );
  };

  const leaveLater = (node: ProxyNode, isBack: () => boolean, milliseconds: number): void => {
    leaving.set(
      node.id,
      setTimeout(() => leave(node, isBack), milliseconds),
    );
  };

  const register = async (
    node: ProxyNode,
    proven: ProvenProxy,
    key: ResourceKey,
    stored: Resource | undefined,
  ): Promise<void> => {
    // A token that is not good for the resource that is there must not replace it either.
    if (stored !== undefined) proven.check(stored);
    if (node.resource === undefined) {
      if (stored === undefined) {
        throw new MeshError(
          'not-found',
          `there is no ${key.type} "${key.name}"${key.mesh === '' ? '' : ` in mesh "${key.mesh}"`}; create it, or start the proxy with --dataplane-file`,
        );
      }
      return;
    }
    const draft = parseOwnResource(types, node.resource, node.proxy);
    proven.check(draft);
    stay(node.id);
    await store(draft, stored, node);
    lost.back(key);
  };

  return {
    async register(node, proven) {
      const key = resourceKeyOf(node.proxy);
      const stored = live.get(key);
      try {
        await register(node, proven, key, stored);
      } catch (error) {
        // While the store is away a fleet comes back every second: nothing was done, and nobody was refused.
        if (node.resource !== undefined && !isUnavailable(error))
          options.onDeed?.({ access: accessOf(stored), key, error });
        throw error;
      }
    },
    gone(node, departure) {
      if (node.resource === undefined || stopped) return;
      stay(node.id);
      lost.gone(resourceKeyOf(node.proxy), departure);
      const delay = deregistrationDelayMilliseconds;
      leaveLater(node, departure.isBack, departure.sentAway ? Math.max(delay, sentAwayMilliseconds) : delay);
    },
    stop() {
      stopped = true;
      lost.stop();
      for (const timer of leaving.values()) clearTimeout(timer);
      leaving.clear();
    },
  };
}

function accessOf(stored: Resource | undefined): RegistrationDeed['access'] {
  return stored === undefined ? 'CREATE' : 'UPDATE';
}
