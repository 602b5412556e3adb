import { test } from 'node:test';
import { checkIncremental } from './random-changes.ts';

test('after 100 random sequences of changes every configuration equals the one made from scratch', () => {
  checkIncremental(100, 20261123);
});

test('the same where outbounds follow from permissions', () => {
  checkIncremental(100, 20261129, { autoReachableServices: true });
});
