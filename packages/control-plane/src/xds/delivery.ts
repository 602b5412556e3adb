// How far one proxy has come: up to which revision of the store its configuration is sent and answered, and what it refuses. Pure, and a few
// assignments for each push, so that following a roll-out costs nothing when nobody asks.
import type { EnvoyType } from '@ursa/envoy';
import type { ProxyResources } from './push-sequence.ts';

/** A resource that a proxy does not take. It keeps the one it had. */
export interface Refusal {
  readonly type: EnvoyType;
  readonly resource: string;
  /** Revision of the configuration that was refused. */
  readonly revision: number;
  /** Envoy's text. */
  readonly message: string;
  /** Milliseconds since 1970. */
  readonly since: number;
}

/** What of a configuration is on its way. */
export interface InFlight {
  /** True when all that the proxy can be sent was sent. */
  readonly complete: boolean;
  /** Types whose last response has no answer yet. */
  readonly unanswered: ReadonlySet<EnvoyType>;
}

/** Follows one connection. */
export interface Delivery {
  /** A newer configuration, made from everything up to the revision. */
  offered(revision: number, resources: ProxyResources): void;
  sent(type: EnvoyType): void;
  acknowledged(type: EnvoyType, resources: readonly string[]): void;
  rejected(type: EnvoyType, resources: readonly string[], message: string): void;
  /** After all that can be sent was sent. True when the proxy has come further. */
  flushed(inFlight: InFlight): boolean;
  /**
   * The first revision that has changed something for the proxy and that it has not answered for; 0 while it has no configuration,
   * undefined when it has answered for everything.
   */
  readonly outstanding: number | undefined;
  /** Since when something is outstanding, in milliseconds since 1970. */
  readonly since: number;
  /** What it refuses now. */
  readonly refusals: readonly Refusal[];
}

/** Follows a connection from its start. `now` in milliseconds since 1970. */
export function followDelivery(now: () => number): Delivery {
  let outstanding: number | undefined = 0;
  let since = now();
  let newest = 0;
  const sentAt = new Map<EnvoyType, number>();
  const refusals = new Map<string, Refusal>();
  // A state that was sent whole, and the types whose answer is still missing for it: under steady change there is always something on
  // its way, and the proxy comes further all the same.
  let milestone: { readonly revision: number; readonly missing: Set<EnvoyType> } | undefined;

  const answered = (type: EnvoyType): void => {
    milestone?.missing.delete(type);
  };

  return {
    offered(revision, resources) {
      newest = revision;
      if (outstanding === undefined) {
        outstanding = revision;
        since = now();
      }
      for (const [key, { type, resource }] of refusals) if (!resources[type].has(resource)) refusals.delete(key);
    },
    sent(type) {
      sentAt.set(type, newest);
    },
    acknowledged(type, resources) {
      answered(type);
      if (refusals.size > 0) for (const name of resources) refusals.delete(`${type} ${name}`);
    },
    rejected(type, resources, message) {
      answered(type);
      const revision = sentAt.get(type) ?? newest;
      for (const resource of resources)
        refusals.set(`${type} ${resource}`, { type, resource, revision, message, since: now() });
    },
    flushed({ complete, unanswered }) {
      const before = outstanding;
      if (outstanding !== undefined && milestone !== undefined && milestone.missing.size === 0) {
        outstanding = newest > milestone.revision ? Math.max(outstanding, milestone.revision + 1) : undefined;
        milestone = undefined;
      }
      if (outstanding !== undefined && complete) {
        if (unanswered.size === 0) {
          outstanding = undefined;
          milestone = undefined;
        } else milestone ??= { revision: newest, missing: new Set(unanswered) };
      }
      return outstanding !== before;
    },
    get outstanding() {
      return outstanding;
    },
    get since() {
      return since;
    },
    get refusals() {
      return [...refusals.values()];
    },
  };
}
