// A backend that fails for a while: the gap is counted, told once, and written down where it was.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openAudit } from '../../../src/identity/audit/audit.ts';

test('lines that are lost leave a line that says how many', () => {
  const lines: string[] = [];
  const told: string[] = [];
  let isFull = false;
  const backend = {
    name: '/var/log/audit.log',
    append(line: string) {
      if (isFull) throw new Error('no space');
      lines.push(line);
    },
  };
  const audit = openAudit({
    live: { list: () => [] },
    backends: [backend],
    skippedTypes: [],
    instance: 'cp-1',
    now: () => new Date(0),
    onTrouble: (name) => told.push(`trouble ${name}`),
    onRecovery: (name, lost) => told.push(`recovery ${name} ${lost}`),
  });
  const refuse = (id: string) =>
    audit.begin(undefined)({
      ...{ id, method: 'GET', path: '/', source: '', forwardedFor: undefined, userAgent: undefined },
      ...{ status: 401, reason: 'x', isTrial: false },
    });
  refuse('1');
  isFull = true;
  refuse('2');
  refuse('3');
  assert.deepEqual(audit.trouble(), {
    backend: '/var/log/audit.log',
    since: new Date(0).toISOString(),
    reason: 'no space',
    lost: 2,
  });
  isFull = false;
  refuse('4');
  assert.equal(audit.trouble(), undefined);
  assert.deepEqual(told, ['trouble /var/log/audit.log', 'recovery /var/log/audit.log 2']);
  const parsed = lines.map((line) => JSON.parse(line));
  assert.deepEqual(
    parsed.map(({ requestId, lost }) => requestId ?? lost),
    ['1', 2, '4'],
  );
});
