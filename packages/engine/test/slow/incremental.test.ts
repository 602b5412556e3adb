import { test } from 'node:test';
import { checkIncremental } from '../random-changes.ts';

test('after 2,000 random sequences of changes every configuration equals the one made from scratch', (context) => {
  const seed = Number(process.env.URSA_SEED ?? 42);
  context.diagnostic(`seed ${seed}`);
  checkIncremental(2000, seed);
});
