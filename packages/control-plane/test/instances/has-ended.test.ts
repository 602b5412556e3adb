// What counts as a sign that an instance has ended, and what does not: silence alone.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { hasEnded } from '../../src/instances/has-ended.ts';
import type { KnownInstance } from '../../src/instances/instances.ts';

const silentAfter = 12_000;
const instance = (id: string, port: number, more: Partial<KnownInstance> = {}): KnownInstance => ({
  ...{ id, hostname: hostname(), address: '127.0.0.1', port, version: '1', startTime: '2026-01-01T00:00:00Z' },
  ...{ proxies: 0, leader: false, silence: silentAfter, ...more },
});
const ended = (id: string, ...all: readonly KnownInstance[]): Promise<boolean> =>
  hasEnded({ list: () => all, isLiving: ({ silence }) => silence < silentAfter }, id);

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
