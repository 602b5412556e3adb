// The incremental ("delta") protocol for one client and type: only what changed is sent, with a version for each resource.
import {
  answerTo,
  type Conversation,
  type ConversationRules,
  type DiscoveryRequest,
  type Reception,
  type Snapshot,
  type Update,
  updateByteLimit,
  type Versioned,
} from './conversation.ts';

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
  let settled: { readonly newest: Snapshot<Item>; readonly keepRemoved: boolean } | undefined;
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
      if (settled?.newest === newest && settled.keepRemoved === keepRemoved) return undefined;
      const changes = collectChanges(newest, { wildcard, names, sent, keepRemoved });
      if (changes.resources.length === 0 && changes.removed.length === 0 && (answered || !wildcard)) {
        settled = { newest, keepRemoved };
        return undefined;
      }
      const added = changes.resources
        .filter((item) => (sent.get(item.name) ?? absent) === absent)
        .map((item) => item.name);
      for (const item of changes.resources) sent.set(item.name, item.version);
      for (const name of changes.removed) {
        if (names.has(name)) sent.set(name, absent);
        else sent.delete(name);
      }
      answered = true;
      nonces += 1;
      unanswered = { nonce: String(nonces), ...changes, changed: changes.resources, added };
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
      for (const name of wildcard ? newest.keys() : names) {
        const item = newest.get(name);
        if (item !== undefined && sent.get(name) !== item.version) return true;
      }
      return false;
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
): { readonly resources: readonly Item[]; readonly removed: readonly string[] } {
  const resources: Item[] = [];
  const removed: string[] = [];
  let bytes = 0;
  const wanted = client.wildcard ? newest.keys() : client.names;
  for (const name of wanted) {
    const item = newest.get(name);
    if (item === undefined || client.sent.get(name) === item.version) continue;
    bytes += item.bytes.length;
    if (bytes > updateByteLimit && resources.length > 0) break;
    resources.push(item);
  }
  // A name that was asked for and does not exist is answered with its removal; that takes nothing from the client.
  for (const name of client.names) if (!newest.has(name) && !client.sent.has(name)) removed.push(name);
  if (!client.keepRemoved) {
    for (const [name, version] of client.sent) if (!newest.has(name) && version !== absent) removed.push(name);
  }
  return { resources, removed };
}
