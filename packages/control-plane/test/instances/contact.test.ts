// When an instance was last reached, and what a port says.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { type Answer, connectTo } from '../../src/instances/ask-port.ts';
import { openContact } from '../../src/instances/contact.ts';
import type { KnownInstance } from '../../src/instances/instances.ts';
import { manualClock } from '../identity/live-store.ts';

const settled = () => new Promise((resolve) => setImmediate(resolve));
const instance = (id: string, port: number): KnownInstance => ({
  ...{ id, hostname: id, address: '10.0.0.1', port, version: '1', startTime: '2026-01-01T00:00:00Z' },
  ...{ proxies: 0, leader: false, silence: 0 },
});

test('the others are asked at each heartbeat; only a connection that is taken is contact', async () => {
  const clock = manualClock(1000);
  const asked: number[] = [];
  const answers = new Map<number, Answer>([
    [1, 'taken'],
    [2, 'refused'],
    [3, 'silence'],
  ]);
  let beat = (_: readonly KnownInstance[]): void => undefined;
  const contact = openContact({
    clock,
    otherAddresses: () => [],
    catalog: {
      self: 'own',
      onBeat(listener) {
        beat = listener;
        return { stop: () => undefined };
      },
    },
    ask: async (_, port) => {
      asked.push(port);
      return answers.get(port) ?? 'unclear';
    },
  });
  await contact.start();
  const all = [instance('own', 9), instance('a', 1), instance('b', 2), instance('c', 3), instance('deaf', 0)];
  beat(all);
  await settled();
  assert.deepEqual(asked, [1, 2, 3]);
  assert.deepEqual(
    ['a', 'b', 'c', 'deaf'].map((id) => contact.lastWith(id, '10.0.0.1')),
    [1000, undefined, undefined, undefined],
  );
  clock.moveTo(6000);
  answers.set(1, 'silence').set(2, 'taken');
  beat(all);
  await settled();
  assert.deepEqual(
    ['a', 'b'].map((id) => contact.lastWith(id, '10.0.0.1')),
    [1000, 6000],
  );
  await contact.stop();
});

test('at other addresses of a machine its kernel answers, whether somebody listens or not; they are not asked forever, nor all that are claimed', async () => {
  const clock = manualClock(1000);
  const asked: string[] = [];
  let answer: Answer = 'refused';
  let beat = (_: readonly KnownInstance[]): void => undefined;
  const claimed = ['10.0.0.1', '127.0.0.1', '::1', ...Array.from({ length: 100 }, (_, index) => `10.1.0.${index}`)];
  const contact = openContact({
    clock,
    otherAddresses: (id) => (id === 'a' ? claimed : []),
    catalog: {
      self: 'own',
      onBeat(listener) {
        beat = listener;
        return { stop: () => undefined };
      },
    },
    ask: async (address) => {
      asked.push(address);
      return answer;
    },
  });
  await contact.start();
  beat([instance('a', 1)]);
  await settled();
  assert.deepEqual(asked.slice(0, 2), ['10.0.0.1', '10.1.0.0']);
  assert.ok(asked.length < 50 && !asked.includes('127.0.0.1') && !asked.includes('::1'), String(asked.length));
  const last = () => ['10.0.0.1', '10.1.0.0'].map((address) => contact.lastWith('a', address));
  assert.deepEqual(last(), [undefined, 1000], 'of the instance itself, a connection must be taken');
  answer = 'silence';
  clock.moveTo(10_000);
  beat([instance('a', 1)]);
  await settled();
  assert.deepEqual(last(), [undefined, 1000]);
  clock.moveTo(1000 + 5 * 60_000 + 1);
  beat([]);
  assert.deepEqual(last(), [undefined, undefined]);
  await contact.stop();
});

test('a port takes a connection, or its machine says that nobody listens', async () => {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const answer = connectTo('127.0.0.1', port);
  // This process gets no time until long after the second in which an answer is waited for.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
  assert.equal(await answer, 'taken');
  server.close();
  await once(server, 'close');
  assert.equal(await connectTo('127.0.0.1', port), 'refused');
});
