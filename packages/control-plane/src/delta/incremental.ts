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
  let unanswered: Update<Item> | undefined;
  let awaiting = false;
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

  return {
    receive(request) {
      const changes = !asked || request.names.length > 0 || request.dropped.length > 0;
      let reception: Reception = { kind: 'stale' };
      if (changes) {
        settled = undefined;
        reception = subscribe(request);
        if (reception.kind === 'refused') return reception;
      }
      if (unanswered !== undefined && request.nonce === unanswered.nonce) {
        reception = answerTo(unanswered, request);
        unanswered = undefined;
        awaiting = false;
      }
      return reception;
    },
    next(newest, keepRemoved) {
      if (!asked || awaiting) return undefined;
      if (settled === newest && (keepRemoved || !leftovers)) return undefined;
      const { resources, removed, ...rest } = collectChanges(newest, { wildcard, names, sent, keepRemoved });
      settled = rest.cut ? undefined : newest;
      leftovers = rest.leftovers;
      if (resources.length === 0 && removed.length === 0 && (answered || !wildcard)) return undefined;
      const added = resources.filter((item) => (sent.get(item.name) ?? absent) === absent).map((item) => item.name);
      for (const item of resources) sent.set(item.name, item.version);
      for (const name of removed) {
        if (names.has(name)) sent.set(name, absent);
        else sent.delete(name);
      }
      answered = true;
      nonces += 1;
      unanswered = { nonce: String(nonces), resources, removed, changed: resources, added };
      awaiting = true;
      return unanswered;
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
      return settled !== newest && isBehind(newest, wildcard ? newest.keys() : names, (name) => sent.get(name));
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

function collectChanges<Item extends Versioned>(
  newest: Snapshot<Item>,
  client: {
    readonly wildcard: boolean;
    readonly names: ReadonlySet<string>;
    readonly sent: ReadonlyMap<string, string>;
    readonly keepRemoved: boolean;
  },
): Changes<Item> {
  const { wildcard, names, sent, keepRemoved } = client;
  const wanted = wildcard ? newest.keys() : names;
  const { changed, cut } = collectDifferences(newest, wanted, (name) => sent.get(name));
  const removed: string[] = [];
  // A name that was asked for and does not exist is answered with its removal; that takes nothing from the client.
  for (const name of names) if (!newest.has(name) && !sent.has(name)) removed.push(name);
  let leftovers = false;
  for (const [name, version] of sent) {
    if (version === absent || newest.has(name)) continue;
    if (keepRemoved) leftovers = true;
    else removed.push(name);
  }
  return { resources: changed, removed, cut, leftovers };
}

/** What brings a client up to date. */
interface Changes<Item> {
  readonly resources: readonly Item[];
  readonly removed: readonly string[];
  /** More is left than one update may carry. */
  readonly cut: boolean;
  /** The client keeps something that is gone. */
  readonly leftovers: boolean;
}
