// Make before break: in which order the resources of one proxy go out, and that no client can hold the order up for ever.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type EnvoyType, encodeResource, identitySecret } from '@ursa/envoy';
import type { DiscoveryRequest } from '../../src/delta/conversation.ts';
import { openIncremental } from '../../src/delta/incremental.ts';
import { openStateOfTheWorld } from '../../src/delta/state-of-the-world.ts';
import { edsNameOf } from '../../src/xds/eds-name.ts';
import { openPushSequence, type Push, type PushSequence } from '../../src/xds/push-sequence.ts';
import { namedResources } from '../../src/xds/rejection.ts';
import { configurationOf, edsCluster, endpointsOf, httpListener, routeTo } from './hand-made-mesh.ts';

const blank: DiscoveryRequest = { nonce: '', error: undefined, names: [], dropped: [], held: new Map() };
const rules = (type: EnvoyType) => ({
  complete: type === 'cluster' || type === 'listener',
  nameLimit: 100,
  namedIn: namedResources,
});
const before = configurationOf(
  edsCluster('old'),
  endpointsOf('old', [1]),
  httpListener('out', 9),
  routeTo('out', 'old'),
);
const after = configurationOf(
  edsCluster('new'),
  endpointsOf('new', [2]),
  httpListener('out', 9),
  routeTo('out', 'new'),
);

/** A client that has everything of `before` and has answered all. */
function settledClient(sequence: PushSequence) {
  const wanted = new Map<EnvoyType, string[]>([
    ['endpoint', ['old']],
    ['route', ['out']],
  ]);
  const nonces = new Map<EnvoyType, string>();
  const client = {
    wanted,
    answer(push: Push, error?: string) {
      nonces.set(push.type, push.update.nonce);
      sequence.receive(push.type, { ...blank, nonce: push.update.nonce, error, names: sotwNames(push.type) });
    },
    ask(type: EnvoyType, ...names: string[]) {
      wanted.set(type, [...(wanted.get(type) ?? []), ...names]);
      const all = protocolIsDelta ? names : (wanted.get(type) ?? []);
      sequence.receive(type, { ...blank, names: all, nonce: protocolIsDelta ? '' : (nonces.get(type) ?? '') });
    },
  };
  let protocolIsDelta = true;
  const sotwNames = (type: EnvoyType): readonly string[] => (protocolIsDelta ? [] : (wanted.get(type) ?? []));
  const start = (delta: boolean): typeof client => {
    protocolIsDelta = delta;
    sequence.offer(before);
    for (const type of ['cluster', 'listener'] as const) sequence.receive(type, blank);
    for (const type of ['endpoint', 'route'] as const)
      sequence.receive(type, { ...blank, names: wanted.get(type) ?? [] });
    for (let push = sequence.next(); push !== undefined; push = sequence.next()) client.answer(push);
    return client;
  };
  return { start };
}

for (const [protocol, delta] of [
  ['incremental', true],
  ['state of the world', false],
] as const) {
  const open = () => {
    const sequence = openPushSequence((type) =>
      delta ? openIncremental(rules(type)) : openStateOfTheWorld(rules(type)),
    );
    return { sequence, client: settledClient(sequence).start(delta) };
  };
  const next = (sequence: PushSequence): Push => {
    const push = sequence.next();
    assert.ok(push !== undefined, 'a response is due');
    return push;
  };
  const names = (push: Push): readonly string[] => push.update.resources.map(({ name }) => name).sort();

  describe(`the order of pushes, ${protocol}`, () => {
    test('a new cluster and its endpoints arrive before the route that leads there, and the old cluster leaves last', () => {
      const { sequence, client } = open();
      sequence.offer(after);
      const made = next(sequence);
      assert.equal(made.type, 'cluster');
      assert.deepEqual(made.update.removed, []);
      assert.deepEqual(names(made), delta ? ['new'] : ['new', 'old']);
      assert.equal(sequence.next(), undefined, 'nothing leads to a cluster before it is warm');
      client.ask('endpoint', 'new');
      const endpoints = next(sequence);
      assert.deepEqual([endpoints.type, ...names(endpoints)], ['endpoint', 'new']);
      client.answer(endpoints);
      assert.equal(sequence.next(), undefined);
      client.answer(made);
      const led = next(sequence);
      assert.equal(led.type, 'route');
      assert.equal(sequence.next(), undefined, 'nothing is taken away before the route has moved');
      client.answer(led);
      const broken = next(sequence);
      assert.equal(broken.type, 'cluster');
      if (delta) assert.deepEqual(broken.update.removed, ['old']);
      else assert.deepEqual(names(broken), ['new']);
    });

    test('a changed cluster gets its endpoints again, because Envoy waits for them and does not ask; after all else', () => {
      const { sequence, client } = open();
      const parts = [edsCluster('old', 7), endpointsOf('old', [1]), routeTo('out', 'old')];
      sequence.offer(configurationOf(...parts, httpListener('out', 9, 'changed')));
      assert.equal(next(sequence).type, 'cluster');
      const listeners = next(sequence);
      assert.equal(listeners.type, 'listener');
      client.answer(listeners);
      assert.equal(sequence.next(), undefined);
      assert.equal(sequence.waiting, false, 'the client has nothing to answer before it may go on');
      assert.deepEqual([sequence.hasRest, sequence.inFlight.complete], [true, false]);
      const endpoints = sequence.rest();
      assert.ok(endpoints !== undefined);
      assert.deepEqual([endpoints.type, ...names(endpoints)], ['endpoint', 'old']);
      assert.deepEqual([sequence.hasRest, sequence.inFlight.complete], [false, true]);
      client.answer(endpoints);
      assert.deepEqual([sequence.next(), sequence.rest()], [undefined, undefined]);
    });

    test('endpoints that have changed take along those that are only needed again', () => {
      const { sequence, client } = open();
      const parts = [edsCluster('old', 7), httpListener('out', 9), routeTo('out', 'old')];
      sequence.offer(configurationOf(...parts, endpointsOf('old', [1, 2])));
      assert.equal(next(sequence).type, 'cluster');
      const endpoints = next(sequence);
      assert.deepEqual([endpoints.type, ...names(endpoints)], ['endpoint', 'old']);
      client.answer(endpoints);
      assert.deepEqual([sequence.next(), sequence.rest()], [undefined, undefined]);
    });

    test('where new clusters come along, Envoy answers when the changed ones are warm too: their endpoints do not wait', () => {
      const { sequence } = open();
      const parts = [endpointsOf('old', [1]), endpointsOf('new', [2]), httpListener('out', 9), routeTo('out', 'new')];
      sequence.offer(configurationOf(edsCluster('old', 7), edsCluster('new'), ...parts));
      assert.equal(next(sequence).type, 'cluster');
      const endpoints = next(sequence);
      assert.deepEqual([endpoints.type, ...names(endpoints)], ['endpoint', 'old']);
      assert.equal(sequence.hasRest, false);
    });

    test('what is needed again waits for the answer to endpoints that are on their way', () => {
      const { sequence, client } = open();
      const parts = [httpListener('out', 9), routeTo('out', 'old'), endpointsOf('old', [1, 2])];
      sequence.offer(configurationOf(edsCluster('old'), ...parts));
      const first = next(sequence);
      sequence.offer(configurationOf(edsCluster('old', 7), ...parts));
      assert.equal(next(sequence).type, 'cluster');
      assert.equal(sequence.next(), undefined);
      assert.deepEqual([sequence.rest(), sequence.waiting, sequence.inFlight.complete], [undefined, true, false]);
      client.answer(first);
      const endpoints = next(sequence);
      assert.deepEqual([endpoints.type, ...names(endpoints)], ['endpoint', 'old']);
    });

    test('changed endpoints go alone', () => {
      const { sequence, client } = open();
      sequence.offer(
        configurationOf(edsCluster('old'), endpointsOf('old', [1, 2]), httpListener('out', 9), routeTo('out', 'old')),
      );
      const push = next(sequence);
      assert.equal(push.type, 'endpoint');
      client.answer(push);
      assert.equal(sequence.next(), undefined);
    });

    test('an equal configuration sends nothing', () => {
      const { sequence } = open();
      sequence.offer(
        configurationOf(edsCluster('old'), endpointsOf('old', [1]), httpListener('out', 9), routeTo('out', 'old')),
      );
      assert.equal(sequence.next(), undefined);
      assert.equal(sequence.waiting, false);
    });

    test('a client can take TLS once it has answered for its secrets and the listeners that came with them, and no sooner', () => {
      const { sequence, client } = open();
      assert.equal(sequence.secured, false, 'there are no secrets');
      const secrets = ['identity', 'authorities'].map((name) =>
        encodeResource('secret', identitySecret(name, '', ''), 'outbound'),
      );
      const parts = [edsCluster('old'), endpointsOf('old', [1]), routeTo('out', 'old')];
      const secured = configurationOf(...parts, httpListener('out', 9, 'secured'), ...secrets);
      sequence.offer(secured);
      client.ask('secret', 'identity', 'authorities');
      const made = next(sequence);
      assert.equal(made.type, 'secret');
      client.answer(made);
      assert.equal(sequence.secured, false, 'its listeners are still the old ones');
      const led = next(sequence);
      assert.equal(led.type, 'listener');
      sequence.giveUp();
      assert.equal(sequence.secured, false, 'not to be waited for any more is not to be answered');
      client.answer(led);
      assert.equal(sequence.secured, true);
      sequence.offer(configurationOf(...parts, httpListener('out', 9)));
      assert.equal(sequence.secured, false);
    });

    test('a rejected cluster does not hold up the rest', () => {
      const { sequence, client } = open();
      sequence.offer(after);
      client.answer(next(sequence), 'no such cluster type');
      assert.equal(next(sequence).type, 'route');
    });

    test('a client that never asks for the endpoints of a new cluster gets the rest once patience ends', () => {
      const { sequence, client } = open();
      sequence.offer(after);
      client.answer(next(sequence));
      assert.equal(sequence.next(), undefined);
      assert.equal(sequence.waiting, true);
      sequence.giveUp();
      assert.equal(next(sequence).type, 'route');
    });

    test('a client whose clusters never get warm still gets newer ones once patience ends', () => {
      const { sequence } = open();
      sequence.offer(after);
      assert.equal(next(sequence).type, 'cluster');
      sequence.offer(
        configurationOf(
          edsCluster('third'),
          endpointsOf('third', [3]),
          httpListener('out', 9),
          routeTo('out', 'third'),
        ),
      );
      assert.equal(sequence.next(), undefined);
      assert.equal(sequence.waiting, true);
      sequence.giveUp();
      const newer = next(sequence);
      assert.equal(newer.type, 'cluster');
      assert.ok(names(newer).includes('third'));
    });
  });
}

test('the endpoints a cluster waits for are read from its bytes', () => {
  assert.equal(edsNameOf(edsCluster('backend')), 'backend');
  const [listener] = [httpListener('out', 1)];
  assert.equal(edsNameOf({ ...listener, bytes: new Uint8Array([255]) }), '');
});
