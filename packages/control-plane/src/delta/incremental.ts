// The incremental ("delta") protocol for one client and type: only what changed is sent, with a version for each resource.
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
import { collectDifferences, isBehind } from './differences.ts';

// Stands for "the client knows that this does not exist" where versions are kept; no real version is empty.
const absent = '';

/** Starts the incremental conversation about one type (xDS protocol, "Incremental xDS"). */
export function openIncremental<Item extends Versioned>(rules: ConversationRules): Conversation<Item> {
  let asked = false;
  let answered = false;
  let wildcard = false;
  let nonces = 0;
  let unanswered: Unanswered<Item> | undefined;
  let awaiting = false;
  // Resources in one update; fewer than there are only while it is looked for the one that the client does not take.
  let limit = Number.POSITIVE_INFINITY;
  // The state the client has been brought to, so that asking again costs nothing; and whether it still has what is gone from it.
  let settled: Snapshot<Item> | undefined;
  let leftovers = false;
  const names = new Set<string>();
  const sent = new Map<string, string>();

  const subscribe = (request: DiscoveryRequest): Reception => {
    const first = !asked;
    if (first) {
      asked = true;
      wildcard = rules.complete && request.names.length === 0;
      for (const [name, version] of request.held) sent.set(name, version);
    }
    for (const name of request.names) {
      if (name === '*') {
        wildcard = true;
        continue;
      }
      names.add(name);
      // Asking again means the client does not have it (any more), unless it says so in the same breath.
      if (!request.held.has(name)) sent.delete(name);
    }
    for (const name of request.dropped) {
      names.delete(name);
      sent.delete(name);
      if (name === '*') {
        wildcard = false;
        for (const known of sent.keys()) if (!names.has(known)) sent.delete(known);
      }
    }
    if (names.size > rules.nameLimit) {
      return { kind: 'refused', message: `subscribed to ${names.size} names; at most ${rules.nameLimit} are allowed` };
    }
    return { kind: 'subscribed' };
  };

  /**
   * One resource that a client cannot read costs it the whole update, and its error need not say which one that is. What it does not name is taken as
   * not sent, so that it comes again: the client that has it does nothing. Without any name it comes in halves, down to the one that is refused alone.
   */
  const settle = ({ update, steps, cut }: Unanswered<Item>, request: DiscoveryRequest): Reception => {
    const reception = answerTo(update, request, rules);
    limit = cut ? limit * 2 : Number.POSITIVE_INFINITY;
    if (reception.kind !== 'rejected') return reception;
    const { length } = update.resources;
    // What takes things away only, and is refused, would be refused again.
    if (length === 0) return reception;
    const isDisputed = length > 1 && rules.namedIn(reception.message, reception.resources).length === 0;
    if (isDisputed) limit = Math.ceil(length / 2);
    for (const { name, was, is } of steps) {
      if ((!isDisputed && reception.versions.has(name)) || sent.get(name) !== is) continue;
      if (was === undefined) sent.delete(name);
      else sent.set(name, was);
    }
    settled = undefined;
    return isDisputed ? { kind: 'disputed', message: reception.message } : reception;
  };

  return {
    receive(request) {
      const changes = !asked || request.names.length > 0 || request.dropped.length > 0;
      let reception: Reception = { kind: 'stale' };
      if (changes) {
        settled = undefined;
        reception = subscribe(request);
        if (reception.kind === 'refused') return reception;
      }
      if (unanswered !== undefined && request.nonce === unanswered.update.nonce) {
        reception = settle(unanswered, request);
        unanswered = undefined;
        awaiting = false;
      }
      return reception;
    },
    next(newest, keepRemoved) {
      if (!asked || awaiting) return undefined;
      if (settled === newest && (keepRemoved || !leftovers)) return undefined;
      const { resources, before, removed, ...rest } = collectChanges(newest, {
        wildcard,
        names,
        sent,
        keepRemoved,
        limit,
      });
      settled = rest.cut ? undefined : newest;
      leftovers = rest.leftovers;
      if (resources.length === 0 && removed.length === 0 && (answered || !wildcard)) return undefined;
      const added: string[] = [];
      const steps: Step[] = [];
      for (const [position, { name, version }] of resources.entries()) {
        const was = before[position];
        if ((was ?? absent) === absent) added.push(name);
        steps.push({ name, was, is: version });
        sent.set(name, version);
      }
      for (const name of removed) {
        const is = names.has(name) ? absent : undefined;
        steps.push({ name, was: sent.get(name), is });
        if (is === undefined) sent.delete(name);
        else sent.set(name, is);
      }
      answered = true;
      nonces += 1;
      const update = { nonce: String(nonces), resources, removed, changed: resources, added };
      unanswered = { update, steps, cut: rest.cut };
      awaiting = true;
      return update;
    },
    forget(name) {
      if (!sent.has(name)) return;
      sent.delete(name);
      settled = undefined;
    },
    get asked() {
      return asked;
    },
    behind(newest) {
      return settled !== newest && isBehind(newest, wildcard ? undefined : names, (name) => sent.get(name));
    },
    release() {
      awaiting = false;
    },
    get awaiting() {
      return awaiting;
    },
    wants: (name) => wildcard || names.has(name),
    has: (name) => (sent.get(name) ?? absent) !== absent,
  };
}

/** Version of a resource that a client has, before and after an update; undefined: none. */
interface Step {
  readonly name: string;
  readonly was: string | undefined;
  readonly is: string | undefined;
}

/** An update on its way, and what it changes of what the client has. */
interface Unanswered<Item extends Versioned> {
  readonly update: Update<Item>;
  readonly steps: readonly Step[];
  /** More was left than it could carry. */
  readonly cut: boolean;
}

function collectChanges<Item extends Versioned>(
  newest: Snapshot<Item>,
  client: {
    readonly wildcard: boolean;
    readonly names: ReadonlySet<string>;
    readonly sent: ReadonlyMap<string, string>;
    readonly keepRemoved: boolean;
    readonly limit: number;
  },
): Changes<Item> {
  const { wildcard, names, sent, keepRemoved, limit } = client;
  const { changed, before, cut, wanted, known } = collectDifferences(
    newest,
    wildcard ? undefined : names,
    (name) => sent.get(name),
    limit,
  );
  const removed: string[] = [];
  // A name that was asked for and does not exist is answered with its removal; that takes nothing from the client.
  if (names.size > wanted || wildcard || cut) {
    for (const name of names) if (!newest.has(name) && !sent.has(name)) removed.push(name);
  }
  let leftovers = false;
  if (sent.size > known || cut) {
    for (const [name, version] of sent) {
      if (version === absent || newest.has(name)) continue;
      if (keepRemoved) leftovers = true;
      else removed.push(name);
    }
  }
  return { resources: changed, before, removed, cut, leftovers };
}

/** What brings a client up to date. */
interface Changes<Item> {
  readonly resources: readonly Item[];
  /** Versions of these that the client has, in their order. */
  readonly before: readonly (string | undefined)[];
  readonly removed: readonly string[];
  /** More is left than one update may carry. */
  readonly cut: boolean;
  /** The client keeps something that is gone. */
  readonly leftovers: boolean;
}
