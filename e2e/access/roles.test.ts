// Roles with real programs: what the owner of a service can do with kumactl, whatever the command, and what is refused; on one and on all instances alike.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runKumactl } from '../harness/kumactl.ts';
import { openWorld } from '../harness/world.ts';

const folder = mkdtempSync(join(tmpdir(), 'ursa-roles-'));
const auditFile = join(folder, 'audit.log');
const world = await openWorld({ KUMA_ACCESS_TYPE: 'rbac', KMESH_ACCESS_AUDIT_BACKENDS: auditFile });
after(async () => {
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});
const { controlPlane } = world;
const canary = Buffer.from('canary-of-roles').toString('base64');
const configFile = join(folder, 'jane');

/** As jane, whatever is asked. */
const asJane = (line: string, input = '') =>
  runKumactl(controlPlane.apiUrl, [...line.split(' '), '--config-file', configFile], input);

const timeout = (name: string, service: string): string =>
  JSON.stringify({
    type: 'MeshTimeout',
    mesh: 'default',
    name,
    spec: { to: [{ targetRef: { kind: 'MeshService', name: service }, default: { connectionTimeout: '2s' } }] },
  });

test('the mesh is prepared by its administrator', async () => {
  const subjects = [{ type: 'Group', name: 'mesh-system:admin' }];
  await controlPlane.apply({ type: 'AccessRoleBinding', name: 'default', subjects, roles: ['admin'] });
  const to = { targetRef: { kind: 'MeshService', name: 'backend' } };
  const rules = [
    { mesh: 'default', types: ['MeshTimeout'], access: ['CREATE', 'UPDATE', 'DELETE'], when: [{ to }] },
    { mesh: 'default', access: ['VIEW_CONFIG_DUMP'] },
  ];
  await controlPlane.apply({ type: 'AccessRole', name: 'backend-owner', rules });
  const team = [{ type: 'Group', name: 'backend-team' }];
  await controlPlane.apply({ type: 'AccessRoleBinding', name: 'owners', subjects: team, roles: ['backend-owner'] });
  await controlPlane.apply({ type: 'Secret', mesh: 'default', name: 'canary', data: canary });
  const body = { name: 'jane', groups: ['backend-team'], validFor: '1h' };
  const { text: token } = await controlPlane.request('POST', '/tokens/user', body);
  const apiServer = { url: controlPlane.apiUrl, authType: 'tokens', authConf: { token } };
  const contexts = [{ name: 'here', controlPlane: 'here' }];
  const controlPlanes = [{ name: 'here', coordinates: { apiServer } }];
  writeFileSync(configFile, JSON.stringify({ controlPlanes, contexts, currentContext: 'here' }), { mode: 0o600 });
});

test('apply of several documents writes all or none', async () => {
  const good = await asJane('apply -f -', `${timeout('a', 'backend')}\n---\n${timeout('b', 'backend')}`);
  assert.equal(good.code, 0, good.output);
  const mixed = await asJane('apply -f -', `${timeout('c', 'backend')}\n---\n${timeout('d', 'frontend')}`);
  assert.notEqual(mixed.code, 0);
  assert.match(mixed.output, /no role that grants CREATE of MeshTimeout "d" in mesh "default"/);
  assert.equal((await asJane('get meshtimeout c')).code === 0, false, 'nothing of it was written');
});

test('diff shows what she could apply, and refuses what she could not', async () => {
  const good = await asJane('diff -f -', timeout('a', 'backend').replace('2s', '3s'));
  assert.match(good.output, /connectionTimeout/, good.output);
  const refused = await asJane('diff -f -', timeout('e', 'frontend'));
  assert.match(refused.output, /no role that grants CREATE/);
});

test('exports have no secrets for her, and say why when she wants them', async () => {
  const plain = await asJane('export --profile all');
  assert.equal(plain.code, 0, plain.output);
  assert.match(plain.stdout, /type: MeshTimeout/);
  assert.ok(!plain.output.includes(canary));
  const whole = await asJane('export --profile all --include-admin');
  assert.notEqual(whole.code, 0);
  assert.match(whole.output, /no role that grants UPDATE of every (Global)?Secret/);
  assert.ok(!whole.output.includes(canary));
});

test('the bundle for a bug report has what she may see, and says what is missing', async () => {
  const file = join(folder, 'bundle.tgz');
  const run = await asJane(`support-bundle -o ${file}`);
  assert.equal(run.code, 0, run.output);
  assert.match(run.output, /resources\/secrets\.json: .*no role that grants UPDATE of every Secret/);
  const texts = execFileSync('tar', ['-xOzf', file], { maxBuffer: 1 << 26 }).toString();
  assert.match(texts, /MeshTimeout/);
  assert.ok(!texts.includes(canary));
});

test('the audit has all of it: her changes, what she was refused, and who she is', async () => {
  const lines = readFileSync(auditFile, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const hers = lines.filter(({ user }) => user?.name === 'jane');
  const find = (access: string, result: string, name: string) =>
    hers.filter((line) => line.access === access && line.result === result && line.resource.name === name).length;
  assert.deepEqual([find('CREATE', 'done', 'a'), find('CREATE', 'done', 'b')], [1, 1]);
  assert.deepEqual([find('CREATE', 'done', 'c'), find('CREATE', 'denied', 'd')], [0, 1]);
  assert.ok(hers.some(({ access, resource }) => access === 'READ' && resource.type === 'Secret'));
  assert.ok(!readFileSync(auditFile, 'utf8').includes(canary));
});
