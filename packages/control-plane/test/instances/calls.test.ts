// Calls between instances: only instances are answered, errors arrive as they were thrown, and silence has a name.
import assert from 'node:assert/strict';
import { request } from 'node:https';
import { after, before, describe, test } from 'node:test';
import { MeshError } from '@ursa/resources';
import { createControlPlaneAuthority } from '../../src/identity/authorities/builtin-authority.ts';
import { systemClock } from '../../src/identity/clock.ts';
import { openInstanceCalls, type ServedCalls } from '../../src/instances/calls.ts';
import type { KnownInstance } from '../../src/instances/instances.ts';
import { base64, type LiveStore, openLiveStore } from '../identity/live-store.ts';
import { until } from '../xds/running-server.ts';
import { silent } from './led.ts';

async function authority() {
  const pair = await createControlPlaneAuthority('inter-cp-ca', Date.now());
  return { type: 'GlobalSecret', name: 'inter-cp-ca', spec: { data: base64(pair.certificate + pair.privateKey) } };
}

const known = (id: string, port: number): KnownInstance => ({
  ...{ id, hostname: 'host', address: '127.0.0.1', port, version: '1', startTime: '', proxies: 0 },
  ...{ leader: false, silence: 0 },
});

describe('calls between instances', () => {
  let store: LiveStore;
  const open: ServedCalls[] = [];
  const start = async (id: string, { live } = store): Promise<ServedCalls> => {
    const calls = openInstanceCalls({ id, live, clock: systemClock, port: 0, limits: {}, log: silent });
    await calls.start();
    open.push(calls);
    return calls;
  };
  before(async () => {
    store = await openLiveStore(await authority());
  });
  after(() => Promise.all(open.map((calls) => calls.stop())));

  test('are answered, and errors arrive as they were thrown, but for bugs', async () => {
    const [one, two] = [await start('One'), await start('two')];
    two.answer('double', async (question) => ({ doubled: (question as { number: number }).number * 2 }));
    two.answer('refuse', async () => {
      throw new MeshError('not-found', 'there is no such thing');
    });
    two.answer('break', async () => {
      throw new Error('with a secret');
    });
    const target = known('two', two.port);
    assert.deepEqual(await one.ask(target, 'double', { number: 21 }), { doubled: 42 });
    await assert.rejects(one.ask(target, 'refuse', {}), { code: 'not-found', message: 'there is no such thing' });
    await assert.rejects(one.ask(target, 'break', {}), (error: Error) => !error.message.includes('secret'));
    await assert.rejects(one.ask(target, 'unheard', {}), { code: 'unsupported' });
    one.answer('hello', async () => 'here');
    assert.equal(await two.ask(known('One', one.port), 'hello', {}), 'here');
  });

  test('to one that is silent, gone, or another than was meant fail with its name', async () => {
    const [one, two] = [await start('one-b'), await start('two-b')];
    two.answer('think', () => new Promise(() => undefined));
    const slow = one.ask(known('two-b', two.port), 'think', {}, 50);
    await assert.rejects(slow, { code: 'unavailable', message: /two-b .* did not answer within 0.05 s/ });
    await assert.rejects(one.ask(known('three', 1), 'think', {}), { code: 'unavailable', message: /three/ });
    await assert.rejects(one.ask(known('three', two.port), 'think', {}), { code: 'unavailable', message: /three/ });
  });

  test('from anybody without a certificate of the authority are not taken', async () => {
    const one = await start('one-c');
    let asked = 0;
    one.answer('hello', async () => {
      asked += 1;
    });
    const failure = new Promise((resolve) => {
      const call = request({ port: one.port, path: '/hello', method: 'POST', rejectUnauthorized: false });
      call.on('error', resolve);
      call.on('response', resolve);
      call.end('{}');
    });
    assert.ok((await failure) instanceof Error);
    const stranger = await start('stranger', await openLiveStore(await authority()));
    await assert.rejects(stranger.ask(known('one-c', one.port), 'hello', {}), { code: 'unavailable' });
    assert.equal(asked, 0);
  });

  test('work as soon as the authority is stored', async () => {
    const young = await openLiveStore();
    const [one, two] = [await start('one-d', young), await start('two-d', young)];
    two.answer('hello', async () => 'here');
    const target = known('two-d', two.port);
    await assert.rejects(one.ask(target, 'hello', {}), { code: 'unavailable' });
    await young.put(await authority());
    await until(() =>
      one.ask(target, 'hello', {}).then(
        () => true,
        () => false,
      ),
    );
  });
});
