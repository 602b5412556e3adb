// What counts as a sign that an instance has ended, or that its machine is lost, and what does not: silence of the instance alone.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { hostname } from 'node:os';
import { test } from 'node:test';
import type { Answer } from '../../src/instances/ask-port.ts';
import { type FateOptions, fateOf } from '../../src/instances/instance-fate.ts';
import type { KnownInstance } from '../../src/instances/instances.ts';

const silentAfter = 12_000;
const instance = (id: string, port: number, more: Partial<KnownInstance> = {}): KnownInstance => ({
  ...{ id, hostname: hostname(), address: '127.0.0.1', port, version: '1', startTime: '2026-01-01T00:00:00Z' },
  ...{ proxies: 0, leader: false, silence: silentAfter, ...more },
});
const contactWithin = 15_000;
const known = (...all: readonly KnownInstance[]): FateOptions => ({
  instances: { list: () => all, isLiving: ({ silence }) => silence < silentAfter },
  sinceContact: () => silentAfter,
  contactWithin,
});
const ended = async (id: string, ...all: readonly KnownInstance[]): Promise<boolean> =>
  (await fateOf(known(...all), id, [])) === 'ended';

test('one that has left, and one whose port nobody listens to, have ended', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  assert.equal(await ended('one', instance('one', port)), false, 'it is silent, and may be frozen');
  assert.equal(await ended('one', instance('one', port), instance('new', port, { silence: 0 })), true, 'replaced');
  server.close();
  await once(server, 'close');
  assert.equal(await ended('one', instance('one', port)), true, 'refused');
  assert.equal(await ended('one', instance('other', port)), true, 'it has left');
});

test('who lives, cannot be asked, or is on another machine under the same address has not', async () => {
  assert.equal(await ended('one', instance('one', 9, { silence: 0 })), false);
  assert.equal(await ended('one', instance('one', 0)), false);
  assert.equal(await ended('one', instance('one', 9, { hostname: 'elsewhere' })), false);
});

test('a machine is silent when it took connections until its instance fell silent, and nobody there answers any more', async () => {
  const one = instance('one', 5683, { address: '10.0.0.1', hostname: 'far' });
  const asked: string[] = [];
  const fate = (answers: Readonly<Record<number, Answer>>, more: Partial<FateOptions> = {}, from = one) => {
    const ask = async (address: string, port: number): Promise<Answer> => {
      asked.push(`${address}:${port}`);
      return answers[port] ?? 'silence';
    };
    return fateOf({ ...known(from), ask, ...more }, 'one', [
      { address: '10.0.0.1', ports: [8080, 8081], sharesMachine: true },
      { address: '10.0.0.1', ports: [5683], sharesMachine: false },
      { address: '10.0.0.2', ports: [9090], sharesMachine: false },
    ]);
  };
  assert.deepEqual(await fate({}), { addresses: ['10.0.0.1'], silence: silentAfter });
  assert.deepEqual(
    asked,
    ['10.0.0.1:5683', '10.0.0.1:8080'],
    'each proxy there once; those elsewhere say nothing of it',
  );
  for (const answer of ['taken', 'refused', 'unclear'] as const)
    assert.equal(await fate({ 8080: answer }), 'unknown', `a proxy there: ${answer}`);
  assert.equal(await fate({ 5683: 'taken' }), 'unknown', 'it is frozen');
  assert.equal(await fate({ 5683: 'unclear' }), 'unknown', 'our own network is broken');
  assert.equal(await fate({ 5683: 'refused' }), 'ended');
  assert.equal(await fate({}, { sinceContact: () => undefined }), 'unknown', 'it was never reached: a firewall');
  const before = silentAfter + contactWithin;
  assert.notEqual(await fate({}, { sinceContact: () => before }), 'unknown');
  assert.equal(await fate({}, { sinceContact: () => before + 1 }), 'unknown', 'it was not reached while it lived');
  assert.equal(await fate({}, {}, { ...one, address: '127.0.0.1', hostname: hostname() }), 'unknown', 'no machine');
});

test('another address of the machine counts as lost when it answered until then, and neither its kernel nor a proxy there answers any more', async () => {
  const one = instance('one', 5683, { address: '10.0.0.1', hostname: 'far' });
  const fate = (answers: Readonly<Record<string, Answer>>, more: Partial<FateOptions> = {}, sharesMachine = true) => {
    const ask = async (address: string, port: number): Promise<Answer> => answers[`${address}:${port}`] ?? 'silence';
    return fateOf({ ...known(one), ask, ...more }, 'one', [
      { address: '10.0.0.1', ports: [8080], sharesMachine: true },
      { address: '10.1.0.1', ports: [8080], sharesMachine },
    ]);
  };
  const both = { addresses: ['10.0.0.1', '10.1.0.1'], silence: silentAfter };
  const own = { addresses: ['10.0.0.1'], silence: silentAfter };
  assert.deepEqual(await fate({}), both);
  // The network of the instance is broken, that of its proxy is not.
  for (const port of [5683, 8080])
    for (const answer of ['taken', 'refused', 'unclear'] as const)
      assert.deepEqual(await fate({ [`10.1.0.1:${port}`]: answer }), own, `${port}: ${answer}`);
  assert.deepEqual(await fate({}, {}, false), own, 'nobody says that it is on that machine');
  const sinceContact = (_: string, address: string) => (address === '10.0.0.1' ? silentAfter : undefined);
  assert.deepEqual(await fate({}, { sinceContact }), own, 'it was never reached there');
  assert.equal(await fate({ '10.0.0.1:8080': 'taken' }), 'unknown', 'at the address of the instance somebody answers');
});
