// The audit of the API: each change and each refusal is one line in a file, and nothing of a secret ever is.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { MeshError } from '@ursa/resources';
import { composeAccess } from '../../src/compose-access.ts';
import { auditRegistrations, composeAudit } from '../../src/compose-audit.ts';
import { defaultSettings } from '../../src/config/load-settings.ts';
import type { AuditFileSettings } from '../../src/config/sections/kmesh.ts';
import { createReadiness } from '../../src/diagnostics/readiness.ts';
import { openLog } from '../../src/log.ts';
import { openApiFixture } from './api-fixture.ts';
import { dataplaneDocument, openWithMeshes, timeoutDocument } from './documents.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into lines of any shape.
type Line = any;

const rotation: AuditFileSettings['rotation'] = { enabled: true, maxRetainedFiles: 2, maxSizeMb: 1, maxAgeDays: 0 };

async function openWithAudit(context: TestContext, file?: string) {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-audit-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const path = file ?? join(folder, 'audit.log');
  const settings = defaultSettings({ 'kmesh.access.audit.backends': [{ path, rotation }] });
  const readiness = createReadiness();
  const logged: string[] = [];
  const log = openLog('info', { write: (line) => void logged.push(line) });
  const first = openApiFixture();
  const audit = composeAudit(settings, { live: first.live, log, instance: 'cp-1', readiness });
  assert.ok(audit !== undefined);
  const access = audit.observe(composeAccess(settings, first.live));
  const { types, store, live, manager, options } = first;
  await first.app.close();
  const fixture = openApiFixture({}, undefined, {
    types,
    live,
    manager,
    access,
    audit,
    tokens: options.tokens,
    revision: store.revision,
  });
  context.after(() => fixture.app.close());
  await openWithMeshes(fixture, 'default');
  const lines = (): readonly Line[] =>
    readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  return { ...fixture, store, path, folder, lines, readiness, logged, audit };
}

const stranger = { 'x-forwarded-for': '192.0.2.7', 'user-agent': 'curl' };

test('each change is one line, with the id that its answer has', async (context) => {
  const { ask, lines, path } = await openWithAudit(context);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const put = await ask('PUT', '/meshes/default/meshtimeouts/a', timeoutDocument());
  await ask('PUT', '/meshes/default/meshtimeouts/a', timeoutDocument('a', '4s'), { 'x-request-id': 'mine-1' });
  await ask('DELETE', '/meshes/default/meshtimeouts/a');
  await ask('POST', '/_apply', { resources: [timeoutDocument('b'), dataplaneDocument('web')] });
  const [mesh, created, updated, deleted, ...applied] = lines();
  assert.deepEqual([mesh.access, mesh.resource], ['CREATE', { type: 'Mesh', name: 'default' }]);
  assert.deepEqual(
    [created.access, created.result, created.requestId],
    ['CREATE', 'done', put.headers['x-request-id']],
  );
  assert.deepEqual([updated.access, updated.requestId], ['UPDATE', 'mine-1']);
  assert.deepEqual(
    [deleted.access, deleted.user.name, deleted.request.method],
    ['DELETE', 'mesh-system:admin', 'DELETE'],
  );
  assert.deepEqual(
    applied.map(({ access, resource }: Line) => [access, resource.type, resource.name]),
    [
      ['CREATE', 'MeshTimeout', 'b'],
      ['CREATE', 'Dataplane', 'web'],
    ],
  );
  assert.equal(new Set(applied.map(({ requestId }: Line) => requestId)).size, 1);
});

test('what changes nothing is no line: reads, trials; of a preview only that it was looked at', async (context) => {
  const { ask, lines } = await openWithAudit(context);
  const before = lines().length;
  assert.equal((await ask('GET', '/meshes')).status, 200);
  assert.equal((await ask('GET', '/globalsecrets')).status, 200);
  assert.equal((await ask('PUT', '/meshes/default/meshtimeouts/a?dryRun=true', timeoutDocument())).status, 201);
  assert.equal((await ask('POST', '/_diff', { resources: [timeoutDocument()] })).status, 200);
  assert.deepEqual(
    lines()
      .slice(before)
      .map(({ access }: Line) => access),
    ['VIEW_CONFIG_DUMP'],
  );
});

test('each refusal is one line, of strangers, of users without the right, and of tokens that do not hold', async (context) => {
  const { ask, lines } = await openWithAudit(context);
  const before = lines().length;
  await ask('GET', '/globalsecrets', undefined, stranger);
  await ask('PUT', '/meshes/default/secrets/s', { type: 'Secret', mesh: 'default', name: 's', data: 'eA==' }, stranger);
  await ask('POST', '/tokens/user', { name: 'x', validFor: '1h' }, stranger);
  await ask('GET', '/_log', undefined, stranger);
  await ask('GET', '/meshes', undefined, { ...stranger, authorization: 'Bearer x.y.z' });
  const found = lines().slice(before);
  assert.deepEqual(
    found.map(({ result, status, access, resource }: Line) => [
      result,
      status,
      access,
      resource?.type ?? resource?.name,
    ]),
    [
      ['denied', 403, 'READ', 'GlobalSecret'],
      ['denied', 403, 'CREATE', 'Secret'],
      ['denied', 403, 'GENERATE_USER_TOKEN', 'x'],
      ['denied', 403, 'READ', 'log'],
      ['denied', 401, undefined, undefined],
    ],
  );
  assert.equal(found[0].request.forwardedFor, '192.0.2.7');
  assert.match(found[1].reason, /adminResources/);
  assert.equal(found[4].user, null);
});

test('AccessAudits choose what is written down, and refusals are written down nevertheless', async (context) => {
  const { ask, lines } = await openWithAudit(context);
  const rules = [{ types: ['MeshTimeout'], access: ['DELETE'] }];
  assert.equal((await ask('PUT', '/accessaudits/a', { type: 'AccessAudit', name: 'a', rules })).status, 201);
  const before = lines().length;
  await ask('PUT', '/meshes/default/meshtimeouts/a', timeoutDocument());
  await ask('DELETE', '/meshes/default/meshtimeouts/a');
  await ask('GET', '/secrets', undefined, stranger);
  assert.deepEqual(
    lines()
      .slice(before)
      .map(({ access }: Line) => access),
    ['DELETE', 'READ'],
  );
});

test('an audit with rules that cannot apply is refused', async (context) => {
  const { ask } = await openWithAudit(context);
  const rules = [{ access: ['CREATE'], accessAll: true }, {}, { types: ['Meshes'], accessAll: true }];
  const both = await ask('PUT', '/accessaudits/a', { type: 'AccessAudit', name: 'a', rules: rules.slice(0, 2) });
  assert.deepEqual(
    both.body.invalid_parameters.map(({ field }: Line) => field),
    ['rules[0].access', 'rules[1].access'],
  );
  const unknown = await ask('PUT', '/accessaudits/a', { type: 'AccessAudit', name: 'a', rules: rules.slice(2) });
  assert.equal(unknown.body.invalid_parameters[0].field, 'rules[0].types[0]');
});

test('no part of a secret gets into the audit, however it is sent', async (context) => {
  const { ask, path } = await openWithAudit(context);
  const canary = 'canary-7c1f0e';
  const data = Buffer.from(canary).toString('base64');
  const secret = { type: 'Secret', mesh: 'default', name: 's', data };
  for (const headers of [{}, stranger]) {
    await ask('PUT', '/meshes/default/secrets/s', secret, headers);
    await ask('PUT', '/meshes/default/secrets/s', { ...secret, data: `${canary}!` }, headers);
    await ask('PUT', '/meshes/default/secrets/s', `{"type":"Secret","data":"${canary}`, headers);
    await ask('POST', '/_apply', { resources: [{ ...secret, [canary]: canary }] }, headers);
    await ask('GET', `/meshes/default/secrets/s?token=${canary}`, undefined, headers);
    await ask('GET', '/secrets', undefined, { ...headers, authorization: `Bearer ${canary}.x.y` });
  }
  const text = readFileSync(path, 'utf8');
  assert.ok(text.length > 0);
  for (const form of [canary, data.slice(0, -3)]) assert.ok(!text.includes(form), text);
});

test('a full file is renamed, and only some old ones stay', async (context) => {
  const { ask, folder } = await openWithAudit(context);
  const noise = { ...stranger, 'user-agent': 'x'.repeat(290) };
  // Some 800 bytes a line: five files of one megabyte.
  for (let round = 0; round < 6_500; round++) await ask('GET', '/_log', undefined, noise);
  const files = readdirSync(folder).sort();
  assert.equal(files.length, 3, files.join(' '));
  assert.ok(files.includes('audit.log'));
  for (const file of files) assert.ok(statSync(join(folder, file)).size <= 1024 * 1024);
});

test('a disk that is full stops nothing: it is logged once and shown as a degradation', async (context) => {
  const { ask, readiness, logged } = await openWithAudit(context, '/dev/full');
  assert.equal((await ask('PUT', '/meshes/default/meshtimeouts/a', timeoutDocument())).status, 201);
  assert.match(readiness.degraded().audit?.reason ?? '', /\/dev\/full.*2 lines of the audit are lost/);
  assert.equal(logged.filter((line) => line.includes('audit cannot be written')).length, 1, logged.join(''));
});

test('a file that cannot be opened is refused at the start, with the setting', async (context) => {
  await assert.rejects(
    openWithAudit(context, '/proc/no/audit.log'),
    /KMESH_ACCESS_AUDIT_BACKENDS.*\/proc\/no\/audit\.log/,
  );
});

test('what proxies register is written down under the paths of the API, refusals with their reason', async (context) => {
  const { audit, types, lines, ask } = await openWithAudit(context);
  const record = auditRegistrations(audit, types);
  const key = { type: 'Dataplane', mesh: 'default', name: 'web-1' };
  record?.({ access: 'CREATE', key });
  record?.({ access: 'UPDATE', key, error: new MeshError('forbidden', 'the token is for another service') });
  record?.({ access: 'UPDATE', key, error: new MeshError('invalid', 'networking.address: whatever was in it') });
  record?.({ access: 'DELETE', key });
  const [created, denied, failed, deleted] = lines().slice(-4);
  assert.deepEqual(
    [created.user.name, created.access, created.resource, created.result, created.status, created.request],
    ['mesh-system:proxy', 'CREATE', key, 'done', 201, { method: 'REGISTER', path: '/meshes/default/dataplanes/web-1' }],
  );
  assert.deepEqual([denied.result, denied.status, denied.reason], ['denied', 403, 'the token is for another service']);
  assert.deepEqual([failed.result, failed.status, failed.reason], ['failed', 400, undefined]);
  assert.deepEqual([deleted.access, deleted.request.method], ['DELETE', 'DEREGISTER']);
  await ask('PUT', '/accessaudits/few', {
    ...{ type: 'AccessAudit', name: 'few', rules: [{ types: ['Secret'], accessAll: true }] },
  });
  const count = lines().length;
  record?.({ access: 'CREATE', key });
  assert.equal(lines().length, count, 'AccessAudits choose');
  record?.({ access: 'CREATE', key, error: new MeshError('forbidden', 'no') });
  assert.equal(lines().length, count + 1, 'refusals are written down whatever they say');
});
