// Budgets of requests: each caller's own, whole again after a rest, and none for administrators.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../src/api/http/failure.ts';
import { openRequestBudgets } from '../../src/api/http/request-budgets.ts';
import type { User } from '../../src/identity/access.ts';
import { adminUser, anonymousUser } from '../../src/identity/users.ts';
import { openApiFixture } from './api-fixture.ts';

const john = { name: 'john', groups: ['team-a'] };
const ann = { name: 'ann', groups: ['team-a'] };

function open(perSecond: number) {
  let time = 0;
  const budgets = openRequestBudgets(perSecond, () => time);
  return {
    wait(milliseconds: number): void {
      time += milliseconds;
    },
    /** How many of `wanted` requests are let in, and the last refusal. */
    ask(wanted: number, user: User = john, address = '10.0.0.1') {
      let taken = 0;
      let refusal: Failure | undefined;
      for (let request = 0; request < wanted; request += 1) {
        try {
          budgets.take(user, address);
          taken += 1;
        } catch (error) {
          assert.ok(error instanceof Failure);
          refusal = error;
        }
      }
      return { taken, refusal };
    },
  };
}

test('two seconds of requests may come at once, then as many a second as are allowed', () => {
  const { ask, wait } = open(10);
  const { taken, refusal } = ask(30);
  assert.equal(taken, 20);
  assert.equal(refusal?.status, 429);
  assert.match(refusal?.message ?? '', /user john may send 10 requests a second \(apiServer\.maxRequestsPerSecond\)/);
  assert.deepEqual(refusal?.headers, { 'retry-after': '1' });
  wait(500);
  assert.equal(ask(30).taken, 5);
  wait(60_000);
  assert.equal(ask(30).taken, 20);
});

test('who sends too many keeps nobody else from sending', () => {
  const { ask } = open(10);
  ask(1000);
  assert.equal(ask(20, ann).taken, 20);
  assert.equal(ask(30, anonymousUser, '10.0.0.1').taken, 20);
  assert.equal(ask(20, anonymousUser, '10.0.0.2').taken, 20);
});

test('administrators, and everybody where it is switched off, have no budget', () => {
  assert.equal(open(10).ask(1000, adminUser).taken, 1000);
  assert.equal(open(0).ask(1000).taken, 1000);
});

test('of many callers none is forgotten while it is over its budget, as long as there is room', () => {
  const { ask, wait } = open(1);
  assert.equal(ask(3, anonymousUser, 'first').taken, 2);
  wait(100);
  for (let caller = 0; caller < 9_999; caller += 1) ask(1, anonymousUser, `address ${caller}`);
  assert.equal(ask(1, anonymousUser, 'first').taken, 0);
  wait(10_000);
  ask(1, anonymousUser, 'one more');
  assert.equal(ask(3, anonymousUser, 'first').taken, 2);
});

test('the API answers 429 with Retry-After, before anything is done', async () => {
  const { ask } = openApiFixture({ 'apiServer.maxRequestsPerSecond': 1, 'apiServer.authn.localhostIsAdmin': false });
  const statuses = [];
  for (let request = 0; request < 4; request += 1) statuses.push((await ask('GET', '/meshes')).status);
  assert.deepEqual(statuses.slice(2), [429, 429]);
  assert.ok(!statuses.slice(0, 2).includes(429));
});
