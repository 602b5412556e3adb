// Connections that come all at once: how many handshakes are begun together, in what order, and who gives way.
import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { openAdmission } from '../../src/delta/grpc/admission.ts';

/** Connections are told by their number, in the order in which they come; `turn` gives the numbers of those that one turn of the event loop admits. */
function open(context: TestContext) {
  let next: (() => void) | undefined;
  context.mock.method(globalThis, 'setImmediate', (callback: () => void) => {
    next = callback;
  });
  const sockets: Socket[] = [];
  const admitted: number[] = [];
  const admission = openAdmission((socket) => admitted.push(sockets.indexOf(socket)));
  const enter = (count: number): void => {
    for (let come = 0; come < count; come += 1) {
      const socket = new Socket();
      sockets.push(socket);
      admission.enter(socket);
    }
  };
  const turn = (): readonly number[] => {
    const run = next;
    next = undefined;
    run?.();
    return admitted.splice(0);
  };
  return { admission, sockets, enter, turn };
}

const down = (from: number, to: number): readonly number[] =>
  Array.from({ length: from - to + 1 }, (_, index) => from - index);

test('who comes alone is admitted in the next turn', (context) => {
  const { enter, turn } = open(context);
  enter(1);
  assert.deepEqual(turn(), [0]);
  assert.deepEqual(turn(), []);
});

test('of many that come at once some are admitted in each turn, the newest first', (context) => {
  const { enter, turn } = open(context);
  enter(20);
  assert.deepEqual(turn(), down(19, 12));
  enter(1);
  assert.deepEqual(turn(), [20, ...down(11, 5)]);
  assert.deepEqual(turn(), down(4, 0));
  assert.deepEqual(turn(), []);
});

test('a connection that ended while it waited takes nobody else’s turn', (context) => {
  const { sockets, enter, turn } = open(context);
  enter(9);
  sockets[8]?.destroy();
  assert.deepEqual(turn(), down(7, 0));
});

test('beyond a thousand the oldest give way', (context) => {
  const { sockets, enter, turn } = open(context);
  enter(2500);
  const cut = sockets.flatMap(({ destroyed }, number) => (destroyed ? [number] : []));
  assert.deepEqual(cut, down(1499, 0).toReversed());
  const admitted: number[] = [];
  for (let some = turn(); some.length > 0; some = turn()) admitted.push(...some);
  assert.deepEqual(admitted, down(2499, 1500));
});

test('an error while it waits ends that connection only', (context) => {
  const { sockets, enter, turn } = open(context);
  enter(2);
  sockets[0]?.emit('error', new Error('reset'));
  assert.equal(sockets[0]?.destroyed, true);
  assert.deepEqual(turn(), [1]);
});

test('who waits when the port closes is cut', (context) => {
  const { admission, sockets, enter, turn } = open(context);
  enter(10);
  admission.stop();
  assert.equal(
    sockets.every(({ destroyed }) => destroyed),
    true,
  );
  assert.deepEqual(turn(), []);
});
