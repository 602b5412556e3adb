// Whose home is used, also for a user that the system does not know and that has no variable HOME.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { homeFolder } from '../src/home-folder.ts';

test('HOME is believed, then the system; a number without a name has the root folder', () => {
  const unknown = (): string => {
    throw new Error('no such user');
  };
  assert.equal(homeFolder({ HOME: '/home/somebody' }, unknown), '/home/somebody');
  assert.equal(
    homeFolder({ HOME: '' }, () => '/home/of-the-system'),
    '/home/of-the-system',
  );
  assert.equal(homeFolder({}, unknown), '/');
});
