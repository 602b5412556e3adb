// What an instance knows of its own silence.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CatalogTable, openCatalog } from '../../src/instances/catalog.ts';
import type { Instance } from '../../src/instances/instances.ts';
import { manualClock } from '../identity/live-store.ts';
import { silent } from './led.ts';

const interval = 5_000;
const self: Instance = {
  ...{ id: 'one', hostname: 'host', address: '10.0.0.1', port: 5683, version: '1' },
  ...{ startTime: '2026-01-05T00:00:00Z', proxies: 0 },
};
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('an instance whose heartbeats were not answered for long has returned, also when the table knows it: one of them had arrived', async () => {
  const clock = manualClock(Date.parse(self.startTime));
  let answers = true;
  let returns = 0;
  const table: CatalogTable = {
    async beat() {
      if (!answers) throw new Error('the answer is lost');
      return { all: [{ ...self, leader: true, silence: 0 }], wasKnown: true };
    },
    read: async () => [],
    leave: async () => undefined,
  };
  const catalog = openCatalog({
    ...{ table, id: self.id, clock, interval, log: silent },
    describe: () => self,
    leads: () => true,
    onReturn: () => {
      returns += 1;
    },
  });
  const pass = async (beats: number): Promise<void> => {
    for (let beat = 0; beat < beats; beat += 1) {
      clock.moveTo(clock.now() + interval);
      await settled();
    }
  };
  await catalog.start();
  await pass(3);
  answers = false;
  await pass(1);
  answers = true;
  await pass(1);
  assert.equal(returns, 0, 'one heartbeat may be lost');
  answers = false;
  await pass(3);
  answers = true;
  await pass(1);
  assert.equal(returns, 1);
  await pass(2);
  assert.equal(returns, 1);
  await catalog.stop();
});
