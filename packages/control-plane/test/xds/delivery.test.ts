// How far a connection has come, told by what was sent and answered.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EnvoyType } from '@ursa/envoy';
import { followDelivery } from '../../src/xds/delivery.ts';
import { configurationOf, edsCluster, httpListener } from './hand-made-mesh.ts';

const whole = configurationOf(edsCluster('a'), httpListener('l', 1));
const unanswered = (...types: EnvoyType[]) => ({ complete: true, unanswered: new Set(types) });
const everything = unanswered();

test('a proxy without a configuration has nothing, one that has answered for everything has all', () => {
  const delivery = followDelivery(() => 5);
  assert.equal(delivery.outstanding, 0);
  delivery.offered(7, whole);
  assert.equal(delivery.flushed(unanswered('cluster')), false);
  assert.equal(delivery.outstanding, 0);
  delivery.acknowledged('cluster', ['a']);
  assert.equal(delivery.flushed(everything), true);
  assert.equal(delivery.outstanding, undefined);
});

test('what was offered is outstanding from its revision on, until the last answer', () => {
  const delivery = followDelivery(() => 5);
  delivery.offered(1, whole);
  delivery.flushed(everything);
  delivery.offered(9, whole);
  assert.equal(delivery.outstanding, 9);
  delivery.flushed({ complete: false, unanswered: new Set(['cluster']) });
  delivery.acknowledged('cluster', ['a']);
  assert.equal(delivery.outstanding, 9);
  delivery.flushed(unanswered('listener'));
  assert.equal(delivery.outstanding, 9);
  delivery.acknowledged('listener', ['l']);
  delivery.flushed(everything);
  assert.equal(delivery.outstanding, undefined);
});

test('under steady change a proxy comes further with each state that it has answered for', () => {
  const delivery = followDelivery(() => 5);
  delivery.offered(1, whole);
  delivery.flushed(unanswered('cluster'));
  delivery.offered(2, whole);
  delivery.flushed(unanswered('cluster', 'listener'));
  delivery.acknowledged('cluster', ['a']);
  assert.equal(delivery.flushed(unanswered('cluster', 'listener')), true);
  assert.equal(delivery.outstanding, 2);
  delivery.offered(3, whole);
  delivery.acknowledged('cluster', ['a']);
  delivery.acknowledged('listener', ['l']);
  delivery.flushed(unanswered('cluster'));
  assert.equal(delivery.outstanding, 3);
});

test('a refusal stands until the resource is taken or gone, whatever else is taken', () => {
  const delivery = followDelivery(() => 5);
  delivery.offered(3, whole);
  delivery.sent('listener');
  delivery.offered(4, whole);
  delivery.rejected('listener', ['l'], 'no such file');
  delivery.flushed(everything);
  assert.deepEqual(delivery.refusals, [
    { type: 'listener', resource: 'l', revision: 3, message: 'no such file', since: 5 },
  ]);
  delivery.acknowledged('listener', ['other']);
  delivery.offered(5, whole);
  assert.equal(delivery.refusals.length, 1);
  delivery.offered(6, configurationOf(edsCluster('a')));
  assert.deepEqual(delivery.refusals, []);
  delivery.rejected('cluster', ['a'], 'no');
  delivery.acknowledged('cluster', ['a']);
  assert.deepEqual(delivery.refusals, []);
});
