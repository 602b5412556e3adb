// What both discovery protocols have in common: one client, one stream, one type of resource. A conversation knows what the client
// wants, what it was last sent and whether it has answered; given the newest state it says what to send. It keeps no queue: a client
// that is slow or silent finds only the newest state when it comes back.

/** A resource as the protocols see it: equal versions mean equal content. */
export interface Versioned {
  readonly name: string;
  readonly version: string;
  readonly bytes: Uint8Array;
}

/** All resources of one type that a client may have, by name. */
export type Snapshot<Item extends Versioned> = ReadonlyMap<string, Item>;

/** A request of either protocol. */
export interface DiscoveryRequest {
  /** Nonce of the response it answers; '' when it answers none. */
  readonly nonce: string;
  /** Why the client rejected that response; undefined when it did not. */
  readonly error: string | undefined;
  /** Incremental: names to subscribe to as well. State of the world: all names wanted from now on. */
  readonly names: readonly string[];
  /** Incremental only: names no longer wanted. */
  readonly dropped: readonly string[];
  /** Incremental only, first request of a stream: versions the client still holds, by name. */
  readonly held: ReadonlyMap<string, string>;
  /** State of the world only: version of the last response that the client took, on this stream or before; undefined while it has nothing. */
  readonly version?: string;
}

/** What a request meant. */
export type Reception =
  | { readonly kind: 'subscribed' }
  /** The response was accepted; `resources` are those it carried. */
  | { readonly kind: 'acknowledged'; readonly resources: readonly string[] }
  /** The response was rejected for these resources; `versions` are theirs, by name. */
  | {
      readonly kind: 'rejected';
      readonly message: string;
      readonly resources: readonly string[];
      readonly versions: ReadonlyMap<string, string>;
    }
  /** The response was rejected, for which of its resources is not known yet: they come again in smaller ones. */
  | { readonly kind: 'disputed'; readonly message: string }
  /** Answers a response that is not the last one; changes nothing (incremental: only its subscriptions count). */
  | { readonly kind: 'stale' }
  /** The client wants more than it may; the stream must end. */
  | { readonly kind: 'refused'; readonly message: string };

/** A response to send. */
export interface Update<Item extends Versioned> {
  readonly nonce: string;
  readonly resources: readonly Item[];
  /** Incremental only: names that are gone or never were. */
  readonly removed: readonly string[];
  /** Those of `resources` that differ from what the client has; the others go along because the type is complete. */
  readonly changed: readonly Item[];
  /** Names among `changed` that the client did not have before. */
  readonly added: readonly string[];
}

/** One client's conversation about one type. */
export interface Conversation<Item extends Versioned> {
  receive(request: DiscoveryRequest): Reception;
  /**
   * What brings the client from what it was last sent to `newest`, and takes it as sent; undefined when there is nothing to send now:
   * it is up to date, has not asked, or has not answered the last response. With `keepRemoved`, resources that are gone from `newest`
   * stay with the client for now.
   */
  next(newest: Snapshot<Item>, keepRemoved: boolean): Update<Item> | undefined;
  /** Forgets that a resource was sent, so that it is sent again to a client that still wants it. Not for complete types. */
  forget(name: string): void;
  /** Stops waiting for the answer to the last response, so that newer state can go out. The answer still counts when it comes. */
  release(): void;
  /** True when something of `newest` that the client wants was not sent yet. */
  behind(newest: Snapshot<Item>): boolean;
  /** True once the client has asked for this type. */
  readonly asked: boolean;
  /** True while an unanswered response holds back newer state. */
  readonly awaiting: boolean;
  /** True when the client asked for this name, or for all. */
  wants(name: string): boolean;
  /** True when the client was sent this name on this stream, or holds it from an earlier one. */
  has(name: string): boolean;
}

/** How a type of resource is talked about. */
export interface ConversationRules {
  /** Whether asking for nothing means asking for all, and (state of the world) every response carries all. */
  readonly complete: boolean;
  /** How many names one client may ask for. */
  readonly nameLimit: number;
  /** Those of the names that a client's error speaks of; none where that cannot be told. */
  readonly namedIn: (error: string, names: readonly string[]) => readonly string[];
}

/** What a request says of the response it answers. An error that names none of its resources speaks of all. */
export function answerTo<Item extends Versioned>(
  update: Update<Item>,
  { error }: DiscoveryRequest,
  { namedIn }: Pick<ConversationRules, 'namedIn'>,
): Reception {
  const resources = update.resources.map((item) => item.name);
  if (error === undefined) return { kind: 'acknowledged', resources };
  const named = new Set(namedIn(error, resources));
  const refused = update.resources.filter(({ name }) => named.size === 0 || named.has(name));
  const versions = new Map(refused.map((item) => [item.name, item.version]));
  return { kind: 'rejected', message: error, resources: [...versions.keys()], versions };
}
