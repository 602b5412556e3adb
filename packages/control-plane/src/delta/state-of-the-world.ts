// The state-of-the-world protocol for one client and type. Complete types (clusters, listeners) are always sent whole, because what is
// missing from a response is removed by the client; of the others only what changed is sent.
import {
  answerTo,
  type Conversation,
  type ConversationRules,
  type DiscoveryRequest,
  type Reception,
  type Snapshot,
  type Update,
  type Versioned,
} from './conversation.ts';
import { collectDifferences, isBehind, type Wanted } from './differences.ts';

/** Starts the state-of-the-world conversation about one type (xDS protocol, "State of the World"). */
export function openStateOfTheWorld<Item extends Versioned>(rules: ConversationRules): Conversation<Item> {
  let asked = false;
  let answered = false;
  let wildcard = false;
  let everNamed = false;
  let nonces = 0;
  let unanswered: Unanswered<Item> | undefined;
  let awaiting = false;
  // Changes in one response; fewer than there are only while it is looked for the one that the client does not take.
  let limit = Number.POSITIVE_INFINITY;
  // The state the client has been brought to, so that asking again costs nothing; and whether it still has what is gone from it.
  let settled: Snapshot<Item> | undefined;
  let leftovers = false;
  let names: ReadonlySet<string> = new Set();
  const sent = new Map<string, Item>();
  // What the client has taken; undefined while that is not known, because it has something of an earlier stream.
  let taken: ReadonlyMap<string, Item> | undefined;
  const refused = new Map<string, string>();

  const wants = (name: string): boolean => wildcard || names.has(name);

  const subscribe = (request: DiscoveryRequest): void => {
    if (!asked && (!rules.complete || request.version === undefined)) taken = new Map();
    const wanted = new Set(request.names);
    const all = wanted.delete('*');
    // Naming nothing means all, until the client has named something once; from then on it means nothing.
    if (wanted.size > 0 || all) everNamed = true;
    const nowWildcard = rules.complete && (all || (!everNamed && wanted.size === 0));
    const same =
      asked &&
      nowWildcard === wildcard &&
      wanted.size === names.size &&
      request.names.every((name) => name === '*' || names.has(name));
    asked = true;
    if (same) return;
    wildcard = nowWildcard;
    names = wanted;
    settled = undefined;
    for (const name of sent.keys()) if (!wants(name)) sent.delete(name);
    if (rules.complete) answered = false;
  };

  /**
   * One resource that a client cannot read costs it the whole response, and its error need not say which one that is. So what it was sent counts as not
   * sent, and all comes again but for what is refused, of which the client keeps what it took last. Without any name it comes in halves.
   */
  const settle = ({ update, cut }: Unanswered<Item>, request: DiscoveryRequest): Reception => {
    const reception = answerTo(update, request, rules);
    limit = cut ? limit * 2 : Number.POSITIVE_INFINITY;
    if (reception.kind !== 'rejected') {
      taken = new Map(sent);
      if (reception.kind !== 'acknowledged') return reception;
      // It says nothing of what it still refuses.
      return { ...reception, resources: reception.resources.filter((name) => !refused.has(name)) };
    }
    // What is left out of a complete type is taken away: that must be nothing that the client may have.
    if (taken === undefined || update.changed.length === 0) return reception;
    const named = rules.namedIn(
      reception.message,
      update.changed.map(({ name }) => name),
    );
    const isDisputed = named.length === 0 && update.changed.length > 1;
    const culprits = update.changed.filter(({ name }) => named.length === 0 || named.includes(name));
    if (isDisputed) limit = Math.ceil(update.changed.length / 2);
    else for (const { name, version } of culprits) refused.set(name, version);
    sent.clear();
    for (const [name, item] of taken) if (wants(name)) sent.set(name, item);
    settled = undefined;
    if (isDisputed) return { kind: 'disputed', message: reception.message };
    const versions = new Map(culprits.map(({ name, version }) => [name, version]));
    return { ...reception, resources: [...versions.keys()], versions };
  };

  /** What the client is to have: the newest, but for what it refuses. */
  const acceptable = (newest: Snapshot<Item>): Snapshot<Item> => {
    for (const [name, version] of refused) {
      if (newest.get(name)?.version === version) continue;
      refused.delete(name);
      // What comes after a refusal is sent, also when it is what the client has: its answer ends the refusal.
      const last = sent.get(name);
      if (last !== undefined) sent.set(name, { ...last, version });
    }
    if (refused.size === 0) return newest;
    const state = new Map(newest);
    for (const name of refused.keys()) {
      const last = sent.get(name);
      if (last === undefined) state.delete(name);
      else state.set(name, last);
    }
    return state;
  };

  return {
    receive(request) {
      if (request.names.length > rules.nameLimit) {
        return {
          kind: 'refused',
          message: `asked for ${request.names.length} names; at most ${rules.nameLimit} are allowed`,
        };
      }
      // Only an answer to the last response counts; one to an older response was sent before the client saw the last.
      if (nonces > 0 && request.nonce !== String(nonces)) return { kind: 'stale' };
      const answeredUpdate = unanswered;
      unanswered = undefined;
      awaiting = false;
      subscribe(request);
      return answeredUpdate === undefined ? { kind: 'subscribed' } : settle(answeredUpdate, request);
    },
    next(newest, keepRemoved) {
      if (!asked || awaiting) return undefined;
      if (settled === newest && (keepRemoved || !leftovers)) return undefined;
      const state = acceptable(newest);
      const client = { wanted: wildcard ? undefined : names, sent, keepRemoved, answered, limit };
      const following = rules.complete ? wholeState(state, client) : changedPart(state, client);
      settled = following.cut ? undefined : newest;
      leftovers = following.leftovers;
      if (following.state === undefined) return undefined;
      const resources = following.state;
      const changed = resources.filter((item) => sent.get(item.name)?.version !== item.version);
      const added = changed.filter((item) => !sent.has(item.name)).map((item) => item.name);
      if (rules.complete) sent.clear();
      for (const item of resources) sent.set(item.name, item);
      answered = true;
      nonces += 1;
      const update = { nonce: String(nonces), resources, removed: [], changed, added };
      unanswered = { update, cut: following.cut };
      awaiting = true;
      return update;
    },
    forget(name) {
      if (!sent.has(name) || rules.complete) return;
      sent.delete(name);
      settled = undefined;
    },
    get asked() {
      return asked;
    },
    behind(newest) {
      const wanted = wildcard ? undefined : names;
      const versionSent = (name: string): string | undefined => refused.get(name) ?? sent.get(name)?.version;
      return settled !== newest && isBehind(newest, wanted, versionSent);
    },
    release() {
      awaiting = false;
    },
    get awaiting() {
      return awaiting;
    },
    wants,
    has: (name) => sent.has(name) || refused.has(name),
  };
}

/** A response on its way. */
interface Unanswered<Item extends Versioned> {
  readonly update: Update<Item>;
  /** More was left than it could carry. */
  readonly cut: boolean;
}

/** What is known of a client. */
interface Client<Item extends Versioned> {
  readonly wanted: Wanted;
  readonly sent: Map<string, Item>;
  readonly keepRemoved: boolean;
  readonly answered: boolean;
  /** Changes that one response may carry. */
  readonly limit: number;
}

/** All wanted resources, if that is another state than the one sent. Changes beyond the limit are left as they were. */
function wholeState<Item extends Versioned>(
  newest: Snapshot<Item>,
  { wanted, sent, keepRemoved, answered, limit }: Client<Item>,
): NextState<Item> {
  const state: Item[] = [];
  let changes = 0;
  let cut = false;
  for (const [name, item] of newest) {
    if (wanted !== undefined && !wanted.has(name)) continue;
    const before = sent.get(name);
    if (before?.version === item.version) state.push(item);
    else if (changes < limit) {
      changes += 1;
      state.push(item);
    } else {
      cut = true;
      if (before !== undefined) state.push(before);
    }
  }
  let gone = 0;
  for (const [name, item] of sent) {
    if (newest.has(name)) continue;
    gone += 1;
    if (keepRemoved) state.push(item);
  }
  const due = !answered || changes > 0 || (gone > 0 && !keepRemoved);
  return { state: due ? state : undefined, cut, leftovers: gone > 0 && keepRemoved };
}

/** The wanted resources that differ from what was sent. What is gone is forgotten: this protocol cannot say it. */
function changedPart<Item extends Versioned>(
  newest: Snapshot<Item>,
  { wanted, sent, keepRemoved, limit }: Client<Item>,
): NextState<Item> {
  const { changed, cut } = collectDifferences(newest, wanted, (name) => sent.get(name)?.version, limit);
  let leftovers = false;
  for (const name of sent.keys()) {
    if (newest.has(name)) continue;
    if (keepRemoved) leftovers = true;
    else sent.delete(name);
  }
  return { state: changed.length > 0 ? changed : undefined, cut, leftovers };
}

/** What to send next. */
interface NextState<Item> {
  /** Undefined when the client has it already. */
  readonly state: readonly Item[] | undefined;
  /** More is left than one response may carry. */
  readonly cut: boolean;
  /** The client keeps something that is gone. */
  readonly leftovers: boolean;
}
