import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MeshError } from '@ursa/resources';
import { isAllowed, requireAccess, type StaticAccess } from '../../src/identity/static-access.ts';
import {
  adminUser,
  anonymousUser,
  authenticateUser,
  type ConnectionFacts,
  isLocalAdmin,
} from '../../src/identity/users.ts';

const local: ConnectionFacts = {
  remoteAddress: '127.0.0.1',
  localAddress: '127.0.0.1',
  host: 'localhost:5681',
  forwardedFor: undefined,
  forwarded: undefined,
  origin: undefined,
};

test('a process of this machine that asks under a loopback name is the administrator', () => {
  const cases: readonly Partial<ConnectionFacts>[] = [
    {},
    { host: '127.0.0.1:5681' },
    { host: '[::1]:5681', remoteAddress: '::1', localAddress: '::1' },
    { remoteAddress: '::ffff:127.0.0.1', localAddress: '::ffff:127.0.0.1' },
    { host: 'LOCALHOST' },
    { origin: 'http://localhost:5681' },
  ];
  for (const facts of cases) assert.equal(isLocalAdmin({ ...local, ...facts }), true, JSON.stringify(facts));
});

test('a caller from outside, through a proxy, or from a foreign web page is not', () => {
  const cases: readonly Partial<ConnectionFacts>[] = [
    { remoteAddress: '192.0.2.7' },
    { localAddress: '192.0.2.2' },
    { host: 'evil.example' },
    { host: 'localhost.evil.example' },
    { host: '127.0.0.1.evil.example' },
    { host: '127.0.0.1@evil.example' },
    { host: undefined },
    { host: '' },
    { forwardedFor: '127.0.0.1' },
    { forwarded: 'for=127.0.0.1' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://localhost.evil.example' },
  ];
  for (const facts of cases) assert.equal(isLocalAdmin({ ...local, ...facts }), false, JSON.stringify(facts));
});

test('a bearer token decides over who is calling, even on loopback', async () => {
  const jane = { name: 'jane', groups: ['mesh-system:authenticated'] };
  const tokens = { verifyUser: async (token: string) => ({ ...jane, name: token }) };
  assert.deepEqual(await authenticateUser(tokens, 'Bearer jane', true), jane);
  assert.deepEqual(await authenticateUser(tokens, undefined, true), adminUser);
  assert.deepEqual(await authenticateUser(tokens, undefined, false), anonymousUser);
  await assert.rejects(
    authenticateUser(tokens, 'Basic abc', true),
    (error: MeshError) => error.code === 'unauthenticated',
  );
});

test('static access looks at names and groups and says which setting would allow more', () => {
  const nobody = { users: [], groups: [] };
  const access: StaticAccess = {
    adminResources: { users: ['mesh-system:admin'], groups: ['ops'] },
    generateDpToken: nobody,
    generateUserToken: nobody,
    generateZoneToken: nobody,
    viewConfigDump: { users: [], groups: ['mesh-system:unauthenticated', 'mesh-system:authenticated'] },
    viewStats: nobody,
    viewClusters: nobody,
    controlPlaneMetadata: nobody,
  };
  assert.equal(isAllowed(access, 'adminResources', adminUser), true);
  assert.equal(isAllowed(access, 'adminResources', { name: 'jane', groups: ['ops'] }), true);
  assert.equal(isAllowed(access, 'viewConfigDump', anonymousUser), true);
  assert.throws(
    () => requireAccess(access, 'generateDpToken', anonymousUser),
    (error: MeshError) => error.code === 'forbidden' && /access\.static\.generateDpToken/.test(error.message),
  );
});
