// Which accesses are written down, and what a line has of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditRule } from '@ursa/resources';
import { formatAuditLine } from '../../../src/identity/audit/audit-line.ts';
import { isAudited } from '../../../src/identity/audit/audit-rules.ts';
import type { AuditedAccess } from '../../../src/identity/audit/audited-access.ts';

const skipped = ['MeshInsight'];
const update: AuditedAccess = { access: 'UPDATE', type: 'MeshTimeout', mesh: 'default', name: 'a', granted: true };

/** Rules, an access, whether it is written down. */
const cases: readonly (readonly [string, readonly AuditRule[] | undefined, Partial<AuditedAccess>, boolean])[] = [
  ['without any AccessAudit everything', undefined, {}, true],
  ['but types that are skipped', undefined, { type: 'MeshInsight' }, false],
  ['and reads', undefined, { access: 'READ' }, false],
  ['a verb', [{ access: ['UPDATE'] }], {}, true],
  ['another verb', [{ access: ['DELETE'] }], {}, false],
  ['all verbs', [{ accessAll: true }], { access: 'VIEW_STATS' }, true],
  ['all types but those that are skipped', [{ accessAll: true }], { type: 'MeshInsight' }, false],
  ['a type that is named', [{ accessAll: true, types: ['MeshInsight'] }], { type: 'MeshInsight' }, true],
  ['another type', [{ accessAll: true, types: ['Mesh'] }], {}, false],
  ['a mesh', [{ accessAll: true, mesh: 'default' }], {}, true],
  ['another mesh', [{ accessAll: true, mesh: 'other' }], {}, false],
  ['the mesh itself', [{ accessAll: true, mesh: 'm' }], { type: 'Mesh', mesh: '', name: 'm' }, true],
  [
    'tokens of a mesh',
    [{ access: ['GENERATE_DATAPLANE_TOKEN'], mesh: 'default' }],
    { access: 'GENERATE_DATAPLANE_TOKEN', type: '' },
    true,
  ],
  ['tokens are of no type', [{ accessAll: true, types: ['Mesh'] }], { access: 'GENERATE_USER_TOKEN', type: '' }, false],
  ['one of two rules', [{ access: ['DELETE'] }, { access: ['UPDATE'] }], {}, true],
  ['refusals, whatever the rules', [{ access: ['DELETE'] }], { granted: false }, true],
  ['refused reads', [{ access: ['DELETE'] }], { access: 'READ', granted: false }, true],
];

for (const [what, rules, change, expected] of cases) {
  test(`written down: ${what}`, () => assert.equal(isAudited(rules, skipped, { ...update, ...change }), expected));
}

const request = {
  id: 'r-1',
  method: 'PUT',
  path: '/meshes/default/meshtimeouts/a',
  source: '192.0.2.1',
  forwardedFor: undefined,
  userAgent: 'kumactl',
  user: { name: 'jane', groups: ['team'] },
  status: 200,
  reason: undefined,
};
const time = new Date('2026-01-02T03:04:05.006Z');

test('a line says who, what, when, from where and how it ended', () => {
  assert.deepEqual(JSON.parse(formatAuditLine(time, 'cp-1', request, update)), {
    time: '2026-01-02T03:04:05.006Z',
    requestId: 'r-1',
    instance: 'cp-1',
    user: { name: 'jane', groups: ['team'] },
    access: 'UPDATE',
    resource: { type: 'MeshTimeout', mesh: 'default', name: 'a' },
    result: 'done',
    status: 200,
    request: { method: 'PUT', path: '/meshes/default/meshtimeouts/a', source: '192.0.2.1', userAgent: 'kumactl' },
  });
});

test('only a refusal has its reason, and texts of strangers are cut and without keys', () => {
  const token = 'eyJhbGciOiJSUzI1NiJ9.eyJOYW1lIjoiYWRtaW4ifQ.c2lnbmF0dXJl';
  const hostile = { ...request, status: 400, reason: 'the secret', userAgent: `x\n${token}${'y'.repeat(5_000)}` };
  const failed = formatAuditLine(time, 'cp-1', hostile, update);
  assert.equal(failed.split('\n').length, 2, 'one line');
  assert.ok(failed.length < 2_000 && !failed.includes(token) && !failed.includes('the secret'), failed);
  assert.equal(JSON.parse(failed).result, 'failed');
  const denied = formatAuditLine(
    time,
    'cp-1',
    { ...request, status: 403, reason: 'no role' },
    { ...update, granted: false },
  );
  assert.deepEqual([JSON.parse(denied).result, JSON.parse(denied).reason], ['denied', 'no role']);
  const nobody = JSON.parse(formatAuditLine(time, 'cp-1', { ...request, user: undefined, status: 401 }, undefined));
  assert.deepEqual([nobody.result, nobody.user], ['denied', null]);
});
