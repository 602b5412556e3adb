// The steps in which a mesh leaves mTLS, and what ends them early.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MtlsExit } from '@ursa/engine';
import { openMtlsExits } from '../../src/identity/mtls-exits.ts';
import { type Draft, openLiveStore } from './live-store.ts';

const mesh = (mode?: 'PERMISSIVE' | 'STRICT'): Draft => ({
  type: 'Mesh',
  name: 'default',
  spec: mode === undefined ? {} : { mtls: { enabledBackend: 'ca', backends: [{ name: 'ca', type: 'builtin', mode }] } },
});

async function open(mode: 'PERMISSIVE' | 'STRICT', connected = true) {
  const { live, put, remove } = await openLiveStore(mesh(mode));
  const exits = live.graph.source<MtlsExit>('exits');
  const waiting: (() => void)[] = [];
  const running = openMtlsExits({
    ...{ live, exits },
    isConnected: () => connected,
    untilTaken: () => new Promise<void>((resolve) => void waiting.push(resolve)),
  });
  const taken = async (): Promise<void> => {
    waiting.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  /** Both as one reading sees them. */
  const seen = live.graph.derive('seen', () => {
    const { spec } = live.resources('Mesh').get('/default') ?? {};
    return [JSON.stringify(spec ?? 'gone').includes('ca') ? 'mTLS' : 'none', exits.get('default')?.clients];
  });
  const states: (readonly unknown[])[] = [];
  live.graph.watch(seen, [], (state) => states.push(state));
  return { put, remove, exits, taken, states, waiting, running };
}

test('out of STRICT, plain text is taken before clients speak it, and no reader sees the mesh without either', async () => {
  const { put, taken, states } = await open('STRICT');
  await put(mesh());
  await taken();
  await taken();
  assert.deepEqual(states, [
    ['none', 'tls'],
    ['none', 'plaintext'],
    ['none', undefined],
  ]);
});

test('out of PERMISSIVE, which takes plain text already, clients speak it at once', async () => {
  const { put, taken, states } = await open('PERMISSIVE');
  await put(mesh());
  await taken();
  assert.deepEqual(states, [
    ['none', 'plaintext'],
    ['none', undefined],
  ]);
});

test('without connected proxies there is nothing to keep an order for', async () => {
  const { put, states } = await open('STRICT', false);
  await put(mesh());
  assert.deepEqual(states, [['none', undefined]]);
});

test('a mesh that gets mTLS again, or is deleted, is left no more, and answers of before change nothing', async () => {
  const { put, remove, exits, taken, states, running } = await open('STRICT');
  await put(mesh());
  await put(mesh('PERMISSIVE'));
  await taken();
  assert.deepEqual(states.at(-1), ['mTLS', undefined]);
  await put(mesh());
  await remove('Mesh', '', 'default');
  await taken();
  assert.deepEqual(states.at(-1), ['none', undefined]);
  await put(mesh('STRICT'));
  await put(mesh());
  running.stop();
  assert.deepEqual(exits.keys(), []);
});
