// The state-of-the-world protocol for one client and type. Complete types (clusters, listeners) are always sent whole, because what is
// missing from a response is removed by the client; of the others only what changed is sent.
import {
  answerTo,
  type Conversation,
  type ConversationRules,
  type DiscoveryRequest,
  type Snapshot,
  type Update,
  type Versioned,
} from './conversation.ts';
import { collectDifferences, isBehind } from './differences.ts';

/** Starts the state-of-the-world conversation about one type (xDS protocol, "State of the World"). */
export function openStateOfTheWorld<Item extends Versioned>(rules: ConversationRules): Conversation<Item> {
  let asked = false;
  let answered = false;
  let wildcard = false;
  let everNamed = false;
  let nonces = 0;
  let unanswered: Update<Item> | undefined;
  let awaiting = false;
  // The state the client has been brought to, so that asking again costs nothing; and whether it still has what is gone from it.
  let settled: Snapshot<Item> | undefined;
  let leftovers = false;
  let names: ReadonlySet<string> = new Set();
  const sent = new Map<string, Item>();

  const wants = (name: string): boolean => wildcard || names.has(name);

  const subscribe = (request: DiscoveryRequest): void => {
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
      return answeredUpdate === undefined ? { kind: 'subscribed' } : answerTo(answeredUpdate, request, rules);
    },
    next(newest, keepRemoved) {
      if (!asked || awaiting) return undefined;
      if (settled === newest && (keepRemoved || !leftovers)) return undefined;
      const wanted = wildcard ? newest.keys() : names;
      const { state, ...rest } = rules.complete
        ? wholeState(newest, wanted, sent, keepRemoved, answered)
        : changedPart(newest, wanted, sent, keepRemoved);
      settled = rest.cut ? undefined : newest;
      leftovers = rest.leftovers;
      if (state === undefined) return undefined;
      const changed = state.filter((item) => sent.get(item.name)?.version !== item.version);
      const added = changed.filter((item) => !sent.has(item.name)).map((item) => item.name);
      if (rules.complete) sent.clear();
      for (const item of state) sent.set(item.name, item);
      answered = true;
      nonces += 1;
      unanswered = { nonce: String(nonces), resources: state, removed: [], changed, added };
      awaiting = true;
      return unanswered;
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
      const wanted = wildcard ? newest.keys() : names;
      return settled !== newest && isBehind(newest, wanted, (name) => sent.get(name)?.version);
    },
    release() {
      awaiting = false;
    },
    get awaiting() {
      return awaiting;
    },
    wants,
    has: (name) => sent.has(name),
  };
}

/** All wanted resources, if that is another state than the one sent. */
function wholeState<Item extends Versioned>(
  newest: Snapshot<Item>,
  wanted: Iterable<string>,
  sent: ReadonlyMap<string, Item>,
  keepRemoved: boolean,
  answered: boolean,
): NextState<Item> {
  const state: Item[] = [];
  let different = !answered;
  for (const name of wanted) {
    const item = newest.get(name);
    if (item === undefined) continue;
    state.push(item);
    if (sent.get(name)?.version !== item.version) different = true;
  }
  let gone = 0;
  for (const [name, item] of sent) {
    if (newest.has(name)) continue;
    gone += 1;
    if (keepRemoved) state.push(item);
  }
  const due = different || (gone > 0 && !keepRemoved);
  return { state: due ? state : undefined, cut: false, leftovers: gone > 0 && keepRemoved };
}

/** The wanted resources that differ from what was sent. What is gone is forgotten: this protocol cannot say it. */
function changedPart<Item extends Versioned>(
  newest: Snapshot<Item>,
  wanted: Iterable<string>,
  sent: Map<string, Item>,
  keepRemoved: boolean,
): NextState<Item> {
  const { changed, cut } = collectDifferences(newest, wanted, (name) => sent.get(name)?.version);
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
