// One suite for both discovery protocols: what a conversation must do whichever way the client speaks.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type {
  Conversation,
  DiscoveryRequest,
  Reception,
  Snapshot,
  Update,
  Versioned,
} from '../../src/delta/conversation.ts';
import { openIncremental } from '../../src/delta/incremental.ts';
import { openStateOfTheWorld } from '../../src/delta/state-of-the-world.ts';

const item = (name: string, version = '1'): Versioned => ({ name, version, bytes: new Uint8Array([1]) });
const snapshot = (...items: readonly Versioned[]): Snapshot<Versioned> =>
  new Map(items.map((entry) => [entry.name, entry]));
const blank: DiscoveryRequest = { nonce: '', error: undefined, names: [], dropped: [], held: new Map() };

/** A client of either protocol, so that tests can say what it does and not how it says it. */
interface Client {
  readonly conversation: Conversation<Versioned>;
  subscribe(...names: readonly string[]): Reception;
  unsubscribe(...names: readonly string[]): Reception;
  acknowledge(update: Update<Versioned> | undefined): Reception;
  reject(update: Update<Versioned> | undefined, message: string): Reception;
}

const nonceOf = (update: Update<Versioned> | undefined): string => {
  assert.ok(update !== undefined, 'there must be a response to answer');
  return update.nonce;
};

function incrementalClient(complete: boolean, nameLimit = 100): Client {
  const conversation = openIncremental<Versioned>({ complete, nameLimit, namedIn: () => [] });
  return {
    conversation,
    subscribe: (...names) => conversation.receive({ ...blank, names }),
    unsubscribe: (...names) => conversation.receive({ ...blank, dropped: names }),
    acknowledge: (update) => conversation.receive({ ...blank, nonce: nonceOf(update) }),
    reject: (update, error) => conversation.receive({ ...blank, nonce: nonceOf(update), error }),
  };
}

function stateClient(complete: boolean, nameLimit = 100): Client {
  const conversation = openStateOfTheWorld<Versioned>({ complete, nameLimit, namedIn: () => [] });
  let wanted: readonly string[] = [];
  let nonce = '';
  const send = (error?: string): Reception => conversation.receive({ ...blank, names: wanted, nonce, error });
  return {
    conversation,
    subscribe(...names) {
      wanted = [...new Set([...wanted, ...names])];
      return send();
    },
    unsubscribe(...names) {
      wanted = wanted.filter((name) => !names.includes(name));
      return send();
    },
    acknowledge(update) {
      nonce = nonceOf(update);
      return send();
    },
    reject(update, message) {
      nonce = nonceOf(update);
      return send(message);
    },
  };
}

const names = (update: Update<Versioned> | undefined): readonly string[] | undefined =>
  update?.resources.map(({ name }) => name).sort();

for (const [protocol, open] of [
  ['incremental', incrementalClient],
  ['state of the world', stateClient],
] as const) {
  describe(`a conversation, ${protocol}`, () => {
    test('says nothing before the client has asked', () => {
      const { conversation } = open(true);
      assert.equal(conversation.next(snapshot(item('a')), false), undefined);
      assert.equal(conversation.asked, false);
    });

    test('gives all resources of a complete type to a client that names none', () => {
      const { conversation, subscribe } = open(true);
      subscribe();
      assert.deepEqual(names(conversation.next(snapshot(item('a'), item('b')), false)), ['a', 'b']);
    });

    test('answers a first request even when there is nothing, so that the client need not wait', () => {
      const { conversation, subscribe } = open(true);
      subscribe();
      assert.deepEqual(names(conversation.next(snapshot(), false)), []);
    });

    test('gives only what was asked for by name', () => {
      const { conversation, subscribe } = open(false);
      subscribe('a');
      assert.deepEqual(names(conversation.next(snapshot(item('a'), item('b')), false)), ['a']);
    });

    test('gives clients that want the same the same list, in whatever order they asked', () => {
      const [one, other] = [open(false), open(false)];
      one.subscribe('a', 'b', 'c');
      other.subscribe('c', 'a', 'b');
      const newest = snapshot(item('b'), item('a'), item('c'));
      assert.deepEqual(
        one.conversation.next(newest, false)?.resources,
        other.conversation.next(newest, false)?.resources,
      );
    });

    test('sends nothing while the last response is unanswered, then only the newest state', () => {
      const client = open(false);
      client.subscribe('a');
      const first = client.conversation.next(snapshot(item('a', '1')), false);
      for (const version of ['2', '3', '4'])
        assert.equal(client.conversation.next(snapshot(item('a', version)), false), undefined);
      client.acknowledge(first);
      assert.deepEqual(client.conversation.next(snapshot(item('a', '4')), false)?.resources, [item('a', '4')]);
    });

    test('sends nothing when nothing has changed', () => {
      const client = open(false);
      client.subscribe('a');
      client.acknowledge(client.conversation.next(snapshot(item('a')), false));
      assert.equal(client.conversation.next(snapshot(item('a')), false), undefined);
      assert.equal(client.conversation.next(snapshot(item('a'), item('b')), false), undefined);
    });

    test('sends only the changed one of several named resources', () => {
      const client = open(false);
      client.subscribe('a', 'b', 'c');
      client.acknowledge(client.conversation.next(snapshot(item('a'), item('b'), item('c')), false));
      assert.deepEqual(names(client.conversation.next(snapshot(item('a'), item('b', '2'), item('c')), false)), ['b']);
    });

    test('does not send again what the client rejected, but sends what differs from it', () => {
      const client = open(false);
      client.subscribe('a');
      client.acknowledge(client.conversation.next(snapshot(item('a', 'good')), false));
      const bad = client.conversation.next(snapshot(item('a', 'bad')), false);
      assert.deepEqual(client.reject(bad, 'no such thing'), {
        kind: 'rejected',
        message: 'no such thing',
        resources: ['a'],
        versions: new Map([['a', 'bad']]),
      });
      assert.equal(client.conversation.next(snapshot(item('a', 'bad')), false), undefined);
      assert.deepEqual(client.conversation.next(snapshot(item('a', 'good')), false)?.resources, [item('a', 'good')]);
    });

    test('reports an acknowledgement once, with what it was for', () => {
      const client = open(false);
      client.subscribe('a');
      const update = client.conversation.next(snapshot(item('a')), false);
      assert.deepEqual(client.acknowledge(update), { kind: 'acknowledged', resources: ['a'] });
      assert.notEqual(client.acknowledge(update).kind, 'acknowledged');
    });

    test('takes an answer to an older response for what it is', () => {
      const client = open(false);
      client.subscribe('a');
      const first = client.conversation.next(snapshot(item('a', '1')), false);
      client.acknowledge(first);
      client.conversation.next(snapshot(item('a', '2')), false);
      assert.equal(client.reject(first, 'late').kind, 'stale');
      assert.equal(client.conversation.awaiting, true);
    });

    test('sends a resource that appears after it was asked for', () => {
      const client = open(false);
      client.subscribe('a');
      const before = client.conversation.next(snapshot(), false);
      if (before !== undefined) client.acknowledge(before);
      assert.deepEqual(names(client.conversation.next(snapshot(item('a')), false)), ['a']);
    });

    test('sends a name again when it was given up and asked for again', () => {
      const client = open(false);
      client.subscribe('a', 'b');
      client.acknowledge(client.conversation.next(snapshot(item('a'), item('b')), false));
      client.unsubscribe('a');
      assert.equal(client.conversation.next(snapshot(item('a', '2'), item('b')), false), undefined);
      client.subscribe('a');
      assert.deepEqual(client.conversation.next(snapshot(item('a', '2'), item('b')), false)?.resources, [
        item('a', '2'),
      ]);
    });

    test('leaves what is gone with the client while it is to be kept, and takes it away after', () => {
      const client = open(true);
      client.subscribe();
      client.acknowledge(client.conversation.next(snapshot(item('a'), item('b')), false));
      const newest = snapshot(item('a'), item('c'));
      const made = client.conversation.next(newest, true);
      assert.deepEqual(made?.removed, []);
      assert.deepEqual(made?.added, ['c']);
      client.acknowledge(made);
      const broken = client.conversation.next(newest, false);
      if (protocol === 'incremental') assert.deepEqual(broken?.removed, ['b']);
      else assert.deepEqual(names(broken), ['a', 'c']);
      client.acknowledge(broken);
      assert.equal(client.conversation.next(newest, false), undefined);
    });

    test('sends a forgotten resource again, and only to a client that wants it', () => {
      const client = open(false);
      client.subscribe('a');
      client.acknowledge(client.conversation.next(snapshot(item('a'), item('b')), false));
      client.conversation.forget('a');
      client.conversation.forget('b');
      assert.deepEqual(names(client.conversation.next(snapshot(item('a'), item('b')), false)), ['a']);
    });

    test('goes on without an answer once it is released, and still takes the answer', () => {
      const client = open(false);
      client.subscribe('a');
      const update = client.conversation.next(snapshot(item('a', '1')), false);
      client.conversation.release();
      assert.equal(client.conversation.awaiting, false);
      assert.equal(client.reject(update, 'bad').kind, 'rejected');
    });

    test('refuses more names than are allowed', () => {
      const client = open(false, 2);
      assert.equal(client.subscribe('a', 'b', 'c').kind, 'refused');
    });

    test('cuts a large update and sends the rest after the answer', () => {
      const client = open(false);
      const large = (name: string): Versioned => ({ name, version: '1', bytes: new Uint8Array(700_000) });
      const newest = snapshot(large('a'), large('b'), large('c'));
      client.subscribe('a', 'b', 'c');
      const seen: string[] = [];
      for (
        let update = client.conversation.next(newest, false);
        update !== undefined;
        update = client.conversation.next(newest, false)
      ) {
        assert.equal(update.resources.length, 1);
        seen.push(...(names(update) ?? []));
        client.acknowledge(update);
      }
      assert.deepEqual(seen, ['a', 'b', 'c']);
    });
  });
}
