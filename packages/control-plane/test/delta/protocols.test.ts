// What the two protocols do differently.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DiscoveryRequest, Snapshot, Versioned } from '../../src/delta/conversation.ts';
import { openIncremental } from '../../src/delta/incremental.ts';
import { openStateOfTheWorld } from '../../src/delta/state-of-the-world.ts';

const item = (name: string, version = '1'): Versioned => ({ name, version, bytes: new Uint8Array([1]) });
const snapshot = (...items: readonly Versioned[]): Snapshot<Versioned> =>
  new Map(items.map((entry) => [entry.name, entry]));
const request = (fields: Partial<DiscoveryRequest> = {}): DiscoveryRequest => ({
  nonce: '',
  error: undefined,
  names: [],
  dropped: [],
  held: new Map(),
  ...fields,
});
const rules = (complete: boolean) => ({ complete, nameLimit: 100, namedIn: () => [] });

test('incremental: a client that comes back gets only what changed while it was away', () => {
  const conversation = openIncremental<Versioned>(rules(true));
  conversation.receive(
    request({
      held: new Map([
        ['a', '1'],
        ['b', '1'],
        ['gone', '1'],
      ]),
    }),
  );
  const update = conversation.next(snapshot(item('a'), item('b', '2'), item('c')), false);
  assert.deepEqual(update?.resources, [item('b', '2'), item('c')]);
  assert.deepEqual(update?.removed, ['gone']);
  assert.deepEqual(update?.added, ['c']);
});

test('incremental: a client that holds everything is answered once, without resources', () => {
  const conversation = openIncremental<Versioned>(rules(true));
  conversation.receive(request({ held: new Map([['a', '1']]) }));
  const answer = conversation.next(snapshot(item('a')), false);
  assert.deepEqual([answer?.resources, answer?.removed], [[], []]);
  conversation.receive(request({ nonce: answer?.nonce ?? '' }));
  assert.equal(conversation.next(snapshot(item('a')), false), undefined);
});

test('incremental: names that the client holds are not sent again', () => {
  const conversation = openIncremental<Versioned>(rules(false));
  conversation.receive(request({ names: ['a'], held: new Map([['a', '1']]) }));
  assert.equal(conversation.next(snapshot(item('a')), false), undefined);
});

test('incremental: a name that does not exist is answered as removed, once', () => {
  const conversation = openIncremental<Versioned>(rules(false));
  conversation.receive(request({ names: ['missing'] }));
  const update = conversation.next(snapshot(), true);
  assert.deepEqual(update?.removed, ['missing']);
  conversation.receive(request({ nonce: update?.nonce ?? '' }));
  assert.equal(conversation.next(snapshot(item('other')), false), undefined);
});

test('incremental: asking for a name again gets it again', () => {
  const conversation = openIncremental<Versioned>(rules(false));
  conversation.receive(request({ names: ['a'] }));
  const first = conversation.next(snapshot(item('a')), false);
  conversation.receive(request({ nonce: first?.nonce ?? '' }));
  conversation.receive(request({ names: ['a'] }));
  assert.deepEqual(conversation.next(snapshot(item('a')), false)?.resources, [item('a')]);
});

test('incremental: * turns everything on and off', () => {
  const conversation = openIncremental<Versioned>(rules(true));
  conversation.receive(request({ names: ['*', 'a'] }));
  const all = conversation.next(snapshot(item('a'), item('b')), false);
  assert.equal(all?.resources.length, 2);
  conversation.receive(request({ nonce: all?.nonce ?? '', dropped: ['*'] }));
  assert.deepEqual(conversation.next(snapshot(item('a', '2'), item('b', '2')), false)?.resources, [item('a', '2')]);
});

test('incremental: subscriptions count even in a request with a stale nonce', () => {
  const conversation = openIncremental<Versioned>(rules(false));
  conversation.receive(request({ names: ['a'] }));
  conversation.next(snapshot(item('a'), item('b')), false);
  conversation.receive(request({ nonce: '999', names: ['b'] }));
  assert.equal(conversation.awaiting, true);
  conversation.receive(request({ nonce: '1' }));
  assert.deepEqual(conversation.next(snapshot(item('a'), item('b')), false)?.resources, [item('b')]);
});

test('state of the world: a complete type is sent whole, with the changed ones told apart', () => {
  const conversation = openStateOfTheWorld<Versioned>(rules(true));
  conversation.receive(request());
  conversation.next(snapshot(item('a'), item('b')), false);
  conversation.receive(request({ nonce: '1' }));
  const update = conversation.next(snapshot(item('a'), item('b', '2')), false);
  assert.equal(update?.resources.length, 2);
  assert.deepEqual(update?.changed, [item('b', '2')]);
});

test('state of the world: naming nothing after naming something means nothing', () => {
  const conversation = openStateOfTheWorld<Versioned>(rules(true));
  conversation.receive(request({ names: ['a'] }));
  conversation.next(snapshot(item('a'), item('b')), false);
  conversation.receive(request({ nonce: '1' }));
  assert.deepEqual(conversation.next(snapshot(item('a'), item('b')), false)?.resources, []);
});

test('state of the world: the names of a request with a stale nonce do not count', () => {
  const conversation = openStateOfTheWorld<Versioned>(rules(false));
  conversation.receive(request({ names: ['a'] }));
  conversation.next(snapshot(item('a')), false);
  assert.deepEqual(conversation.receive(request({ nonce: '77', names: ['b'] })), { kind: 'stale' });
  assert.equal(conversation.wants('b'), false);
});

// A client as the protocols describe it, which keeps what it is sent.
type Step =
  | { readonly kind: 'change'; readonly name: string; readonly version: string | undefined }
  | { readonly kind: 'subscribe' | 'unsubscribe'; readonly name: string }
  | { readonly kind: 'answer' | 'reject' | 'release' };

const nameArbitrary = fc.constantFrom('a', 'b', 'c', 'd');
const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('change' as const),
    name: nameArbitrary,
    version: fc.option(fc.constantFrom('1', '2', '3'), { nil: undefined }),
  }),
  fc.record({ kind: fc.constantFrom('subscribe' as const, 'unsubscribe' as const), name: nameArbitrary }),
  fc.record({ kind: fc.constantFrom('answer' as const, 'reject' as const, 'release' as const) }),
);

test('incremental: whatever happens, a client that answers ends with exactly what it wants of the newest state', () => {
  fc.assert(
    fc.property(fc.array(stepArbitrary, { maxLength: 60 }), (steps) => {
      const conversation = openIncremental<Versioned>(rules(false));
      const newest = new Map<string, Versioned>();
      const wanted = new Set<string>(['a']);
      const client = new Map<string, string>();
      let open: string[] = [];
      const pull = (): boolean => {
        const update = conversation.next(new Map(newest), false);
        if (update === undefined) return false;
        for (const { name, version } of update.resources) if (wanted.has(name)) client.set(name, version);
        for (const name of update.removed) client.delete(name);
        open.push(update.nonce);
        return true;
      };
      const answer = (error?: string): void => {
        for (const nonce of open) conversation.receive(request({ nonce, error }));
        open = [];
      };
      conversation.receive(request({ names: ['a'] }));
      for (const step of steps) {
        if (step.kind === 'change') {
          if (step.version === undefined) newest.delete(step.name);
          else newest.set(step.name, item(step.name, step.version));
        } else if (step.kind === 'subscribe') {
          wanted.add(step.name);
          conversation.receive(request({ names: [step.name] }));
        } else if (step.kind === 'unsubscribe') {
          wanted.delete(step.name);
          client.delete(step.name);
          conversation.receive(request({ dropped: [step.name] }));
        } else if (step.kind === 'answer') answer();
        else if (step.kind === 'release') conversation.release();
        pull();
      }
      answer();
      while (pull()) answer();
      const expected = [...newest.values()]
        .filter(({ name }) => wanted.has(name))
        .map(({ name, version }) => [name, version] as const);

      assert.deepEqual(new Map([...client].sort()), new Map(expected.sort()));
    }),
    { numRuns: 500, seed: 20261123 },
  );
});
