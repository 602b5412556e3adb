// The suite every store passes: optimistic writes, all-or-nothing groups, one ordered feed without gaps.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatResourceKey, MeshError, type Resource } from '@ursa/resources';
import type { Store, StoreChange, StoreWrite } from '../src/store/store.ts';

/** How the suite gets at a kind of store. */
export interface StoreUnderTest {
  readonly name: string;
  /** A new, empty store; the suite closes it. */
  open(): Promise<Store>;
}

/** A put of a MeshTimeout with an arbitrary content. */
export function put(name: string, content: unknown, expectedVersion?: number, labels = {}): StoreWrite {
  return {
    kind: 'put',
    resource: { type: 'MeshTimeout', mesh: 'default', name, labels, spec: { content } },
    expectedVersion,
  };
}

/** A deletion of such a MeshTimeout. */
export function remove(name: string, expectedVersion?: number): StoreWrite {
  return { kind: 'delete', key: { type: 'MeshTimeout', mesh: 'default', name }, expectedVersion };
}

/** What a listener of the feed would hold: the sum of all changes. */
export function follow(store: Store): { readonly resources: Map<string, Resource>; readonly changes: StoreChange[] } {
  const resources = new Map<string, Resource>();
  const changes: StoreChange[] = [];
  store.changes((batch) => {
    for (const change of batch) {
      changes.push(change);
      if (change.after === undefined) resources.delete(formatResourceKey(change.key));
      else resources.set(formatResourceKey(change.key), change.after);
    }
  });
  return { resources, changes };
}

const hasCode = (code: string) => (error: unknown) => error instanceof MeshError && error.code === code;

/** Registers the tests of the contract for a kind of store. */
export function testStoreContract({ name, open }: StoreUnderTest): void {
  const withStore = (title: string, run: (store: Store) => Promise<void>) =>
    test(`${name}: ${title}`, async () => {
      const store = await open();
      try {
        await run(store);
      } finally {
        await store.close();
      }
    });

  withStore('a first put has version 1, and each further one the next', async (store) => {
    const first = await store.write([put('a', 1)]);
    const second = await store.write([put('a', 2)]);
    assert.equal(first.resources[0]?.version, 1);
    assert.equal(second.resources[0]?.version, 2);
    assert.deepEqual([first.revision, second.revision, store.revision()], [1, 2, 2]);
  });

  withStore('an update keeps the creation time', async (store) => {
    const first = await store.write([put('a', 1)]);
    const second = await store.write([put('a', 2)]);
    assert.equal(second.resources[0]?.creationTime, first.resources[0]?.creationTime);
  });

  withStore('an equal put changes nothing, whatever the order of its keys', async (store) => {
    const { changes } = follow(store);
    await store.write([put('a', { x: 1, y: [1, { z: null }] }, undefined, { one: '1', two: '2' })]);
    const again = await store.write([put('a', { y: [1, { z: null }], x: 1 }, undefined, { two: '2', one: '1' })]);
    assert.equal(again.revision, 1);
    assert.equal(again.resources[0]?.version, 1);
    assert.equal(changes.length, 1);
  });

  withStore('another label alone is a change, and so is another status', async (store) => {
    const resource = { type: 'Workload', mesh: 'default', name: 'w', labels: {}, spec: {} };
    await store.write([{ kind: 'put', resource }]);
    await store.write([{ kind: 'put', resource: { ...resource, labels: { team: 'a' } } }]);
    const { resources } = await store.write([
      { kind: 'put', resource: { ...resource, labels: { team: 'a' }, status: { ready: 1 } } },
    ]);
    assert.equal(resources[0]?.version, 3);
    assert.deepEqual(resources[0]?.status, { ready: 1 });
  });

  withStore('a writer that has seen an older version loses the race', async (store) => {
    await store.write([put('a', 1)]);
    await store.write([put('a', 2, 1)]);
    await assert.rejects(store.write([put('a', 3, 1)]), hasCode('precondition-failed'));
    await assert.rejects(store.write([remove('a', 1)]), hasCode('precondition-failed'));
    await assert.rejects(store.write([put('a', 3, 0)]), hasCode('precondition-failed'));
    await assert.rejects(store.write([put('b', 3, 7)]), hasCode('precondition-failed'));
    assert.equal(store.revision(), 2);
  });

  withStore('deleting what is not there is an error', async (store) => {
    await assert.rejects(store.write([remove('a')]), hasCode('not-found'));
  });

  withStore('a deleted resource starts again at version 1', async (store) => {
    await store.write([put('a', 1)]);
    await store.write([remove('a', 1)]);
    const { resources } = await store.write([put('a', 1, 0)]);
    assert.equal(resources[0]?.version, 1);
  });

  withStore('of writes handed over together either all happen or none', async (store) => {
    const { resources, changes } = follow(store);
    await store.write([put('a', 1)]);
    await assert.rejects(store.write([put('b', 1), remove('a'), put('c', 1, 9)]), hasCode('precondition-failed'));
    assert.deepEqual([...resources.keys()], ['MeshTimeout/default/a']);
    assert.equal(changes.length, 1);
    const done = await store.write([put('b', 1), remove('a'), put('c', 1, 0)]);
    assert.deepEqual([...resources.keys()], ['MeshTimeout/default/b', 'MeshTimeout/default/c']);
    assert.equal(done.revision, 4);
    assert.deepEqual(
      done.resources.map((resource) => resource?.name),
      ['b', undefined, 'c'],
    );
  });

  withStore('a write sees what an earlier one of the same call has done', async (store) => {
    const done = await store.write([put('a', 1, 0), put('a', 2, 1), remove('a', 2)]);
    assert.equal(done.revision, 3);
    const { resources } = follow(store);
    assert.equal(resources.size, 0);
  });

  withStore('a write that fails takes no write beside it with it', async (store) => {
    const outcomes = await Promise.allSettled([
      store.write([put('a', 1, 0)]),
      store.write([put('a', 2, 0)]),
      store.write([put('b', 1, 0)]),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
  });

  withStore('of many writers with the same version exactly one wins', async (store) => {
    await store.write([put('a', 0)]);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, writer) => store.write([put('a', writer + 1, 1)])),
    );
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  });

  withStore('the feed tells before and after, in revisions that grow by one', async (store) => {
    const { changes } = follow(store);
    await store.write([put('a', 1)]);
    await store.write([put('a', 2), put('b', 1)]);
    await store.write([remove('a')]);
    assert.deepEqual(
      changes.map(({ revision }) => revision),
      [1, 2, 3, 4],
    );
    assert.deepEqual(
      changes.map(({ before, after }) => [before?.version, after?.version]),
      [
        [undefined, 1],
        [1, 2],
        [undefined, 1],
        [2, undefined],
      ],
    );
  });

  withStore('a listener that comes late gets everything once, and then what follows', async (store) => {
    await store.write([put('a', 1), put('b', 1), put('c', 1)]);
    await store.write([remove('b')]);
    const calls: (readonly StoreChange[])[] = [];
    store.changes((changes) => calls.push(changes));
    assert.deepEqual(calls[0]?.map(({ key }) => key.name).toSorted(), ['a', 'c']);
    assert.ok(calls[0]?.every(({ before, revision }) => before === undefined && revision === 4));
    await store.write([put('d', 1)]);
    assert.deepEqual(
      calls[1]?.map(({ revision }) => revision),
      [5],
    );
  });

  withStore('the first listener of an empty store is called with nothing', async (store) => {
    const calls: (readonly StoreChange[])[] = [];
    store.changes((changes) => calls.push(changes));
    assert.deepEqual(calls, [[]]);
  });

  withStore('listeners have heard of a write before its writer has', async (store) => {
    const { changes } = follow(store);
    const { revision } = await store.write([put('a', 1)]);
    assert.equal(changes.at(-1)?.revision, revision);
  });

  withStore('a listener that stopped hears no more', async (store) => {
    let calls = 0;
    const feed = store.changes(() => {
      calls += 1;
    });
    feed.stop();
    await store.write([put('a', 1)]);
    assert.equal(calls, 1);
  });

  withStore('a listener may write: its change comes after the one it heard of', async (store) => {
    const heard: number[] = [];
    let answered = false;
    store.changes((changes) => {
      if (changes.length > 0 && !answered) {
        answered = true;
        void store.write([put('answer', 1)]);
      }
    });
    store.changes((changes) => heard.push(...changes.map(({ revision }) => revision)));
    await store.write([put('a', 1)]);
    await store.write([put('b', 1)]);
    assert.deepEqual(heard, [1, 2, 3]);
  });

  withStore('a write decided late sees the writes before it', async (store) => {
    const first = store.write([put('a', 1)]);
    const second = store.write((content) => {
      const seen = content.get({ type: 'MeshTimeout', mesh: 'default', name: 'a' });
      return seen === undefined ? [] : [put('copy', seen.spec)];
    });
    await first;
    const { resources } = await second;
    assert.equal(resources[0]?.name, 'copy');
  });

  withStore('a late decision walks over the content as it is then', async (store) => {
    void store.write([put('a', 1), put('b', 1)]);
    void store.write([remove('a'), put('c', 1)]);
    let names: string[] = [];
    await store.write((content) => {
      names = [...content.all()].map((resource) => resource.name);
      return [];
    });
    assert.deepEqual(names.toSorted(), ['b', 'c']);
  });

  withStore('a decision that throws rejects its write only', async (store) => {
    const refused = store.write(() => {
      throw new MeshError('invalid', 'not so');
    });
    const other = store.write([put('a', 1)]);
    await assert.rejects(refused, hasCode('invalid'));
    assert.equal((await other).revision, 1);
  });

  withStore('names and keys of objects that JavaScript gives a meaning are data', async (store) => {
    const content = JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1, "toString": "x"}') as unknown;
    await store.write([put('__proto__', content), put('constructor', 1)]);
    const { resources } = follow(store);
    assert.deepEqual(resources.get('MeshTimeout/default/__proto__')?.spec, { content });
    assert.equal(resources.size, 2);
    assert.equal(Reflect.get({}, 'polluted'), undefined);
  });

  withStore('text of any kind comes back as it went in', async (store) => {
    const content = '\'; drop table resources; -- \u0000 \ud83d\ude00 \u2028 "\\';
    await store.write([put('a', content)]);
    const { resources } = follow(store);
    assert.deepEqual(resources.get('MeshTimeout/default/a')?.spec, { content });
  });

  withStore('a healthy store says so', async (store) => {
    assert.deepEqual(store.health(), { ok: true });
  });

  test(`${name}: a closed store refuses writes`, async () => {
    const store = await open();
    await store.close();
    await assert.rejects(store.write([put('a', 1)]), hasCode('unavailable'));
  });
}
