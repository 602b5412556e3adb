// One resource that a client does not take must not cost it the others, whether it takes them apart or refuses the update as a whole.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Snapshot, Update, Versioned } from '../../src/delta/conversation.ts';
import { openIncremental } from '../../src/delta/incremental.ts';
import { openStateOfTheWorld } from '../../src/delta/state-of-the-world.ts';

const blank = { nonce: '', error: undefined, names: [], dropped: [], held: new Map<string, string>() };
const bad = 'bad';
const item = (name: string, version: string): Versioned => ({ name, version, bytes: new Uint8Array([1]) });
const snapshotOf = (versions: Readonly<Record<string, string>>): Snapshot<Versioned> =>
  new Map(Object.entries(versions).map(([name, version]) => [name, item(name, version)]));

/** How a client meets an update with bad resources: takes the others and names the bad ones, or takes nothing and names the first, or nobody. */
type Manner = 'in part' | 'as a whole, with a name' | 'as a whole, without a name';

const protocols = { incremental: openIncremental, 'state of the world': openStateOfTheWorld } as const;

type Protocol = keyof typeof protocols;

/** A client that asks for everything. `version`: what it says that it has from an earlier stream. */
function openClient(protocol: Protocol, manner: Manner, version?: string) {
  const conversation = protocols[protocol]<Versioned>({
    complete: true,
    nameLimit: 100,
    namedIn: (error, names) => names.filter((name) => error.split(' ').includes(name)),
  });
  conversation.receive({ ...blank, ...(version === undefined ? {} : { version }) });
  const has = new Map<string, string>();
  const refused: string[] = [];
  let updates = 0;
  const take = ({ resources, removed }: Update<Versioned>, isBad: (name: string) => boolean): void => {
    const names = new Set(resources.map(({ name }) => name));
    if (protocol === 'state of the world') for (const name of has.keys()) if (!names.has(name)) has.delete(name);
    for (const { name, version: taken } of resources) if (!isBad(name)) has.set(name, taken);
    for (const name of removed) has.delete(name);
  };
  const errorFor = (update: Update<Versioned>): string | undefined => {
    const wrong = update.resources.filter((each) => each.version.startsWith(bad)).map(({ name }) => name);
    if (wrong.length === 0 || manner === 'in part') take(update, (name) => wrong.includes(name));
    if (wrong.length === 0) return undefined;
    if (manner === 'in part') return `refused: ${wrong.join(' ')}`;
    return manner === 'as a whole, with a name' ? `refused: ${wrong[0]}` : 'something is wrong';
  };
  return {
    has,
    refused,
    /** Takes in all that comes for a state; gives how many updates that took. */
    follow(newest: Snapshot<Versioned>): number {
      const before = updates;
      for (let update = conversation.next(newest, false); update; update = conversation.next(newest, false)) {
        updates += 1;
        assert.ok(updates - before < 100, 'it must come to an end');
        const reception = conversation.receive({ ...blank, nonce: update.nonce, error: errorFor(update) });
        if (reception.kind === 'rejected') refused.push(...reception.resources);
      }
      return updates - before;
    },
  };
}

for (const [protocol, manner] of (['incremental', 'state of the world'] as const).flatMap((each) =>
  (['in part', 'as a whole, with a name', 'as a whole, without a name'] as const).map((way) => [each, way] as const),
))
  describe(`${protocol}: a client that refuses updates ${manner}`, () => {
    test('gets all but the bad resource, which it is asked to take once', () => {
      const { follow, has, refused } = openClient(protocol, manner);
      follow(snapshotOf({ a: '1', b: bad, c: '1', d: '1' }));
      assert.deepEqual([...has.keys()].sort(), ['a', 'c', 'd']);
      assert.deepEqual(refused, ['b']);
      assert.equal(follow(snapshotOf({ a: '1', b: bad, c: '1', d: '1' })), 0, 'nothing comes again');
      assert.equal(follow(snapshotOf({ a: '1', b: '2', c: '1', d: '1' })), 1);
      assert.equal(has.get('b'), '2');
    });

    test('loses what is gone, also when that came with a bad resource', () => {
      const { follow, has } = openClient(protocol, manner);
      follow(snapshotOf({ a: '1', b: '1' }));
      follow(snapshotOf({ b: bad, c: '1' }));
      assert.deepEqual([...has].sort(), [
        ['b', '1'],
        ['c', '1'],
      ]);
    });

    test('ends with all that is good of any sequence of states, and keeps the last good one of the rest', () => {
      const version = fc.constantFrom('1', '2', '3', `${bad}1`, `${bad}2`);
      const state = fc.dictionary(fc.constantFrom(...'abcdefgh'), version);
      fc.assert(
        fc.property(fc.array(state, { maxLength: 5 }), (states) => {
          const { follow, has } = openClient(protocol, manner);
          const expected = new Map<string, string>();
          for (const each of states) {
            follow(snapshotOf(each));
            for (const name of expected.keys()) if (!(name in each)) expected.delete(name);
            for (const [name, value] of Object.entries(each)) if (!value.startsWith(bad)) expected.set(name, value);
          }
          assert.deepEqual(new Map([...has].sort()), new Map([...expected].sort()));
        }),
        { numRuns: 300 },
      );
    });
  });

for (const protocol of ['incremental', 'state of the world'] as const)
  test(`${protocol}: the bad one of a thousand is found by halving, and then everything goes out at once again`, () => {
    const { follow, refused } = openClient(protocol, 'as a whole, without a name');
    const good = Object.fromEntries(Array.from({ length: 1000 }, (_, position) => [`r${position}`, '1']));
    const count = follow(snapshotOf({ ...good, r777: bad }));
    assert.deepEqual(refused, ['r777']);
    assert.ok(count <= 30, `${count} updates`);
    assert.equal(follow(snapshotOf(Object.fromEntries(Object.keys(good).map((name) => [name, '2'])))), 1);
  });

test('state of the world: nothing is left out for a client that has configuration from before, until it has taken one', () => {
  const { follow, has, refused } = openClient('state of the world', 'as a whole, with a name', '7');
  has.set('a', '0').set('b', '0');
  assert.equal(follow(snapshotOf({ a: '1', b: bad })), 1);
  assert.deepEqual([...has.values()], ['0', '0'], 'it keeps what it has');
  follow(snapshotOf({ a: '1', b: '2' }));
  follow(snapshotOf({ a: '2', b: `${bad}2`, c: '1' }));
  assert.deepEqual([...has].sort(), [
    ['a', '2'],
    ['b', '2'],
    ['c', '1'],
  ]);
  assert.deepEqual(refused, ['b', 'b']);
});
