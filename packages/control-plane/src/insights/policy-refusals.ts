// What happens when Envoy refuses: the policies behind it are found, noted in the store, and held back by the engine, which reads the notes.
// One refusal is worked on at a time: what is noted of the first proxy answers most of the others.
import {
  type Engine,
  type PolicyInsight,
  policiesOf,
  policyInsightType,
  type Refusal,
  type RefusedResource,
} from '@ursa/engine';
import type { PolicyHead } from '@ursa/policy';
import type { Resource, ResourceKey } from '@ursa/resources';
import type { Component } from '../component.ts';
import type { LiveResources } from '../store/live-resources.ts';
import type { Store, StoreContent, StoreWrite } from '../store/store.ts';
import { isUnavailable } from '../store/unavailable.ts';
import { endInsight, noteRefusal, withdrawRefusal } from './policy-insights.ts';
import { attemptsOf, suspectsFor } from './suspects.ts';

/** An update that a proxy did not take. */
export interface RefusedUpdate {
  /** `<mesh>/<name>`. */
  readonly proxy: string;
  readonly envoyVersion: string;
  /** Envoy's own words. */
  readonly message: string;
  readonly resources: readonly RefusedResource[];
}

/** What refusals are worked on with. */
export interface PolicyRefusalsOptions {
  readonly store: Store;
  readonly live: LiveResources;
  readonly engine: Pick<Engine, 'config' | 'rules' | 'resourcesWithout' | 'heldBack'>;
  /** Types of policies that are never held back. */
  readonly guards: ReadonlySet<string>;
  readonly now?: () => Date;
  readonly log: { warn(message: string, fields: Readonly<Record<string, unknown>>): void };
  readonly onError: (error: unknown) => void;
}

/** Works on refusals. Starts before the server that proxies connect to, and stops after it. */
export interface PolicyRefusals extends Component {
  refused(update: RefusedUpdate): void;
  accepted(proxyKey: string, type: string, resources: readonly string[]): void;
  /** Refused updates since the start, by type of Envoy resource. */
  refusedUpdates(): Readonly<Record<string, number>>;
  /** Policies that are held back from some proxy now. */
  heldBackPolicies(): number;
  /** Resolves when everything that came in has been worked on. */
  settled(): Promise<void>;
}

/** A search for the policies at fault, at one proxy. */
interface Search {
  readonly attempts: readonly (readonly PolicyHead[])[];
  readonly guards: readonly PolicyHead[];
  readonly since: string;
  readonly message: string;
  position: number;
  lastStep: number;
  refused: readonly RefusedResource[];
}

const longestMessage = 4096;
const mostResources = 30;
const mostHopeless = 1000;
const mostWaiting = 2000;
const retryMilliseconds = 1_000;
// Envoy answers in milliseconds. A search that has not gone on for so long was over: what was left out last has helped.
const searchMilliseconds = 30_000;

/** Opens it; it works on what it is told. */
export function openPolicyRefusals(options: PolicyRefusalsOptions): PolicyRefusals {
  const { store, live, engine, guards, log, onError } = options;
  const now = options.now ?? (() => new Date());
  const searches = new Map<string, Search>();
  // Bytes for which no policy is at fault: they are not searched again, whoever refuses them.
  const hopeless = new Set<string>();
  const counts: Record<string, number> = {};
  let waiting = 0;
  // The newest update of each proxy that waits for the store.
  const later = new Map<string, RefusedUpdate>();
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> = Promise.resolve();

  const idOf = (envoyVersion: string, { type, name, version }: RefusedResource): string =>
    `${envoyVersion} ${type} ${name} ${version}`;

  const begin = (update: RefusedUpdate, resources: readonly RefusedResource[]): Search => {
    const held = policiesOf(engine.heldBack.get(update.proxy));
    const suspects = suspectsFor(engine, update.proxy, held, resources);
    return {
      attempts: attemptsOf(suspects.filter(({ type }) => !guards.has(type))),
      guards: suspects.filter(({ type }) => guards.has(type)),
      since: now().toISOString(),
      message: update.message.slice(0, longestMessage),
      position: -1,
      lastStep: 0,
      refused: [],
    };
  };

  /** True when what the search has left out is left out, and the proxy still refuses. */
  const goesOn = (search: Search | undefined, proxy: string): search is Search => {
    if (search === undefined || now().getTime() - search.lastStep > searchMilliseconds) return false;
    const held = policiesOf(engine.heldBack.get(proxy));
    return (search.attempts[search.position] ?? []).every(({ key }) => held.includes(key));
  };

  const step = (content: StoreContent, search: Search, update: RefusedUpdate): readonly StoreWrite[] => {
    const { proxy, envoyVersion } = update;
    const { message, since, refused } = search;
    const refusal: Refusal = { proxy, envoyVersion, resources: refused, message, since };
    const tried = search.attempts[search.position - 1] ?? [];
    const chosen = search.attempts[search.position];
    const notes = chosen ?? search.guards;
    const back = tried.filter(({ key }) => !notes.some((policy) => policy.key === key));
    return [
      ...back.flatMap((policy) => withdrawRefusal(content, policy, proxy)),
      ...notes.flatMap((policy) => noteRefusal(content, policy, refusal, chosen !== undefined)),
    ];
  };

  const work = async (update: RefusedUpdate): Promise<void> => {
    const { proxy, envoyVersion } = update;
    const current = engine.config.get(proxy)?.resources;
    // What it would get now may be something else: because of another proxy's refusal, or of a change.
    const resources = update.resources.filter(
      ({ type, name, version }) => current?.[type].get(name)?.version === version,
    );
    if (resources.length === 0 || resources.every((resource) => hopeless.has(idOf(envoyVersion, resource)))) return;
    const before = searches.get(proxy);
    const search = goesOn(before, proxy) ? before : begin(update, resources);
    search.position += 1;
    search.lastStep = now().getTime();
    search.refused = [...search.refused, ...resources].slice(-mostResources);
    searches.set(proxy, search);
    const chosen = search.attempts[search.position];
    await store.write((content) => step(content, search, update));
    const names = resources.map(({ name }) => name);
    if (chosen !== undefined) {
      const policies = chosen.map(({ key }) => key);
      log.warn('policies are held back from a proxy that refused what they made', {
        proxy,
        policies,
        resources: names,
      });
      return;
    }
    searches.delete(proxy);
    for (const resource of search.refused) hopeless.add(idOf(envoyVersion, resource));
    for (const id of hopeless) if (hopeless.size > mostHopeless) hopeless.delete(id);
    log.warn('a proxy refused what no policy is at fault for; it keeps what it has', { proxy, resources: names });
  };

  const end = (policies: readonly ResourceKey[]): void => {
    working = working
      .then(() => store.write((content) => policies.flatMap((policy) => endInsight(content, policy))))
      .then(() => undefined)
      .catch((error: unknown) => {
        onError(error);
        if (isUnavailable(error)) setTimeout(() => end(policies), retryMilliseconds).unref();
      });
  };
  const insights = (): readonly Resource<PolicyInsight>[] =>
    live.list(policyInsightType) as readonly Resource<PolicyInsight>[];
  let feed: { stop(): void } | undefined;

  const take = (update: RefusedUpdate): void => {
    waiting += 1;
    working = working
      .then(() => work(update))
      .catch((error: unknown) => {
        onError(error);
        if (isUnavailable(error)) takeLater(update);
      })
      .finally(() => {
        waiting -= 1;
      });
  };
  /** Envoy does not refuse the same twice on one stream: what could not be stored is not heard again. */
  const takeLater = (update: RefusedUpdate): void => {
    later.set(update.proxy, update);
    timer ??= setTimeout(() => {
      timer = undefined;
      const updates = [...later.values()];
      later.clear();
      for (const each of updates) take(each);
    }, retryMilliseconds).unref();
  };

  return {
    name: 'policy-refusals',
    async start() {
      const keyOf = ({ mesh, spec }: Resource<PolicyInsight>): ResourceKey => ({ ...spec.policy, mesh });
      end(insights().map(keyOf));
      feed = store.changes((changes) => {
        if (live.resources(policyInsightType).keys().length === 0) return;
        const known = new Set(insights().map((insight) => `${insight.mesh}/${insight.name}`));
        const changed = changes.filter(
          ({ key, before }) => before !== undefined && known.has(`${key.mesh}/${key.type}.${key.name}`),
        );
        if (changed.length > 0) end(changed.map(({ key }) => key));
      });
      await working;
    },
    refused(update) {
      const type = update.resources[0]?.type ?? 'unknown';
      counts[type] = (counts[type] ?? 0) + 1;
      // Beyond that a proxy is heard when it connects again: it is sent then what it refused.
      if (waiting >= mostWaiting) return;
      take(update);
    },
    accepted(proxyKey, type, resources) {
      const search = searches.get(proxyKey);
      if (search?.refused.some((refused) => refused.type === type && resources.includes(refused.name)) === true)
        searches.delete(proxyKey);
    },
    refusedUpdates: () => counts,
    heldBackPolicies: () => insights().filter(({ spec }) => spec.heldBack).length,
    settled: () => working,
    async stop() {
      feed?.stop();
      await working;
      clearTimeout(timer);
    },
  };
}
